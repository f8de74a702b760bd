/**
 * Options on their way to the worker. The types derive from the public ones, and each list below must hold every key
 * of its type: an option that is missing here does not compile.
 */
import type { CompressOptions, DecompressOptions, PackOptions } from '../codec/types.ts';
import { InputError } from '../errors.ts';
import { checkOptions } from '../loading/check_options.ts';
import type { LoadOptions } from '../loading/load_options.ts';
import {
  checkDecodeOptions,
  checkEncodeOptions,
  type DecodeOptions,
  type EncodeOptions,
  type RunOptions,
} from '../runtime/run_options.ts';

/** Options that stay on the page. Their effect comes from the call itself: its signal and its reports. */
type PageOnly = 'signal' | 'onProgress' | 'onProfile' | 'onWarning';

/** Options of a run in the worker that the page does not give by these names. */
export interface Profiled {
  /** Whether the page wants a profile. */
  readonly profiled: boolean;
}

/** The options of a load that are sent as they are. */
export type SentLoadOptions = Omit<LoadOptions, PageOnly | 'device' | 'fetch'>;

/** The options of `encode`, for the worker. */
export type SentEncodeOptions = Omit<EncodeOptions, PageOnly> & Profiled;

/** The options of `decode` and `decodeStrips`, for the worker. */
export type SentDecodeOptions = Omit<DecodeOptions, PageOnly> & Profiled;

/** The options of `packLatent`, for the worker. */
export type SentPackOptions = Omit<PackOptions, PageOnly>;

/** The options of `compress`, for the worker. */
export type SentCompressOptions = Omit<CompressOptions, PageOnly | 'run'> & { readonly run: SentEncodeOptions };

/** The options of `decompress`, for the worker. */
export type SentDecompressOptions = Omit<DecompressOptions, PageOnly | 'run'> & { readonly run: SentDecodeOptions };

/** A list that names every key of `T`. */
type AllKeys<T> = Readonly<Record<keyof T, true>>;

const LOAD_OPTIONS: AllKeys<SentLoadOptions> = {
  revision: true,
  subfolder: true,
  hubUrl: true,
  accessToken: true,
  dtype: true,
  activations: true,
  numerics: true,
  products: true,
  kernels: true,
  networks: true,
  variant: true,
  config: true,
  cache: true,
  verify: true,
  retry: true,
};

const ENCODE_OPTIONS: AllKeys<Omit<SentEncodeOptions, 'profiled'>> = { memoryBudget: true, background: true };

const DECODE_OPTIONS: AllKeys<Omit<SentDecodeOptions, 'profiled'>> = { memoryBudget: true, scaled: true };

const PACK_OPTIONS: AllKeys<SentPackOptions> = {
  quality: true,
  channels: true,
  exact: true,
  metadata: true,
  checkpointUrl: true,
};

const DECOMPRESS_OPTIONS: AllKeys<Omit<SentDecompressOptions, 'run'>> = {
  as: true,
  anyModel: true,
  maxNumbers: true,
};

/**
 * Selects the options of a load that the worker needs.
 *
 * @param method - the method that was called, for messages
 * @throws InputError if an option is invalid or cannot be sent to a worker
 */
export function sentLoadOptions(method: string, options: LoadOptions): SentLoadOptions {
  checkOptions(method, options);
  if (options.device !== undefined) {
    throw new InputError(
      'options.device cannot be sent to a worker. Leave it out, so that the worker requests its own device, ' +
        'or load on ' +
        'the page with AutoencoderDC.',
    );
  }
  if (options.retry?.sleep !== undefined) {
    throw new InputError(
      'options.retry.sleep is a function and cannot be sent to a worker. Leave it out; tries and ' +
        'stallTimeoutMs are sent.',
    );
  }
  return pick(options, LOAD_OPTIONS);
}

/**
 * Selects the options of `encode` that the worker needs.
 *
 * @throws InputError if an option is invalid
 */
export function sentEncodeOptions(options: EncodeOptions = {}): SentEncodeOptions {
  checkEncodeOptions('encode', options);
  return { ...pick(options, ENCODE_OPTIONS), profiled: isProfiled(options) };
}

/**
 * Selects the options of `decode` that the worker needs.
 *
 * @param method - the method that was called, for messages
 * @throws InputError if an option is invalid
 */
export function sentDecodeOptions(method: string, options: DecodeOptions = {}): SentDecodeOptions {
  checkDecodeOptions(method, options);
  return { ...pick(options, DECODE_OPTIONS), profiled: isProfiled(options) };
}

/** Selects the options of `packLatent` that the worker needs. */
export function sentPackOptions(options: PackOptions): SentPackOptions {
  return pick(options, PACK_OPTIONS);
}

/** Selects the options of `compress` that the worker needs. */
export function sentCompressOptions(options: CompressOptions): SentCompressOptions {
  return { ...pick(options, PACK_OPTIONS), run: sentEncodeOptions(options.run) };
}

/** Selects the options of `decompress` that the worker needs. */
export function sentDecompressOptions(options: DecompressOptions): SentDecompressOptions {
  return { ...pick(options, DECOMPRESS_OPTIONS), run: sentDecodeOptions('decode', options.run) };
}

function isProfiled({ onProfile }: RunOptions): boolean {
  return onProfile !== undefined;
}

function pick<T extends object, K extends keyof T>(options: T, keys: Readonly<Record<K, true>>): Pick<T, K> {
  const picked: Partial<T> = {};
  for (const key in keys) if (options[key] !== undefined) picked[key] = options[key];
  return picked as Pick<T, K>; // Absent options are optional in T, and all others were copied.
}
