import { InputError } from '../errors.ts';
import type { StorageType } from '../graph/tensor.ts';
import type { ConvVariant, Numerics, WeightType } from '../graph/weights.ts';
import type { RetryPolicy } from '../weights/read/read.ts';
import type { SourceOptions } from '../weights/sources/source.ts';

/** How far loading has come. `loaded` never runs backwards, and `total` is the same, and true, in every event. */
export interface LoadProgress {
  /**
   * - `resolve`: config and headers have been read, and what is to come is known; the first event.
   * - `download`: weights stream from the network or the cache to the GPU; shaders compile meanwhile.
   * - `upload`: all bytes have come, the GPU packs the last of them.
   * - `compile`: what is left of the shaders.
   * - `ready`: the last event.
   */
  readonly phase: 'resolve' | 'download' | 'upload' | 'compile' | 'ready';
  /** Bytes of weights that have been handed to the GPU. */
  readonly loaded: number;
  /** Bytes of weights in all. */
  readonly total: number;
  /** How many of the bytes in `loaded` came from the cache. */
  readonly fromCache: number;
  /** Bytes per second over the last seconds; 0 before there is anything to measure. */
  readonly rate: number;
  /** The file that is being read; `undefined` outside `download`. */
  readonly file: string | undefined;
}

/** How to load a model. */
export interface LoadOptions extends SourceOptions {
  /** A device to use and share; it is never destroyed. Without one, the best adapter's is requested, with all that it offers. */
  readonly device?: GPUDevice | undefined;
  /**
   * How weights are stored: `f32` (default) keeps the checkpoint's precision, `f16` halves their memory. Sums are f32 in both.
   */
  readonly dtype?: WeightType | undefined;
  /**
   * How what lies between layers is stored: `f32` (default), or `f16`, for devices that are short of memory: about half of it is taken, or, where a
   * `memoryBudget` cuts images into regions, less is computed twice. All arithmetic is f32, and so are attention's sums, what lies between the
   * passes of a convolution, and results. It costs about what weights in f16 cost: one level of 255 in one value of sixty to a hundred. The
   * reference's authors keep this model away from f16 activations for their range; what exceeds 65504 is stored as that. On a CPU it takes about as long.
   */
  readonly activations?: StorageType | undefined;
  /**
   * How far numbers may stray from the reference's, in f32 and relative to the largest: `fast` (default) promises 1e-4, where half a step of 8-bit
   * colour is 4e-3, and keeps every fixture of the tests within 1e-5; `strict` leaves out the fastest algorithm for convolutions, the one that
   * rounds more coarsely than the plain form, and takes up to twice as long. `half`, with `dtype: "f16"` on a device with `shader-f16`, multiplies
   * in f16 where that is faster, and adds in f32: off by two to four times as much as with weights in f16 alone, and values beyond 65504 overflow.
   */
  readonly numerics?: Numerics | undefined;
  /**
   * The form of the convolutions' kernels, for measurements and for drivers with faults: `registers` runs everywhere. Without it the one that was
   * fastest when this adapter was timed: while weights come in, at the first load, which waits at most 300 ms for it. The cache remembers; without
   * one, and on a CPU, it is the one that suits such adapters. `matrix` and `half-matrix` (with `numerics: "half"`) multiply by subgroup matrices
   * where a browser started with `--enable-unsafe-webgpu` offers Chromium's experiment with them; they are never chosen.
   */
  readonly kernels?: ConvVariant | undefined;
  /** Which half to load; only its bytes are read. Both by default. */
  readonly networks?: 'both' | 'encoder' | 'decoder' | undefined;
  /** diffusers' `variant`: `"fp16"` loads `diffusion_pytorch_model.fp16.safetensors`. */
  readonly variant?: string | undefined;
  /**
   * Used instead of the source's config.json: diffusers' JSON, one that was parsed already, or the id of a repository whose config.json it is
   * (`"mit-han-lab/dc-ae-f32c32-in-1.0-diffusers"`; those of the released checkpoints are known without asking).
   */
  readonly config?: unknown;
  /**
   * Whether bytes from the network are kept for the next visit, and taken from there: in the browser's own file system (the default where there
   * is one), in a folder of yours, or not at all. See `checkpointCache`.
   */
  readonly cache?: boolean | FileSystemDirectoryHandle | undefined;
  /**
   * Whether to compare the files with the SHA-256 that the hub publishes. All of every file is read then, the unwanted half too, and hashing
   * takes a core about six seconds for each gigabyte. Off by default: lengths, ranges and versions are checked always.
   */
  readonly verify?: boolean | undefined;
  /** When to try again after a failure: three tries by default. */
  readonly retry?: Partial<RetryPolicy> | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** What couldn't be told for certain, and the remedy; `console.warn` where this is missing. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Stops loading at once and frees all GPU memory; what was fetched stays in the cache. */
  readonly signal?: AbortSignal | undefined;
}

const allowed = {
  dtype: ['f32', 'f16'],
  activations: ['f32', 'f16'],
  networks: ['both', 'encoder', 'decoder'],
  numerics: ['fast', 'strict', 'half'],
  kernels: ['registers', 'subgroups', 'workgroup', 'half', 'matrix', 'half-matrix'],
} as const;

/**
 * Checks what a type checker may not have seen.
 *
 * @throws InputError naming the option and what is allowed
 */
export function checkOptions(options: LoadOptions): void {
  for (const name of ['dtype', 'activations', 'networks', 'numerics', 'kernels'] as const) {
    const values: readonly string[] = allowed[name];
    const value = options[name];
    if (value !== undefined && !values.includes(value)) {
      const list = values.map((text) => JSON.stringify(text)).join(', ');
      throw new InputError(`options.${name} must be one of ${list}; it was ${JSON.stringify(value)}.`);
    }
  }
  const { device, variant, cache, numerics, dtype = 'f32' } = options;
  if (numerics === 'half' && dtype !== 'f16') {
    throw new InputError('options.numerics "half" goes with dtype "f16": add dtype: "f16", or take numerics "fast".');
  }
  if (device !== undefined && typeof device.createBuffer !== 'function') {
    throw new InputError(
      'options.device must be a GPUDevice: await (await navigator.gpu.requestAdapter()).requestDevice().',
    );
  }
  if (variant !== undefined && !/^[\w-]+$/.test(variant)) {
    throw new InputError(
      `options.variant must be a word such as "fp16", the one in the file's name; it was ${JSON.stringify(variant)}.`,
    );
  }
  if (cache !== undefined && typeof cache !== 'boolean' && typeof cache.getDirectoryHandle !== 'function') {
    throw new InputError(
      'options.cache must be true, false, or a FileSystemDirectoryHandle such as showDirectoryPicker() gives.',
    );
  }
}
