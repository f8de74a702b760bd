import type { Shader } from '../gpu/pipelines.ts';
import type { DepthwiseOp, GroupedOp, MultiscaleOp, ResampleOp, RMSNormOp } from '../graph/ops.ts';
import { channelsOf, quadsOf } from '../graph/tensor.ts';
import { affineQuads, type WeightType } from '../graph/weights.ts';
import type { Target } from '../graph/target.ts';
import depthwiseF32 from '../../shaders/depthwise.wgsl?link=same';
import depthwiseF16 from '../../shaders/depthwise.wgsl?f16&link=same';
import groupedF32 from '../../shaders/grouped.wgsl?link=same';
import groupedF16 from '../../shaders/grouped.wgsl?f16&link=same';
import multiscaleF32 from '../../shaders/multiscale.wgsl?link=same';
import multiscaleF16 from '../../shaders/multiscale.wgsl?f16&link=same';
import resampleCode from '../../shaders/resample.wgsl?link=stored';
import rmsNormCode from '../../shaders/rms_norm.wgsl?link=same';
import rmsNormLanes from '../../shaders/rms_norm.wgsl?lanes&link=same';
import {
  activationCode,
  shuffleParams,
  shuffleView,
  groups,
  NONE,
  tensorResource,
  view,
  weightResource,
  WORKGROUP,
  type Dispatch,
} from './dispatch.ts';
import { byStorage, commonStorage, variantFor, storedShader, type ByStorage } from './storage.ts';
import { struct } from './struct.ts';

const depthwiseBindings = ['read', 'read', 'read', 'write', 'uniform'] as const;
const depthwiseShaders: Record<WeightType, ByStorage<Shader>> = {
  f32: byStorage('depthwise', depthwiseF32, depthwiseBindings),
  f16: byStorage('depthwise', depthwiseF16, depthwiseBindings),
};
/** The params of shaders/depthwise.wgsl. */
export const depthwiseParams = struct({
  x: 'View',
  y: 'View',
  rows: 'u32',
  cols: 'u32',
  quads: 'u32',
  taps: 'u32',
  biased: 'u32',
  gated: 'u32',
});

/** Depthwise convolution. A thread computes one quad of four pixels. */
export function depthwise(op: DepthwiseOp, type: WeightType): Dispatch {
  const { x, y, weight, bias, kernel, rect } = op;
  const quads = quadsOf(y.layout);
  return {
    label: op.label,
    shader: depthwiseShaders[type][commonStorage([x, y])],
    constants: {},
    resources: [tensorResource(x), weightResource(weight), bias ? weightResource(bias) : NONE, tensorResource(y)],
    params: depthwiseParams({
      x: view(x, { at: rect, padding: (kernel - 1) / 2 }),
      y: view(y, { at: rect }),
      rows: rect.height,
      cols: rect.width,
      quads,
      taps: kernel,
      biased: bias ? 1 : 0,
      gated: op.gated ? 1 : 0,
    }),
    grid: [groups(Math.ceil(rect.width / 4) * quads), rect.height, y.n],
  };
}

const multiscaleShaders: Record<WeightType, ByStorage<Shader>> = {
  f32: byStorage('multiscale', multiscaleF32, depthwiseBindings),
  f16: byStorage('multiscale', multiscaleF16, depthwiseBindings),
};
/** The params of shaders/multiscale.wgsl. */
export const multiscaleParams = struct({
  x: 'View',
  y: 'View',
  rows: 'u32',
  cols: 'u32',
  taps: 'u32',
  group_quads: 'u32',
});

/** A multi-scale branch. A thread computes one quad of four pixels. A workgroup has whole groups of channels. */
export function multiscale({ label, rect, x, y, depthwise, weight, kernel }: MultiscaleOp, type: WeightType): Dispatch {
  const groupQuads = quadsOf(channelsOf(y.layout.group));
  const fours = rect.height * Math.ceil(rect.width / 4);
  return {
    label,
    shader: multiscaleShaders[type][commonStorage([x, y])],
    constants: {},
    resources: [tensorResource(x), weightResource(depthwise), weightResource(weight), tensorResource(y)],
    params: multiscaleParams({
      x: view(x, { at: rect, padding: (kernel - 1) / 2 }),
      y: view(y, { at: rect }),
      rows: rect.height,
      cols: rect.width,
      taps: kernel,
      group_quads: groupQuads,
    }),
    grid: [quadsOf(y.layout) / groupQuads, Math.ceil(fours / Math.floor(WORKGROUP / groupQuads)), y.n],
  };
}

