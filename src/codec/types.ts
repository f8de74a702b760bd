/** What the codec's callers see: options, results, and the model as far as the codec knows it. */
import type { ImageInput } from '../runtime/image.ts';
import type { LatentInput } from '../runtime/latent_input.ts';
import type { Size } from '../runtime/results.ts';
import type { CheckpointReference } from '../loading/fingerprint.ts';
import type { RunOptions } from '../runtime/run_options.ts';

/** What of a model a file is written for and checked against. `AutoencoderDC` and `WorkerAutoencoderDC` have it. */
export interface ModelFingerprint {
  readonly config: { readonly latentChannels: number; readonly scalingFactor: number };
  readonly checkpoint: CheckpointReference;
}

/** A latent as a model's `encode` gives it. */
export interface EncodedLatent {
  readonly shape: readonly [number, number, number, number];
  readonly imageSize: Size;
  toArray(): Promise<Float32Array>;
  dispose(): void;
}

/** A picture as a model's `decode` gives it. */
export interface DecodedSample {
  readonly shape: readonly [number, number, number, number];
  toArray(): Promise<Float32Array>;
  toImageData(index?: number): Promise<ImageData>;
  dispose(): void;
}

/** The encoding half of a model: an `AutoencoderDC`, or a `WorkerAutoencoderDC`. */
export interface LatentEncoder extends ModelFingerprint {
  encode(image: ImageInput, options?: RunOptions): Promise<{ latent: EncodedLatent }>;
}

/** The decoding half of a model: an `AutoencoderDC`, or a `WorkerAutoencoderDC`. */
export interface LatentDecoder<S extends DecodedSample = DecodedSample> extends ModelFingerprint {
  decode(latent: LatentInput, options?: RunOptions): Promise<{ sample: S }>;
}

/** A latent in numbers: `[N, C, h, w]`, not scaled. What `unpackLatent` gives, `ae.decode` takes. */
export interface PlainLatent {
  readonly data: Float32Array<ArrayBuffer>;
  readonly shape: readonly [number, number, number, number];
  /** The picture's true size in pixels, where it is known. */
  readonly imageSize: Size | undefined;
}

/** How far a call has come. */
export interface CodecProgress {
  /** `encode`, `decode`: the network at work. `pack`, `unpack`: the entropy coder. `done`: the last event. */
  readonly phase: 'encode' | 'pack' | 'unpack' | 'decode' | 'done';
  /** How much of the phase is done, 0 to 1. A phase begins with 0; the networks' have nothing in between. */
  readonly fraction: number;
}

/** What every call takes. */
export interface CallOptions {
  /** Stops the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: CodecProgress) => void) | undefined;
}

/** What `compress` and `decompress` take besides: how the network is run. */
export interface NetworkOptions {
  /** Handed on to the model's `encode` or `decode`: its memory budget, and who hears of its regions. */
  readonly run?: Omit<RunOptions, 'signal'> | undefined;
}

/** How to compress a picture. */
export interface CompressOptions extends PackOptions, NetworkOptions {}

/** What a file may say of its picture besides the picture. */
export interface FileMetadata {
  readonly title?: string | undefined;
  /** What the picture's numbers mean: sRGB where this and `icc` are missing. Pictures go through the network as they are handed in. */
  readonly colorSpace?: 'srgb' | 'display-p3' | undefined;
  /** An ICC profile, which then says what the numbers mean. */
  readonly icc?: Uint8Array | undefined;
  /** The EXIF orientation (1 to 8) that the original file had and that has been applied: a viewer doesn't turn the picture again. */
  readonly orientationApplied?: number | undefined;
}

/** How to write a file. */
export interface PackOptions extends CallOptions {
  /**
   * 1 to 100; 60 where this is missing. 20 more make the quantiser's steps half as wide. At 50 they are half as wide as the latents of the
   * checkpoint are large (root mean square: 1 / scalingFactor); in channels that hold the large and smooth, finer.
   */
  readonly quality?: number | undefined;
  /** Instead of `quality`: keeps every bit of the numbers, as f32, or of the numbers rounded to f16. */
  readonly exact?: 'f32' | 'f16' | undefined;
  readonly metadata?: FileMetadata | undefined;
  /** Where the checkpoint can be had, for those who lack it; needed where it isn't one of the hub's, whose id says it. */
  readonly checkpointUrl?: string | undefined;
}

/** How to write a latent that is already there. */
export interface PackLatentOptions extends PackOptions {
  /** The model that made it, and whose decoder it is for. */
  readonly model: ModelFingerprint;
}

/** How to read a file. */
export interface UnpackOptions extends CallOptions {
  /** Refuses latents of more numbers than this; 2^25 (128 MiB of f32) where it is missing. */
  readonly maxNumbers?: number | undefined;
}

/** The forms that a decoded picture can have. */
export interface PictureForms<S> {
  /** 8 bits, RGBA, clamped. */
  imageData: ImageData;
  /** The caller's to close. */
  imageBitmap: ImageBitmap;
  /** `[N, C, H, W]` in [-1, 1], not clamped. */
  tensor: { readonly data: Float32Array; readonly shape: readonly [number, number, number, number] };
  /** As the model's `decode` gives it, on the GPU. The caller's to dispose of. */
  sample: S;
}

/** How to read a picture. */
export interface DecompressOptions extends UnpackOptions, NetworkOptions {
  /** The picture's form; `imageData` where this is missing. */
  readonly as?: keyof PictureForms<unknown> | undefined;
  /** Decodes with whatever model is at hand: that of another version of the decoder, say. By default the wrong one is refused. */
  readonly anyModel?: boolean | undefined;
}

/** How numbers became integers. */
export interface Quantiser {
  readonly quality: number;
  /** The step of each channel. */
  readonly steps: readonly number[];
}

/** What a file says of itself. */
export interface FileInfo {
  readonly version: number;
  /** Whether the numbers are quantised or exact. */
  readonly coding: 'quantised' | 'f32' | 'f16';
  /** With what it was made; `url` is where to find it, where the file says so or the id is one of the hub's. */
  readonly checkpoint: CheckpointReference & { readonly url: string | undefined };
  /** The picture's size in pixels; `undefined` where the file doesn't know it. */
  readonly image: Size | undefined;
  /** The latent's shape, `[N, C, h, w]`. */
  readonly latent: readonly [number, number, number, number];
  /** `undefined` where the numbers are exact. */
  readonly quantiser: Quantiser | undefined;
  readonly metadata: FileMetadata;
  readonly bytes: { readonly header: number; readonly payload: number; readonly total: number };
}

/** Where a file's bits went. */
export interface CodecStats {
  /** Bytes of the file: `header` is all but the payload, checksums included. */
  readonly bytes: { readonly header: number; readonly payload: number; readonly total: number };
  /** Bits of the whole file for each pixel of the picture; for each number of the latent where the picture's size isn't known. */
  readonly bitsPerPixel: number;
  /** How many numbers were coded. */
  readonly count: number;
  /** How many of them are zero. */
  readonly zeros: number;
  /** Bits of the payload at each position of the latent, `[N, h, w]`: a heat map. */
  readonly bitsPerPosition: Float32Array<ArrayBuffer>;
  /** Bits of the payload for each channel. */
  readonly bitsPerChannel: Float64Array<ArrayBuffer>;
  readonly quantiser: Quantiser | undefined;
}
