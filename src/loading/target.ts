import { DeviceError } from '../errors.ts';
import { MATRIX_FEATURE, type Gpu } from '../gpu/gpu.ts';
import type { ConvVariant, Products, Target } from '../graph/target.ts';
import type { LoadOptions } from './load_options.ts';

/**
 * The target for a device and a model's options. Kernels and algorithms are chosen by it.
 *
 * @throws DeviceError `unsupported` if `kernels` names a variant that the device cannot run or that `products` excludes
 */
export function targetOf(
  gpu: Gpu,
  options: Pick<LoadOptions, 'dtype' | 'activations' | 'numerics' | 'products' | 'kernels'> = {},
): Target {
  const { dtype = 'f32', activations = 'f32', numerics = 'fast', products = 'f32', kernels: wanted } = options;
  const possible = supportedVariants(gpu, products);
  if (wanted !== undefined && !possible.includes(wanted)) {
    throw new DeviceError(
      'unsupported',
      `options.kernels "${wanted}" cannot run on this device with products "${products}". Possible: ` +
        `${possible.join(', ')}.`,
    );
  }
  const kernel = wanted ?? likelyFastestVariant(gpu, possible);
  return {
    weights: dtype,
    activations,
    numerics,
    products,
    software: gpu.software,
    kernels: { conv: kernel, multiply: kernel },
  };
}

/** Variants of the dense convolution's kernel that a device can run and that `products` allows. */
export function supportedVariants({ device }: Gpu, products: Products): ConvVariant[] {
  const f16 = products === 'f16' && device.features.has('shader-f16');
  return [
    'registers',
    ...(device.features.has('subgroups') ? (['subgroups'] as const) : []),
    'workgroup',
    ...(f16 ? (['f16'] as const) : []),
    ...(hasMatrices(device, 'f32', 8) ? (['matrix'] as const) : []),
    ...(f16 && hasMatrices(device, 'f16', 16) ? (['f16-matrix'] as const) : []),
  ];
}

/** Kernel variants that may be chosen automatically. */
export function automaticVariants(gpu: Gpu, products: Products): ConvVariant[] {
  return supportedVariants(gpu, products).filter((kernel) => kernel !== 'matrix' && kernel !== 'f16-matrix');
}

/** The member that Chromium's experiment adds to GPUAdapterInfo. */
interface MatrixInfo {
  readonly subgroupMatrixConfigs?: readonly {
    readonly componentType: string;
    readonly resultComponentType: string;
    readonly M: number;
    readonly N: number;
    readonly K: number;
  }[];
}

/** Whether a device multiplies square subgroup matrices of this type and size, in subgroups of 32, with sums in f32. */
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
 * The variant that a device is likely to run fastest. On a CPU, workgroup memory is as slow as all other memory,
 * barriers cost time, and f16 is computed in f32.
 */
function likelyFastestVariant({ software }: Gpu, possible: readonly ConvVariant[]): ConvVariant {
  const order = software ? (['subgroups', 'registers'] as const) : (['f16', 'workgroup'] as const);
  return order.find((kernel) => possible.includes(kernel)) ?? 'registers';
}
