import type { Op } from '../graph/ops.ts';
import { weightSlices } from '../graph/weights.ts';
import type { Target } from '../graph/target.ts';
import { attentionApply, attentionQuadratic, attentionReduce, attentionSums } from './attention.ts';
import { depthwise, grouped, multiscale, resample, rmsNorm } from './channelwise.ts';
import { conv, winogradMultiply } from './conv.ts';
import type { Dispatch } from './dispatch.ts';
import { winogradInput, winogradOutput, winogradWeight } from './winograd.ts';

/**
 * The dispatches of an op. A convolution whose weight needs several bindings of `maxBinding` bytes has one for each.
 */
export function lower(op: Op, target: Target, maxBinding: number): Dispatch[] {
  switch (op.type) {
    case 'conv':
      return conv(op, target, weightSlices(op.weight, target.weights, maxBinding));
    case 'winograd-weight':
      return winogradWeight(op, target.weights, weightSlices(op.weight, target.weights, maxBinding));
    case 'winograd-input':
      return [winogradInput(op)];
    case 'winograd-multiply':
      return [winogradMultiply(op, target)];
    case 'winograd-output':
      return [winogradOutput(op)];
    case 'depthwise':
      return [depthwise(op, target.weights)];
    case 'grouped':
      return [grouped(op, target.weights)];
    case 'multiscale':
      return [multiscale(op, target.weights)];
    case 'attention-sums':
      return [attentionSums(op)];
    case 'attention-reduce':
      return [attentionReduce(op)];
    case 'attention-apply':
      return [attentionApply(op)];
    case 'attention-quadratic':
      return [attentionQuadratic(op)];
    case 'rms-norm':
      return [rmsNorm(op, target)];
    case 'resample':
      return [resample(op)];
  }
}
