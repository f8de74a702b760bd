import { rectOf } from '../rects.ts';
import type { Tensor } from '../tensor.ts';
import { noFlops, noWeights, sameRect, type OpBase, type OpRecord, type ReplaceTensor } from './op.ts';

/**
 * The tensors that attention reads together: qkv and at most one multi-scale branch of the same shape. Their heads
 * follow one another.
 */
export type Branches = readonly [Tensor, Tensor | undefined];

/**
 * Linear attention, first pass: partial sums `[spans, n * heads, 4 headQuads + 1, headDim]`. A span is `spanRows` whole
 * rows of the image, so that every cut into regions adds the same tokens in the same order. `rect` is a rectangle of
 * qkv that contains whole spans.
 */
export interface AttentionSumsOp extends OpBase {
  readonly type: 'attention-sums';
  readonly branches: Branches;
  readonly spanRows: number;
}

/** Linear attention, between the passes: adds partial sums in their order. */
export interface AttentionReduceOp extends OpBase {
  readonly type: 'attention-reduce';
  readonly x: Tensor;
}

/**
 * Linear attention, second pass. Writes the heads of `y` from `firstHead` on and adds the remaining partial sums
 * itself.
 */
export interface AttentionApplyOp extends OpBase {
  readonly type: 'attention-apply';
  readonly branches: Branches;
  readonly sums: Tensor;
  readonly firstHead: number;
}

/** Attention in its quadratic form. Writes the heads of `y` from `firstHead` on. */
export interface AttentionQuadraticOp extends OpBase {
  readonly type: 'attention-quadratic';
  readonly branches: Branches;
  readonly firstHead: number;
}

/** Branches as a list. */
export function tensorsOf([qkv, second]: Branches): Tensor[] {
  return second ? [qkv, second] : [qkv];
}

function replaced([first, second]: Branches, replace: ReplaceTensor): Branches {
  return [replace(first), second && replace(second)];
}

/** FLOPs of one pass of linear attention: a `(d + 1) x d` product for each token and head. */
function linearFlops({ branches, rect }: AttentionSumsOp | AttentionApplyOp): number {
  const [{ n, layout }] = branches;
  const products = 2 * n * rect.height * rect.width * layout.channels * (layout.group + 1);
  return (tensorsOf(branches).length * products) / 3;
}

/** Facts about linear attention's first pass. */
export const attentionSums: OpRecord<AttentionSumsOp> = {
  inputs: ({ branches }) => tensorsOf(branches),
  inputRects: ({ branches }, rect) => tensorsOf(branches).map((tensor) => ({ tensor, rect })),
  outputRect: sameRect,
  computedRect: sameRect,
  flops: linearFlops,
  weights: noWeights,
  weightBytes: () => 0,
  withTensors: (op, rect, replace) => ({ ...op, rect, branches: replaced(op.branches, replace), y: replace(op.y) }),
  isReduction: true,
};

/** Facts about the sum of partial sums. */
export const attentionReduce: OpRecord<AttentionReduceOp> = {
  inputs: ({ x }) => [x],
  inputRects: ({ x }, rect) => [{ tensor: x, rect }],
  outputRect: sameRect,
  computedRect: sameRect,
  flops: noFlops,
  weights: noWeights,
  weightBytes: () => 0,
  withTensors: (op, rect, replace) => ({ ...op, rect, x: replace(op.x), y: replace(op.y) }),
  isReduction: true,
};

/** Facts about linear attention's second pass. */
export const attentionApply: OpRecord<AttentionApplyOp> = {
  inputs: ({ branches, sums }) => [...tensorsOf(branches), sums],
  inputRects: ({ branches, sums }, rect) => [
    ...tensorsOf(branches).map((tensor) => ({ tensor, rect })),
    { tensor: sums, rect: rectOf(sums) },
  ],
  outputRect: sameRect,
  computedRect: sameRect,
  flops: linearFlops,
  weights: noWeights,
  weightBytes: () => 0,
  withTensors: (op, rect, replace) => ({
    ...op,
    rect,
    branches: replaced(op.branches, replace),
    sums: replace(op.sums),
    y: replace(op.y),
  }),
  isReduction: false,
};

/** Facts about quadratic attention. */
export const attentionQuadratic: OpRecord<AttentionQuadraticOp> = {
  inputs: ({ branches }) => tensorsOf(branches),
  inputRects: ({ branches }) => tensorsOf(branches).map((tensor) => ({ tensor, rect: rectOf(tensor) })),
  outputRect: ({ rect }) => rect,
  computedRect: sameRect,
  flops({ branches }) {
    const [{ n, height, width, layout }] = branches;
    return (tensorsOf(branches).length * 4 * n * (height * width) ** 2 * layout.channels) / 3;
  },
  weights: noWeights,
  weightBytes: () => 0,
  withTensors: (op, rect, replace) => ({ ...op, rect, branches: replaced(op.branches, replace), y: replace(op.y) }),
  isReduction: false,
};
