/** Public types of the codec: options, results, and the parts of a model that the codec uses. */
import type { CheckpointReference } from '../loading/fingerprint.ts';
import type { ImageInput } from '../runtime/image.ts';
import type { LatentInput } from '../runtime/latent_input.ts';
import type { ModelLatent } from '../runtime/model_results.ts';
import type { Pixels } from '../runtime/results.ts';
import type { Size } from '../runtime/model_results.ts';
import type { EncodeOptions, RunOptions } from '../runtime/run_options.ts';

/**
 * The parts of a model that a file is written for and checked against. `AutoencoderDC` and `WorkerAutoencoderDC` have
 * them.
 */
export interface ModelFingerprint {
  readonly config: {
    readonly latentChannels: number;
    readonly scalingFactor: number;
    /** The step of all channels at quality 50. If absent, each channel has its own. */
    readonly uniformQuantiserStep?: number | undefined;
  };
  readonly checkpoint: CheckpointReference;
  /** Pixels of the image along one side of a latent pixel; limits the size of pictures. */
  readonly spatialCompressionRatio?: number | undefined;
  /** @internal */
  readonly codec?: Pick<RemoteCodec, 'packLatent'>;
}

/**
 * The codec in a model's worker. Codec functions use it if the model has one, so that latents need not cross to the
 * page.
 */
export interface RemoteCodec<S = unknown> {
  compress(image: ImageInput, options: CompressOptions): Promise<CompressedFile>;
  decompress(
    file: Uint8Array,
    options: DecompressOptions,
  ): Promise<{ image: PictureForms<S>[keyof PictureForms<S>]; info: FileInfo }>;
  packLatent(latent: LatentNumbers | ModelLatent, options: PackOptions): Promise<CompressedFile>;
}

/** A latent that a model's `encode` returned. */
export interface EncodedLatent {
  readonly shape: readonly [number, number, number, number];
  readonly imageSize: Size;
  toArray(): Promise<Float32Array>;
  dispose(): void;
}

/** A picture that a model's `decode` returned. */
export interface DecodedSample {
  readonly shape: readonly [number, number, number, number];
  toArray(): Promise<Float32Array>;
  toPixels?(index?: number): Promise<Pixels>;
  toImageData(index?: number): Promise<ImageData>;
  dispose(): void;
}

/** A model with an encoder: an `AutoencoderDC` or a `WorkerAutoencoderDC`. */
export interface LatentEncoder extends ModelFingerprint {
  encode(image: ImageInput, options?: EncodeOptions): Promise<{ latent: EncodedLatent }>;
  /** @internal */
  readonly codec?: Pick<RemoteCodec, 'compress' | 'packLatent'>;
}

/** A model with a decoder: an `AutoencoderDC` or a `WorkerAutoencoderDC`. */
export interface LatentDecoder<S extends DecodedSample = DecodedSample> extends ModelFingerprint {
  decode(latent: LatentInput, options?: RunOptions): Promise<{ sample: S }>;
  /** @internal */
  readonly codec?: Pick<RemoteCodec<S>, 'decompress' | 'packLatent'>;
}

/** The numbers of a latent, `[N, C, h, w]`, not scaled. */
export interface LatentNumbers {
  readonly data: Float32Array;
  readonly shape: readonly [number, number, number, number];
  /** The picture's size in pixels before padding, if known. */
  readonly imageSize: Size | undefined;
}

/** A latent that `unpackLatent` returned. `ae.decode` takes it. */
export interface PlainLatent extends LatentNumbers {
  readonly data: Float32Array<ArrayBuffer>;
}

/** Facts about the picture that a file is to hold. */
export interface FileMetadataInput extends Omit<FileMetadata, 'icc' | 'exif'> {
  /** An ICC profile, which takes precedence over `colorSpace`. */
  readonly icc?: ArrayBufferView | ArrayBuffer | undefined;
  /**
   * An EXIF block, such as `readExif` returns. The picture must be upright: the file gets a copy of the block with an
   * orientation of 1, and the block's own orientation becomes `orientationApplied` if that is absent.
   */
  readonly exif?: ArrayBufferView | ArrayBuffer | undefined;
}

/** The progress of a call. */
export interface CodecProgress {
  /** `encode` and `decode`: the network runs. `pack` and `unpack`: the entropy coder runs. `done`: the last event. */
  readonly phase: 'encode' | 'pack' | 'unpack' | 'decode' | 'done';
  /** The share of the phase that is done, 0 to 1. Each phase begins with 0; network phases have no further events. */
  readonly fraction: number;
}

