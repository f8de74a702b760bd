import { DeviceError, InputError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';

const MiB = 2 ** 20;

/** Limits of a device, by the names that `GPUSupportedLimits` gives them. */
export interface Limits {
  readonly maxStorageBufferBindingSize: number;
  readonly maxBufferSize: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  readonly minUniformBufferOffsetAlignment: number;
}

/** The largest storage binding that a device allows, in bytes. */
export function maxBindingBytes(limits: Limits): number {
  return Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
}

/**
 * The default memory budget, in bytes. WebGPU does not report how much memory a device has, so the budget follows from
 * its largest binding.
 */
function defaultBudget(limits: Limits): number {
  return Math.min(2048 * MiB, Math.max(512 * MiB, 2 * maxBindingBytes(limits)));
}

/**
 * Returns the budget, or the default if it is undefined.
 *
 * @throws InputError if the budget is not a positive number
 */
export function checkedBudget(budget: number | undefined, limits: Limits): number {
  const most = budget ?? defaultBudget(limits);
  if (!(most > 0)) throw new InputError(`memoryBudget must be a positive number of bytes; it was ${most}.`);
  return most;
}

/**
 * Searches for the smallest budget that fits, to within 15 %.
 *
 * @param budget - bytes; this budget does not fit
 * @param fitted - tries a budget; returns undefined if it does not fit
 * @returns bytes; Infinity if no budget below 4 TiB fits
 */
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

/**
 * Creates the error for an input that does not fit its budget.
 *
 * @param least - the smallest budget that fits, in bytes; Infinity if there is none
 */
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
      ? `${what} cannot be computed with bindings of ${mib(maxBindingBytes(limits))}, the limit of this ` +
          'device. Use a ' +
          'smaller image, or pass a device that was requested with the adapter’s own maxStorageBufferBindingSize and ' +
          'maxBufferSize.'
      : `${what} does not fit a memory budget of ${mib(budget)}. The smallest budget that fits is about ` +
          `${mib(least)}. ` +
          'Raise memoryBudget, or use a smaller image.',
  );
}
