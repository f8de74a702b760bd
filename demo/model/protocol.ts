/** The requests that the page sends to the model's worker. Between calls the worker keeps only the model. */
import type { AutoencoderDCConfig, LoadProgress, Profile, RunProgress } from 'dc-ae-webgpu';
import type { CodecStats, FileInfo, PlainLatent } from 'dc-ae-webgpu/codec';
import type { Failure } from '../failure.ts';
import type { Pixels } from '../measure/protocol.ts';

/** How weights are stored on the GPU. */
export type Dtype = 'f32' | 'f16';

/** A model to load, with its options. */
export interface LoadRequest {
  /** A folder's or a file's URL, a repository's id, or the files of a dropped folder. */
  readonly source: string | readonly File[];
  readonly dtype: Dtype;
  /** Where others can have the checkpoint; it is written into files where the hub's id doesn't say it. */
  readonly checkpointUrl: string | undefined;
}

/** Facts about a loaded model. */
export interface ModelInfo {
  readonly adapter: Adapter;
  readonly config: AutoencoderDCConfig;
  /** Pixels of a picture's side for each of its latent's. */
  readonly ratio: number;
  readonly dtype: Dtype;
  /** Bytes of weights on the GPU. */
  readonly weightBytes: number;
}

/** The GPU that the model runs on. */
export interface Adapter {
  readonly name: string;
  /** It is the CPU in truth, and slow. */
  readonly software: boolean;
  /** The device's features, by WebGPU's names. */
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

/** How the reader wants the network to run. */
export interface RunSettings {
  /** Limit on the bytes of activations; the library's default if undefined. */
  readonly memoryBudget: number | undefined;
  /** Times each stage, which slows the run. */
  readonly profiled: boolean;
}

/** The work and time of one network's run. */
export interface Work {
  readonly ms: number;
  readonly flops: number;
  readonly dispatches: number;
  /** Of its buffers on the GPU, weights apart. */
  readonly peakBytes: number;
  readonly regions: number;
  /** FLOPs for each that one piece would take: regions overlap. */
  readonly recompute: number;
  /** Where it was asked for. */
  readonly profile: Pick<Profile, 'clock' | 'stages'> | undefined;
}

/** The result of encoding. */
export interface Encoded {
  readonly work: Work;
  readonly latent: PlainLatent;
  /** The latent's channels as pictures, one below the other. */
  readonly sheet: ImageBitmap;
}

/** The picture as the model will see it: on white, and made smaller where it had to be. */
export interface Prepared {
  readonly pixels: Pixels;
  readonly picture: ImageBitmap;
}

/** A picture's file, and where its bits went. */
export interface Packed {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly ms: number;
  readonly stats: Pick<CodecStats, 'bitsPerPixel' | 'count' | 'zeros'>;
  /** Bits per position of the latent, dark to light, a pixel for each. */
  readonly heat: ImageBitmap;
  /** Bits at the position that took most. */
  readonly mostBits: number;
}

/** The result of decoding a file. */
export interface Decoded {
  readonly work: Work;
  readonly info: FileInfo;
  readonly pixels: Pixels;
  readonly picture: ImageBitmap;
  readonly sheet: ImageBitmap;
}

/** The methods, in the order in which a page calls them. */
export interface ModelMethods {
  /** Comes first, once. */
  readonly load: { readonly args: LoadRequest; readonly result: ModelInfo; readonly report: LoadProgress };
  /** Answers when the device is lost, and no sooner. */
  readonly lost: { readonly args: undefined; readonly result: Failure; readonly report: never };
  /** A file from wherever it lies: of this worker alone, the policy may allow requests to other hosts. */
  readonly download: { readonly args: string; readonly result: Uint8Array<ArrayBuffer>; readonly report: never };
  /** A picture to its latent. */
  readonly encode: {
    readonly args: { readonly picture: ImageBitmap; readonly settings: RunSettings };
    readonly result: Encoded;
    readonly report: Prepared | RunProgress;
  };
  /** A latent to a file. */
  readonly pack: {
    readonly args: { readonly latent: PlainLatent; readonly quality: number };
    readonly result: Packed;
    readonly report: never;
  };
  /** A file to a picture. */
  readonly decode: {
    readonly args: { readonly bytes: Uint8Array; readonly settings: RunSettings };
    readonly result: Decoded;
    readonly report: RunProgress;
  };
}
