import type { ActivationName } from '../../config/config.ts';
import { aligned, expanded } from '../rects.ts';
import type { Tensor } from '../tensor.ts';
import { weightBytes, type AffineSpec, type MatrixSpec } from '../weights.ts';
import { enlarges, shuffleInput, type ChannelShuffle } from './channel_shuffle.ts';
import { noFlops, present, sameRect, type OpBase, type OpRecord } from './op.ts';

/** Depthwise convolution. With `gated`, the first half of its channels times SiLU of the second half. */
export interface DepthwiseOp extends OpBase {
  readonly type: 'depthwise';
  readonly x: Tensor;
  readonly weight: MatrixSpec;
  readonly bias: AffineSpec | undefined;
  readonly kernel: number;
  readonly gated: boolean;
}

/** Grouped 1x1 convolution, with one group for each channel group of x's layout. */
export interface GroupedOp extends OpBase {
  readonly type: 'grouped';
  readonly x: Tensor;
  readonly weight: MatrixSpec;
}

/**
 * One multi-scale branch of attention: a depthwise convolution of qkv, then a 1x1 convolution within each channel group
 * of x's layout, in one pass. Source: diffusers' `SanaMultiscaleAttentionProjection`.
 */
export interface MultiscaleOp extends OpBase {
  readonly type: 'multiscale';
  readonly x: Tensor;
  readonly depthwise: MatrixSpec;
  readonly weight: MatrixSpec;
  readonly kernel: number;
}

/** RMSNorm over the channels of a pixel, then an activation, then a residual. */
export interface RMSNormOp extends OpBase {
  readonly type: 'rms-norm';
  readonly x: Tensor;
  readonly affine: AffineSpec;
  readonly activation: ActivationName | undefined;
  readonly residual: Tensor | undefined;
}

/** A channel shuffle without a convolution, then an affine map of each channel, then an activation. */
export interface ResampleOp extends OpBase {
  readonly type: 'resample';
  readonly x: Tensor;
  readonly shuffle: ChannelShuffle;
  readonly affine: AffineSpec | undefined;
  readonly activation: ActivationName | undefined;
}

function pixels({ y, rect }: OpBase): number {
  return y.n * rect.height * rect.width;
}

/** Facts about a depthwise convolution. */
export const depthwise: OpRecord<DepthwiseOp> = {
  inputs: ({ x }) => [x],
  inputRects: ({ x, kernel }, rect) => [{ tensor: x, rect: expanded(rect, (kernel - 1) / 2) }],
  outputRect: sameRect,
  computedRect: sameRect,
  flops: (op) => 2 * pixels(op) * op.x.layout.channels * op.weight.taps,
  weights: ({ weight, bias }) => present(weight, bias),
  weightBytes: (op, type) => depthwise.weights(op).reduce((sum, spec) => sum + weightBytes(spec, type), 0),
  withTensors: (op, rect, replace) => ({ ...op, rect, x: replace(op.x), y: replace(op.y) }),
  isReduction: false,
};

/** Facts about a grouped 1x1 convolution. */
export const grouped: OpRecord<GroupedOp> = {
  inputs: ({ x }) => [x],
  inputRects: ({ x }, rect) => [{ tensor: x, rect }],
  outputRect: sameRect,
  computedRect: sameRect,
  flops: (op) => 2 * pixels(op) * op.y.layout.channels * op.weight.columns.channels,
  weights: ({ weight }) => [weight],
  weightBytes: ({ weight }, type) => weightBytes(weight, type),
  withTensors: (op, rect, replace) => ({ ...op, rect, x: replace(op.x), y: replace(op.y) }),
  isReduction: false,
};

/** Facts about a multi-scale branch. */
export const multiscale: OpRecord<MultiscaleOp> = {
  inputs: ({ x }) => [x],
  inputRects: ({ x, kernel }, rect) => [{ tensor: x, rect: expanded(rect, (kernel - 1) / 2) }],
  outputRect: sameRect,
  computedRect: sameRect,
  flops: (op) => 2 * pixels(op) * op.y.layout.channels * (op.depthwise.taps + op.weight.columns.channels),
  weights: ({ weight, depthwise }) => [weight, depthwise],
  weightBytes: ({ weight, depthwise }, type) => weightBytes(weight, type) + weightBytes(depthwise, type),
  withTensors: (op, rect, replace) => ({ ...op, rect, x: replace(op.x), y: replace(op.y) }),
  isReduction: false,
};

/** Facts about an RMSNorm. */
export const rmsNorm: OpRecord<RMSNormOp> = {
  inputs: ({ x, residual }) => (residual ? [x, residual] : [x]),
  inputRects: (op, rect) => rmsNorm.inputs(op).map((tensor) => ({ tensor, rect })),
  outputRect: sameRect,
  computedRect: sameRect,
  flops: noFlops,
  weights: ({ affine }) => [affine],
  weightBytes: ({ affine }, type) => weightBytes(affine, type),
  withTensors: (op, rect, replace) => ({
    ...op,
    rect,
    x: replace(op.x),
    y: replace(op.y),
    residual: op.residual && replace(op.residual),
  }),
  isReduction: false,
};

/** Facts about a channel shuffle on its own. */
export const resample: OpRecord<ResampleOp> = {
  inputs: ({ x }) => [x],
  inputRects: ({ x, shuffle }, rect) => [{ tensor: x, rect: shuffleInput(shuffle, rect) }],
  outputRect: ({ shuffle }, wanted) => (enlarges(shuffle) ? aligned(wanted, 2) : wanted),
  computedRect: sameRect,
  flops: noFlops,
  weights: ({ affine }) => present(affine),
  weightBytes: ({ affine }, type) => (affine ? weightBytes(affine, type) : 0),
  withTensors: (op, rect, replace) => ({ ...op, rect, x: replace(op.x), y: replace(op.y) }),
  isReduction: false,
};
