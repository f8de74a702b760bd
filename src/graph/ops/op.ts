import type { Rect } from '../rects.ts';
import type { Tensor } from '../tensor.ts';
import type { WeightSpec, WeightType } from '../weights.ts';

/** Members that every op has. */
export interface OpBase {
  /** Layer path, for labels and messages. */
  readonly label: string;
  /** The rectangle that the op computes, at the resolution of `y`: the whole image, or a region of it. */
  readonly rect: Rect;
  /** The tensor that the op writes. */
  readonly y: Tensor;
}

/** A tensor and a rectangle of it. */
export interface TensorRect {
  readonly tensor: Tensor;
  readonly rect: Rect;
}

/** Maps the tensors of the whole image to the tensors of a region. */
export type ReplaceTensor = (tensor: Tensor) => Tensor;

/**
 * All that planning needs to know about one type of op. A new op must define every member, or the table in ops.ts does
 * not compile. The defaults that several ops share are named functions below.
 */
export interface OpRecord<T extends OpBase> {
  /** The tensors that the op reads. */
  inputs(op: T): Tensor[];
  /**
   * The rectangles of its inputs that the op reads to compute `rect` of its output. They include the halo, which may
   * reach over the image's edge, where all pixels are zero. Sums over the image are read whole.
   */
  inputRects(op: T, rect: Rect): TensorRect[];
  /**
   * The smallest rectangle that the op can compute and that contains `wanted`: pixel shuffles write whole blocks,
   * quadratic attention writes everything.
   */
  outputRect(op: T, wanted: Rect): Rect;
  /** The rectangle whose cost the op has when it computes `rect`: tile algorithms compute whole tiles. */
  computedRect(op: T, rect: Rect): Rect;
  /** Multiply-adds times two. Ops that move bytes rather than multiply count as 0. */
  flops(op: T): number;
  /** The weights that the op reads from the model. */
  weights(op: T): WeightSpec[];
  /** Bytes of weights that the op reads. */
  weightBytes(op: T, type: WeightType): number;
  /** The same op on other tensors, for another rectangle. */
  withTensors(op: T, rect: Rect, replace: ReplaceTensor): T;
  /** Whether the op sums over the whole image, so that no later op can start before all regions are summed. */
  readonly isReduction: boolean;
}

/** `outputRect` and `computedRect` of an op that computes each pixel on its own. */
export function sameRect(_op: OpBase, rect: Rect): Rect {
  return rect;
}

/** `flops` of an op that does not multiply. */
export function noFlops(): number {
  return 0;
}

/** `weights` of an op without any. */
export function noWeights(): WeightSpec[] {
  return [];
}

/** Removes the weights that an op does not have. */
export function present(...specs: readonly (WeightSpec | undefined)[]): WeightSpec[] {
  return specs.filter((spec) => spec !== undefined);
}