/** Options of every call. */
export interface CallOptions {
  /** Stops the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: CodecProgress) => void) | undefined;
}

/** Options of `compress`. */
export interface CompressOptions extends PackOptions {
  /** Options of the model's `encode`, such as its memory budget. */
  readonly run?: Omit<EncodeOptions, 'signal'> | undefined;
}

/** Facts about the picture that a file can hold. */
export interface FileMetadata {
  readonly title?: string | undefined;
  /**
   * The colour space of the picture's numbers; sRGB if this and `icc` are absent. The network does not convert colours.
   */
  readonly colorSpace?: 'srgb' | 'display-p3' | undefined;
  /** An ICC profile, which takes precedence over `colorSpace`. */
  readonly icc?: Uint8Array | undefined;
  /** An EXIF block, from its byte order mark on. Its orientation is 1, because the picture is upright. */
  readonly exif?: Uint8Array | undefined;
  /**
   * The EXIF orientation (1 to 8) of the original file. It has been applied, so a viewer must not turn the picture
   * again.
   */
  readonly orientationApplied?: number | undefined;
}

/** Options of writing a file. */
export interface PackOptions extends CallOptions {
  /**
   * A whole number from 1 to 100; 60 by default. Adding 20 halves the quantiser's steps. At 50, the step of all
   * channels is the config's `uniformQuantiserStep`. Without that, a step is half the root mean square of the
   * checkpoint's latents (1 / scalingFactor), and channels with large and smooth content get smaller steps.
   */
  readonly quality?: number | undefined;
  /**
   * Keeps the first channels of the latent, this many of them; the others are decoded as zeros. For models whose first
   * channels make a picture on their own, such as DC-AE 1.5 (arXiv 2508.00413). From 1 to `latentChannels`, all by
   * default.
   */
  readonly channels?: number | undefined;
  /** Replaces `quality`: stores every number exactly as f32, or rounded to f16. */
  readonly exact?: 'f32' | 'f16' | undefined;
  readonly metadata?: FileMetadataInput | undefined;
  /**
   * The checkpoint's https or http URL, or its id on the hub, for readers that lack it. A checkpoint of the hub needs
   * none: the file holds its id.
   */
  readonly checkpointUrl?: string | undefined;
}

/** Options of `packLatent`. */
export interface PackLatentOptions extends PackOptions {
  /** The model that encoded the latent. Its decoder can read the file. */
  readonly model: ModelFingerprint;
}

/** Options of `unpackLatent`. */
export interface UnpackOptions extends CallOptions {
  /** The most numbers that a latent may have; 2^25 (128 MiB of f32) by default. Larger latents are refused. */
  readonly maxNumbers?: number | undefined;
}

/** A decoded picture as numbers: `[N, C, H, W]` in [-1, 1], not clamped. */
export interface TensorPicture {
  readonly data: Float32Array;
  readonly shape: readonly [number, number, number, number];
}

/** The forms of a decoded picture. */
export interface PictureForms<S> {
  /** 8 bits, RGBA, clamped. Without ImageData, as in Node, a plain object `{ data, width, height, colorSpace }`. */
  imageData: ImageData;
  /** The caller closes it. */
  imageBitmap: ImageBitmap;
  tensor: TensorPicture;
  /** The result of the model's `decode`, on the GPU. The caller disposes of it. */
  sample: S;
}

/** Options of `decompress`. */
export interface DecompressOptions extends UnpackOptions {
  /** Options of the model's `decode`, such as its memory budget. */
  readonly run?: Omit<RunOptions, 'signal'> | undefined;
  /** The form of the picture; `imageData` by default. */
  readonly as?: keyof PictureForms<unknown> | undefined;
  /**
   * Accepts a model that is not the one the file was made with, for example with another version of the decoder.
   * Refused by default.
   */
  readonly anyModel?: boolean | undefined;
}

/** The quantiser of a file. */
export interface Quantiser {
  readonly quality: number;
  /** The step of each channel of the latent; 0 for a channel that the file does not hold. */
  readonly steps: readonly number[];
}

/** The channels that a file holds. */
export interface FileChannels {
  /** The first channels of the latent that the writer kept: all, unless it was asked for fewer. */
  readonly kept: number;
  /** Channels that the file holds: those of the kept ones that are not zero everywhere. */
  readonly coded: number;
}

/** Sizes of a file in bytes. `header` is everything but the payload, checksums included. */
export interface FileBytes {
  readonly header: number;
  readonly payload: number;
  readonly total: number;
}

/** The contents of a file's header. */
export interface FileInfo {
  readonly version: number;
  /** Whether the numbers are quantised or exact. */
  readonly coding: 'quantised' | 'f32' | 'f16';
  /**
   * The checkpoint that the file was made with. `url` is its address, if the file holds one or the id belongs to the
   * hub.
   */
  readonly checkpoint: CheckpointReference & { readonly url: string | undefined };
  /** The picture's size in pixels; `undefined` if the file does not hold it. */
  readonly image: Size | undefined;
  /** The latent's shape, `[N, C, h, w]`. */
  readonly latent: readonly [number, number, number, number];
  readonly channels: FileChannels;
  /** `undefined` if the numbers are exact. */
  readonly quantiser: Quantiser | undefined;
  readonly metadata: FileMetadata;
  readonly bytes: FileBytes;
}

/** Statistics of a written file. */
export interface CodecStats {
  readonly bytes: FileBytes;
  /**
   * Bits of the whole file for each pixel of the picture, or for each number of the latent if the picture's size is
   * unknown.
   */
  readonly bitsPerPixel: number;
  /** Numbers of the latent. */
  readonly count: number;
  /** Numbers that are zero in the file. */
  readonly zeros: number;
  /** Bits of the payload at each position of the latent, `[N, h, w]`. */
  readonly bitsPerPosition: Float32Array<ArrayBuffer>;
  /** Bits of the payload for each channel. */
  readonly bitsPerChannel: Float64Array<ArrayBuffer>;
  readonly channels: FileChannels;
  readonly quantiser: Quantiser | undefined;
}

/** A file that `compress` or `packLatent` wrote. */
export interface CompressedFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly stats: CodecStats;
}
