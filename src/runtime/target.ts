import { DeviceError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { ConvKernel, Target } from '../graph/weights.ts';
import type { LoadOptions } from './load_options.ts';

/**
 * What kernels are chosen by on a device, for a model loaded with these options.
 *
 * @throws DeviceError `unsupported` for a form of kernels that the device can't run, or that the numerics don't admit
 */
export function targetOf(gpu: Gpu, options: Pick<LoadOptions, 'dtype' | 'numerics' | 'kernels'> = {}): Target {
  const { dtype = 'f32', numerics = 'fast', kernels: wanted } = options;
  const possible = possibleKernels(gpu, numerics);
  if (wanted !== undefined && !possible.includes(wanted)) {
    throw new DeviceError(
      'unsupported',
      `This device has no kernels of the form "${wanted}" with numerics "${numerics}"; it has: ${possible.join(', ')}.`,
    );
  }
  const kernel = wanted ?? usualKernel(gpu, possible);
  return { weights: dtype, numerics, software: gpu.software, kernels: { conv: kernel, multiply: kernel } };
}

/** Forms of the dense convolution's kernel that a device can run, and that these numerics admit. */
export function possibleKernels({ device: { features } }: Gpu, numerics: Target['numerics']): ConvKernel[] {
  return [
    'registers',
    ...(features.has('subgroups') ? (['subgroups'] as const) : []),
    'workgroup',
    ...(numerics === 'half' && features.has('shader-f16') ? (['half'] as const) : []),
  ];
}

/**
 * The form that a device is likely to run fastest. On a CPU a workgroup's memory is no nearer than any other, its barriers cost, and f16 is
 * computed in f32.
 */
function usualKernel({ software }: Gpu, possible: readonly ConvKernel[]): ConvKernel {
  const order = software ? (['subgroups', 'registers'] as const) : (['half', 'workgroup'] as const);
  return order.find((kernel) => possible.includes(kernel)) ?? 'registers';
}
