import type { StorageType } from './tensor.ts';
import type { Algorithm } from './tile_geometry.ts';
import type { WeightType } from './weights.ts';

/**
 * The required accuracy. `fast` allows Winograd's F(4x4, 3x3), which rounds more coarsely than a direct convolution;
 * `strict` does not.
 */
export type Numerics = 'strict' | 'fast';

/**
 * The number type in which convolutions may multiply. Sums are f32 in both. `f16` excludes Winograd's F(4x4, 3x3),
 * whose matrices would lose too much in f16.
 */
export type Products = 'f32' | 'f16';

/**
 * Variants of the dense convolution's kernel. The first three add the same products in the same order:
 *
 * - `registers`: reads both factors from memory; every device can run it.
 * - `subgroups`: lanes exchange their pixels; needs WebGPU's feature `subgroups`.
 * - `workgroup`: copies blocks of both factors to workgroup memory.
 * - `f16`: like `workgroup`, with blocks in f16. Products of four channels are added in f16, everything else in f32.
 *   Needs `shader-f16`.
 * - `matrix`, `f16-matrix`: multiplies such blocks, of f32 or f16, by Chromium's experimental subgroup matrices with
 *   sums in f32. Only for Winograd's multiplications; the convolution itself runs as `workgroup` or `f16`.
 */
export type ConvVariant = 'registers' | 'subgroups' | 'workgroup' | 'f16' | 'matrix' | 'f16-matrix';

/** The chosen variants: for direct convolutions and for Winograd's multiplications. */
export interface ConvVariants {
  readonly conv: ConvVariant;
  readonly multiply: ConvVariant;
}

/** The properties of a device and of a load that decide which kernels run. */
export interface Target {
  readonly weights: WeightType;
  /** Storage of the tensors between ops. */
  readonly activations: StorageType;
  readonly numerics: Numerics;
  readonly products: Products;
  /** Whether the adapter runs on the CPU. */
  readonly software: boolean;
  readonly kernels: ConvVariants;
  /** Forces this algorithm on every convolution that it can compute. For tests. */
  readonly algorithm?: Algorithm | undefined;
}
