/** Checks the options of a load before any work. */
import { InputError } from '../errors.ts';
import { optionsCheck } from '../options.ts';
import type { RetryPolicy } from '../weights/read/read.ts';
import type { LoadOptions } from './load_options.ts';

/** The allowed values of options that are words. */
const ALLOWED_VALUES = {
  dtype: ['f32', 'f16'],
  activations: ['f32', 'f16'],
  networks: ['both', 'encoder', 'decoder'],
  numerics: ['fast', 'strict'],
  products: ['f32', 'f16'],
  kernels: ['registers', 'subgroups', 'workgroup', 'f16', 'matrix', 'f16-matrix'],
} as const;

const STRING_OPTIONS = ['revision', 'subfolder', 'hubUrl', 'accessToken', 'variant'] as const;
const FUNCTION_OPTIONS = ['fetch', 'onProgress', 'onWarning'] as const;

const checkNames = /* @__PURE__ */ optionsCheck<LoadOptions>({
  revision: true,
  subfolder: true,
  hubUrl: true,
  accessToken: true,
  fetch: true,
  device: true,
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
  onProgress: true,
  onWarning: true,
  signal: true,
});

const checkRetryNames = /* @__PURE__ */ optionsCheck<Partial<RetryPolicy>>({
  tries: true,
  stallTimeoutMs: true,
  sleep: true,
});

/**
 * Checks the names and the values of options.
 *
 * @param method - the method that was called, for messages
 * @throws InputError that names the option and the allowed values
 */
export function checkOptions(method: string, options: LoadOptions): void {
  checkNames(method, options);
  if (options.retry !== undefined) checkRetryNames(`${method}'s \`retry\``, options.retry);
  for (const name of STRING_OPTIONS) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== 'string')
      throw new InputError(`options.${name} must be a string; it was ${String(value)}.`);
  }
  for (const name of FUNCTION_OPTIONS) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== 'function')
      throw new InputError(`options.${name} must be a function; it was ${String(value)}.`);
  }
  for (const name of ['dtype', 'activations', 'networks', 'numerics', 'products', 'kernels'] as const) {
    const values: readonly string[] = ALLOWED_VALUES[name];
    const value = options[name];
    if (value !== undefined && !values.includes(value)) {
      const list = values.map((text) => JSON.stringify(text)).join(', ');
      throw new InputError(`options.${name} must be one of ${list}; it was ${JSON.stringify(value)}.`);
    }
  }
  const { device, variant, cache, products, dtype = 'f32' } = options;
  if (products === 'f16' && dtype !== 'f16') {
    throw new InputError(
      `options.products "f16" needs dtype "f16"; dtype was "${dtype}". Set dtype to "f16", or leave products out.`,
    );
  }
  if (device !== undefined && typeof device.createBuffer !== 'function') {
    throw new InputError('options.device must be a GPUDevice, as `await adapter.requestDevice()` returns.');
  }
  if (variant !== undefined && !/^[\w-]+$/.test(variant)) {
    throw new InputError(
      `options.variant must be a word from the file\'s name, such as "fp16"; it was ${JSON.stringify(variant)}.`,
    );
  }
  if (cache !== undefined && typeof cache !== 'boolean' && typeof cache.getDirectoryHandle !== 'function') {
    throw new InputError(
      'options.cache must be true, false, or a FileSystemDirectoryHandle, as `showDirectoryPicker()` returns.',
    );
  }
}
