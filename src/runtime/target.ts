import type { Gpu } from '../gpu/gpu.ts';
import type { Target } from '../graph/weights.ts';
import type { LoadOptions } from './load_options.ts';

/** What kernels are chosen by on a device, for a model loaded with these options. */
export function targetOf(
  { device, software }: Gpu,
  { dtype = 'f32', numerics = 'fast' }: Pick<LoadOptions, 'dtype' | 'numerics'> = {},
): Target {
  return { weights: dtype, numerics, software, subgroups: device.features.has('subgroups') };
}
