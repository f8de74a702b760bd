import * as attention from './ops/attention.ts';
import * as channelwise from './ops/channelwise.ts';
import { conv, type ConvOp } from './ops/conv.ts';
import type { OpBase, OpRecord, ReplaceTensor, TensorRect } from './ops/op.ts';
import * as winograd from './ops/winograd.ts';
import type { Rect } from './rects.ts';
import type { Tensor } from './tensor.ts';
import type { WeightSpec, WeightType } from './weights.ts';

export { IDENTITY, shuffleScale, type ChannelShuffle } from './ops/channel_shuffle.ts';
export { convRect, type ConvOp } from './ops/conv.ts';
export { tensorsOf } from './ops/attention.ts';
export type {
  AttentionApplyOp,
  AttentionQuadraticOp,
  AttentionReduceOp,
  AttentionSumsOp,
  Branches,
} from './ops/attention.ts';
export type { DepthwiseOp, GroupedOp, MultiscaleOp, ResampleOp, RMSNormOp } from './ops/channelwise.ts';
export type { TensorRect } from './ops/op.ts';
export type { WinogradInputOp, WinogradMultiplyOp, WinogradOutputOp, WinogradWeightOp } from './ops/winograd.ts';

/**
 * One step of a network on the GPU. It computes `rect` of its output: the whole image, or a region. The value of a
 * pixel does not depend on the rectangle that it is computed in.
 */
export type Op =
  | ConvOp
  | winograd.WinogradWeightOp
  | winograd.WinogradInputOp
  | winograd.WinogradMultiplyOp
  | winograd.WinogradOutputOp
  | channelwise.DepthwiseOp
  | channelwise.GroupedOp
  | channelwise.MultiscaleOp
  | channelwise.RMSNormOp
  | channelwise.ResampleOp
  | attention.AttentionSumsOp
  | attention.AttentionReduceOp
  | attention.AttentionApplyOp
  | attention.AttentionQuadraticOp;

/** The record of each type of op. */
const RECORDS: { readonly [Type in Op['type']]: OpRecord<Extract<Op, { type: Type }>> } = {
  conv,
  'winograd-weight': winograd.winogradWeight,
  'winograd-input': winograd.winogradInput,
  'winograd-multiply': winograd.winogradMultiply,
  'winograd-output': winograd.winogradOutput,
  depthwise: channelwise.depthwise,
  grouped: channelwise.grouped,
  multiscale: channelwise.multiscale,
  'rms-norm': channelwise.rmsNorm,
  resample: channelwise.resample,
  'attention-sums': attention.attentionSums,
  'attention-reduce': attention.attentionReduce,
  'attention-apply': attention.attentionApply,
  'attention-quadratic': attention.attentionQuadratic,
};

function recordOf(op: Op): OpRecord<OpBase> {
  // The type of an op selects the record made for it; TypeScript cannot follow that through the union.
  return RECORDS[op.type] as OpRecord<OpBase>;
}

/** The tensors that an op reads. */
export function inputs(op: Op): Tensor[] {
  return recordOf(op).inputs(op);
}

/** The rectangles of its inputs, halo included, that an op reads to compute `rect` of its output. */
export function inputRects(op: Op, rect: Rect): TensorRect[] {
  return recordOf(op).inputRects(op, rect);
}

/** The smallest rectangle that an op can compute and that contains `wanted`. */
export function outputRect(op: Op, wanted: Rect): Rect {
  return recordOf(op).outputRect(op, wanted);
}

/** The rectangle whose cost an op has when it computes `rect`. */
export function computedRect(op: Op, rect: Rect): Rect {
  return recordOf(op).computedRect(op, rect);
}

/** Multiply-adds of an op, times two. */
export function flops(op: Op): number {
  return recordOf(op).flops(op);
}

/** The weights that an op reads. */
export function weightsOf(op: Op): WeightSpec[] {
  return recordOf(op).weights(op);
}

/** Bytes of the weights that an op reads. */
export function weightBytesRead(op: Op, type: WeightType): number {
  return recordOf(op).weightBytes(op, type);
}

/**
 * The same op on other tensors, for another rectangle.
 *
 * @throws RangeError for Winograd's passes: convolutions are expanded after regions are cut
 */
export function withTensors<T extends Op>(op: T, rect: Rect, replace: ReplaceTensor): T {
  return recordOf(op).withTensors(op, rect, replace) as T;
}

/** Whether an op sums over the whole image, so that no later op can start before it has finished. */
export function isReduction(op: Op): boolean {
  return recordOf(op).isReduction;
}