const groupedBindings = ['read', 'read', 'write', 'uniform'] as const;
const groupedShaders: Record<WeightType, ByStorage<Shader>> = {
  f32: byStorage('grouped', groupedF32, groupedBindings),
  f16: byStorage('grouped', groupedF16, groupedBindings),
};
/** The params of shaders/grouped.wgsl. */
export const groupedParams = struct({
  x: 'View',
  y: 'View',
  rows: 'u32',
  cols: 'u32',
  quads: 'u32',
  group_quads: 'u32',
});

/** Grouped 1x1 convolution. A thread computes one quad of one pixel. */
export function grouped({ label, rect, x, y, weight }: GroupedOp, type: WeightType): Dispatch {
  const quads = quadsOf(y.layout);
  return {
    label,
    shader: groupedShaders[type][commonStorage([x, y])],
    constants: {},
    resources: [tensorResource(x), weightResource(weight), tensorResource(y)],
    params: groupedParams({
      x: view(x, { at: rect }),
      y: view(y, { at: rect }),
      rows: rect.height,
      cols: rect.width,
      quads,
      group_quads: quadsOf(channelsOf(y.layout.group)),
    }),
    grid: [groups(rect.width * quads), rect.height, y.n],
  };
}

const rmsNormBindings = ['read', 'read', 'read', 'write', 'uniform'] as const;
const rmsNormShaders = {
  software: byStorage('rms_norm', rmsNormCode, rmsNormBindings),
  gpu: byStorage('rms_norm', rmsNormLanes, rmsNormBindings),
};
/** Threads that share a pixel on a GPU. */
export const RMS_NORM_LANES = 8;
/** The params of shaders/rms_norm.wgsl. */
export const rmsNormParams = struct({
  x: 'View',
  residual: 'View',
  y: 'View',
  rows: 'u32',
  cols: 'u32',
  quads: 'u32',
  channels: 'u32',
  eps: 'f32',
  biased: 'u32',
  activation: 'u32',
  added: 'u32',
});

/** RMSNorm. A thread normalises one pixel; on a GPU, `RMS_NORM_LANES` threads share one. */
export function rmsNorm(op: RMSNormOp, { software }: Target): Dispatch {
  const { label, rect, x, y, affine, activation, residual } = op;
  return {
    label,
    shader: rmsNormShaders[software ? 'software' : 'gpu'][commonStorage(residual ? [x, y, residual] : [x, y])],
    constants: {},
    resources: [
      tensorResource(x),
      residual ? tensorResource(residual) : NONE,
      weightResource(affine),
      tensorResource(y),
    ],
    params: rmsNormParams({
      x: view(x, { at: rect }),
      residual: view(residual ?? x, { at: rect }),
      y: view(y, { at: rect }),
      rows: rect.height,
      cols: rect.width,
      quads: quadsOf(y.layout),
      channels: y.layout.channels,
      eps: affine.eps,
      biased: affine.keys.length > 1 ? 1 : 0,
      activation: activationCode(activation),
      added: residual ? 1 : 0,
    }),
    grid: [groups(rect.width * (software ? 1 : RMS_NORM_LANES)), rect.height, y.n],
  };
}

const resampleShader = storedShader('resample', resampleCode, ['read', 'read', 'write', 'uniform']);
/** The params of shaders/resample.wgsl. */
export const resampleParams = struct({
  source: 'View',
  y: 'View',
  shuffle: 'ChannelShuffle',
  rows: 'u32',
  cols: 'u32',
  quads: 'u32',
  affine_quads: 'u32',
  activation: 'u32',
});

/** A ChannelShuffle without a convolution. A thread computes one quad of one pixel. */
export function resample({ label, rect, x, y, shuffle, affine, activation }: ResampleOp): Dispatch {
  const quads = quadsOf(y.layout);
  return {
    label,
    shader: variantFor(resampleShader, [x], y),
    constants: {},
    resources: [tensorResource(x), affine ? weightResource(affine) : NONE, tensorResource(y)],
    params: resampleParams({
      source: shuffleView(x, shuffle, rect),
      y: view(y, { at: rect }),
      shuffle: shuffleParams(shuffle, y.layout.channels),
      rows: rect.height,
      cols: rect.width,
      quads,
      affine_quads: affine ? affineQuads(affine) : 0,
      activation: activationCode(activation),
    }),
    grid: [groups(rect.width * quads), rect.height, y.n],
  };
}
