/** What the page and its worker say to each other. Pictures cross as ImageBitmaps, handed over and not copied. */
import type { ErrorCode, LoadProgress } from 'dc-ae-webgpu';

/** From the page. `load` comes first, once; a `run` ends the one before it. */
export type ToWorker =
  | { readonly type: 'load'; readonly source: string }
  | { readonly type: 'run'; readonly id: number; readonly picture: ImageBitmap }
  | { readonly type: 'abort'; readonly id: number };

/** From the worker. A run answers `prepared`, `encoded`, `decoded`, or ends with `failed` or, if it was aborted, `aborted`. */
export type FromWorker =
  | { readonly type: 'progress'; readonly progress: LoadProgress }
  | { readonly type: 'ready'; readonly info: ModelInfo }
  | { readonly type: 'failed'; readonly id: number | undefined; readonly failure: Failure }
  | { readonly type: 'aborted'; readonly id: number }
  | { readonly type: 'prepared'; readonly id: number; readonly prepared: Prepared }
  | { readonly type: 'encoded'; readonly id: number; readonly encoded: Encoded }
  | { readonly type: 'decoded'; readonly id: number; readonly decoded: Decoded };

/** A failure in a word that code can branch on and a sentence for a person. */
export interface Failure {
  /** The library's own codes, and what this page tells apart besides. */
  readonly code: ErrorCode | 'insecure' | 'no-webgpu' | 'no-adapter' | 'worker' | 'unknown';
  readonly message: string;
}

/** What is known of a model once it is loaded. */
export interface ModelInfo {
  readonly adapter: Adapter;
  /** Bytes of weights on the GPU. */
  readonly weightBytes: number;
  readonly dtype: string;
}

/** The GPU that the model runs on. */
export interface Adapter {
  readonly name: string;
  /** It is the CPU in truth, and slow. */
  readonly software: boolean;
}

/** The picture as the model will see it. */
export interface Prepared {
  readonly width: number;
  readonly height: number;
  /** The picture made smaller, where it had to be. */
  readonly scaled: ImageBitmap | undefined;
}

/** What came of encoding. */
export interface Encoded {
  readonly ms: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** The latent's channels as pictures, one below the other. */
  readonly sheet: ImageBitmap;
}

/** What came of decoding. */
export interface Decoded {
  readonly ms: number;
  readonly reconstruction: ImageBitmap;
  /** Against the original, over the 8-bit RGB of both, in dB; infinite where they are the same. */
  readonly psnr: number;
}
