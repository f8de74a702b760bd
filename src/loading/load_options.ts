import type { StorageType } from '../graph/tensor.ts';
import type { ConvVariant, Numerics, Products } from '../graph/target.ts';
import type { WeightType } from '../graph/weights.ts';
import type { RetryPolicy } from '../weights/read/read.ts';
import type { SourceOptions } from '../weights/sources/open_source.ts';

/** The progress of loading. `loaded` never decreases, and `total` is exact and the same in every event. */
export interface LoadProgress {
  /**
   * - `resolve`: the first event. Config and headers have been read, and `total` is known.
   * - `download`: weights stream from the network or the cache to the GPU. Shaders compile meanwhile.
   * - `upload`: all bytes have arrived, and the GPU packs the last of them.
   * - `compile`: the last shaders compile.
   * - `ready`: the last event.
   */
  readonly phase: 'resolve' | 'download' | 'upload' | 'compile' | 'ready';
  /** The bytes of weights that the GPU has taken. */
  readonly loaded: number;
  /** The bytes of all weights. */
  readonly total: number;
  /** The bytes of `loaded` that came from the cache. */
  readonly fromCache: number;
  /** Bytes per second over the last three seconds; 0 at first. */
  readonly rate: number;
  /** The file that is being read; `undefined` except during `download`. */
  readonly file: string | undefined;
}

/** Options for loading a model. */
export interface LoadOptions extends SourceOptions {
  /**
   * A device of your own to share. It is never destroyed. By default, a device of the best adapter with all its limits.
   */
  readonly device?: GPUDevice | undefined;
  /**
   * The storage of weights: `f32` (default) keeps the checkpoint's precision, `f16` halves their memory. Sums are f32.
   */
  readonly dtype?: WeightType | undefined;
  /**
   * The storage of activations: `f32` (default), or `f16` for devices that are short of memory. `f16` takes about half
   * of the memory; if a `memoryBudget` cuts images into regions, fewer pixels are computed twice. All arithmetic, the
   * sums of attention and results stay f32. It costs as much accuracy as weights in f16: one level of 255 in one value
   * of sixty to a hundred. Values beyond 65504 are stored as 65504; the model's authors advise against f16 activations
   * for that reason.
   */
  readonly activations?: StorageType | undefined;
  /**
   * The accuracy of results, as the error relative to the largest value, with weights and activations in f32. `fast`
   * (default) promises 1e-4; half a step of 8-bit colour is 4e-3. `strict` avoids the fastest convolution algorithm,
   * which rounds more coarsely than a direct convolution, and takes up to twice as long.
   */
  readonly numerics?: Numerics | undefined;
  /**
   * The number type in which convolutions may multiply: `f32` (default) or `f16`, which needs `dtype: "f16"`. On a
   * device with `shader-f16`, `f16` multiplies in f16 if that is faster, and adds in f32. Errors grow to two to four
   * times those of f16 weights alone, and values beyond 65504 overflow. On other devices products stay f32.
   */
  readonly products?: Products | undefined;
  /**
   * The variant of the convolution kernels, for measurements and for reports about faulty drivers. Without it, the
   * first load times the variants on a GPU and the cache keeps the choice. `matrix` and `f16-matrix` are never chosen
   * automatically; they need a Chromium started with `--enable-unsafe-webgpu`.
   *
   * @internal
   */
  readonly kernels?: ConvVariant | undefined;
  /** The networks to load: both by default. Only their bytes are downloaded. */
  readonly networks?: 'both' | 'encoder' | 'decoder' | undefined;
  /** diffusers' `variant`: `"fp16"` loads `diffusion_pytorch_model.fp16.safetensors`. */
  readonly variant?: string | undefined;
  /**
   * Used instead of the source's config.json: diffusers' JSON, the result of `parseConfig`, or the id of a repository
   * whose config.json is taken (`"mit-han-lab/dc-ae-f32c32-in-1.0-diffusers"`). Those of released checkpoints need no
   * request.
   */
  readonly config?: unknown;
  /**
   * Whether bytes from the network are stored for the next visit: in the browser's own file system (`true`, the
   * default), in a folder of your own, or not at all (`false`). See `checkpointCache`.
   */
  readonly cache?: boolean | FileSystemDirectoryHandle | undefined;
  /**
   * Whether to compare the files with the SHA-256 that the hub publishes. Then all of every file is read, even if only
   * one network is loaded, and hashing takes a core about six seconds for each gigabyte. Off by default. Lengths,
   * ranges and versions are always checked.
   */
  readonly verify?: boolean | undefined;
  /** When to try again after a failure; three tries by default. */
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** Called with the progress, first when `total` is known. */
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** Called with warnings, such as a config that could only be guessed. `console.warn` by default. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Stops loading at once and frees all GPU memory. Downloaded bytes stay in the cache. */
  readonly signal?: AbortSignal | undefined;
}
