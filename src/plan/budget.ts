import { DeviceError, InputError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';

const MiB = 2 ** 20;

/** What a device allows, as numbers: `GPUSupportedLimits` has them by these names. */
export interface Limits {
  readonly maxStorageBufferBindingSize: number;
  readonly maxBufferSize: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  readonly minUniformBufferOffsetAlignment: number;
}

/** The largest binding that a device allows, in bytes. */
export function maxBindingBytes(limits: Limits): number {
  return Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
}

/**
 * Bytes of activations that a device is trusted with where nobody says. WebGPU doesn't tell how much memory there is; one with large bindings has more.
 */
export function defaultBudget(limits: Limits): number {
  return Math.min(2048 * MiB, Math.max(512 * MiB, 2 * maxBindingBytes(limits)));
}

/**
 * A budget, or the default.
 *
 * @throws InputError for one that is no positive number
 */
export function checkedBudget(budget: number | undefined, limits: Limits): number {
  const most = budget ?? defaultBudget(limits);
  if (!(most > 0)) throw new InputError(`memoryBudget must be a positive number of bytes; it was ${most}.`);
  return most;
}

/** About the smallest budget above one that didn't do; Infinity if there is none. */
export function smallestBudget(budget: number, fitted: (total: number) => unknown): number {
  let low = budget;
  let high = 2 * budget;
  for (; !fitted(high); high *= 2) {
    low = high;
    if (high > 2 ** 42) return Infinity;
  }
  while (high / low > 1.15) {
    const middle = Math.sqrt(high * low);
    if (fitted(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** The error that says by how much an input doesn't fit. */
export function tooLarge(
  { input }: { readonly input: Tensor },
  budget: number,
  limits: Limits,
  least: number,
): DeviceError {
  const mib = (bytes: number): string => `${Math.ceil(bytes / MiB)} MiB`;
  const what = `An input of ${input.n} x ${input.height} x ${input.width}`;
  return new DeviceError(
    'limits',
    least === Infinity
      ? `${what} can't be computed with bindings of ${mib(maxBindingBytes(limits))}, which is what this device allows. Use a smaller image, or hand ` +
          'in a device that was requested with the adapter’s own maxStorageBufferBindingSize and maxBufferSize.'
      : `${what} doesn't fit a memory budget of ${mib(budget)}; the smallest that does is about ${mib(least)}. Raise memoryBudget, or use a ` +
          'smaller image.',
  );
}
