import { DeviceError } from '../errors.ts';
import { MATRIX_FEATURE, type Gpu } from '../gpu/gpu.ts';
import type { ConvVariant, Target } from '../graph/weights.ts';
import type { LoadOptions } from './load_options.ts';

/**
 * What kernels are chosen by on a device, for a model loaded with these options.
 *
 * @throws DeviceError `unsupported` for a form of kernels that the device can't run, or that the numerics don't admit
 */
export function targetOf(
  gpu: Gpu,
  options: Pick<LoadOptions, 'dtype' | 'activations' | 'numerics' | 'kernels'> = {},
): Target {
  const { dtype = 'f32', activations = 'f32', numerics = 'fast', kernels: wanted } = options;
  const possible = supportedVariants(gpu, numerics);
  if (wanted !== undefined && !possible.includes(wanted)) {
    throw new DeviceError(
      'unsupported',
      `This device has no kernels of the form "${wanted}" with numerics "${numerics}"; it has: ${possible.join(', ')}.`,
    );
  }
  const kernel = wanted ?? likelyFastestVariant(gpu, possible);
  return { weights: dtype, activations, numerics, software: gpu.software, kernels: { conv: kernel, multiply: kernel } };
}

/** Forms of the dense convolution's kernel that a device can run, and that these numerics admit. */
export function supportedVariants({ device }: Gpu, numerics: Target['numerics']): ConvVariant[] {
  const half = numerics === 'half' && device.features.has('shader-f16');
  return [
    'registers',
    ...(device.features.has('subgroups') ? (['subgroups'] as const) : []),
    'workgroup',
    ...(half ? (['half'] as const) : []),
    ...(hasMatrices(device, 'f32', 8) ? (['matrix'] as const) : []),
    ...(half && hasMatrices(device, 'f16', 16) ? (['half-matrix'] as const) : []),
  ];
}

/** Those among them that nobody has to ask for. */
export function automaticVariants(gpu: Gpu, numerics: Target['numerics']): ConvVariant[] {
  return supportedVariants(gpu, numerics).filter((kernel) => kernel !== 'matrix' && kernel !== 'half-matrix');
}

/** What Chromium's experiment adds to WebGPU's types. */
interface MatrixInfo {
  readonly subgroupMatrixConfigs?: readonly {
    readonly componentType: string;
    readonly resultComponentType: string;
    readonly M: number;
    readonly N: number;
    readonly K: number;
  }[];
}

/** Whether a device multiplies square subgroup matrices of this type and size, with sums in f32, in subgroups of 32. */
function hasMatrices({ features, adapterInfo }: GPUDevice, type: string, size: number): boolean {
  if (!(features as ReadonlySet<string>).has(MATRIX_FEATURE) || !features.has('subgroups')) return false;
  const info: Partial<GPUAdapterInfo> & MatrixInfo = adapterInfo;
  if (info.subgroupMinSize !== 32 || info.subgroupMaxSize !== 32) return false;
  return (info.subgroupMatrixConfigs ?? []).some(
    ({ componentType, resultComponentType, M, N, K }) =>
      componentType === type && resultComponentType === 'f32' && [M, N, K].every((side) => side === size),
  );
}

/**
 * The form that a device is likely to run fastest. On a CPU a workgroup's memory is no nearer than any other, its barriers cost, and f16 is
 * computed in f32.
 */
function likelyFastestVariant({ software }: Gpu, possible: readonly ConvVariant[]): ConvVariant {
  const order = software ? (['subgroups', 'registers'] as const) : (['half', 'workgroup'] as const);
  return order.find((kernel) => possible.includes(kernel)) ?? 'registers';
}
