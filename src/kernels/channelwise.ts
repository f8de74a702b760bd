import type { DepthwiseOp, GroupedOp, MultiscaleOp, ResampleOp, RMSNormOp } from '../graph/ops.ts';
import { channelsOf, quadsOf } from '../graph/tensor.ts';
import { affineQuads, type Target, type WeightType } from '../graph/weights.ts';
import depthwiseF32 from '../../shaders/depthwise.wgsl?stored';
import depthwiseF16 from '../../shaders/depthwise.wgsl?stored&f16';
import groupedF32 from '../../shaders/grouped.wgsl?stored';
import groupedF16 from '../../shaders/grouped.wgsl?stored&f16';
import multiscaleF32 from '../../shaders/multiscale.wgsl?stored';
import multiscaleF16 from '../../shaders/multiscale.wgsl?stored&f16';
import resampleCode from '../../shaders/resample.wgsl?stored';
import rmsNormCode from '../../shaders/rms_norm.wgsl?stored';
import rmsNormLanes from '../../shaders/rms_norm.wgsl?stored&lanes';
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
import { variantFor, storedShader, type StoredShader } from './storage.ts';
import { struct } from './struct.ts';

const depthwiseBindings = ['read', 'read', 'read', 'write', 'uniform'] as const;
const depthwiseShaders: Record<WeightType, StoredShader> = {
  f32: storedShader('depthwise', depthwiseF32, depthwiseBindings),
  f16: storedShader('depthwise', depthwiseF16, depthwiseBindings),
};
const depthwiseParams = struct({
  x: 'view',
  y: 'view',
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
    shader: variantFor(depthwiseShaders[type], [x], y),
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

const multiscaleShaders: Record<WeightType, StoredShader> = {
  f32: storedShader('multiscale', multiscaleF32, depthwiseBindings),
  f16: storedShader('multiscale', multiscaleF16, depthwiseBindings),
};
const multiscaleParams = struct({ x: 'view', y: 'view', rows: 'u32', cols: 'u32', taps: 'u32', group_quads: 'u32' });

/** A multi-scale branch. A thread computes one quad of four pixels; a workgroup holds whole groups of channels. */
export function multiscale({ label, rect, x, y, depthwise, weight, kernel }: MultiscaleOp, type: WeightType): Dispatch {
  const groupQuads = quadsOf(channelsOf(y.layout.group));
  const fours = rect.height * Math.ceil(rect.width / 4);
  return {
    label,
    shader: variantFor(multiscaleShaders[type], [x], y),
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
const groupedShaders: Record<WeightType, StoredShader> = {
  f32: storedShader('grouped', groupedF32, groupedBindings),
  f16: storedShader('grouped', groupedF16, groupedBindings),
};
const groupedParams = struct({ x: 'view', y: 'view', rows: 'u32', cols: 'u32', quads: 'u32', group_quads: 'u32' });

/** Grouped 1x1 convolution. A thread computes one quad of one pixel. */
export function grouped({ label, rect, x, y, weight }: GroupedOp, type: WeightType): Dispatch {
  const quads = quadsOf(y.layout);
  return {
    label,
    shader: variantFor(groupedShaders[type], [x], y),
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
  software: storedShader('rms_norm', rmsNormCode, rmsNormBindings),
  gpu: storedShader('rms_norm', rmsNormLanes, rmsNormBindings),
};
/** Threads that share a pixel on a GPU. */
const RMS_NORM_LANES = 8;
const rmsNormParams = struct({
  x: 'view',
  residual: 'view',
  y: 'view',
  rows: 'u32',
  cols: 'u32',
  quads: 'u32',
  channels: 'u32',
  eps: 'f32',
  biased: 'u32',
  activation: 'u32',
  added: 'u32',
});

/** RMSNorm. A thread normalises one pixel; on a GPU some share one. */
export function rmsNorm(op: RMSNormOp, { software }: Target): Dispatch {
  const { label, rect, x, y, affine, activation, residual } = op;
  return {
    label,
    shader: variantFor(rmsNormShaders[software ? 'software' : 'gpu'], residual ? [x, residual] : [x], y),
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
const resampleParams = struct({
  source: 'view',
  y: 'view',
  gather: 'gather',
  rows: 'u32',
  cols: 'u32',
  quads: 'u32',
  affine_quads: 'u32',
  activation: 'u32',
});

/** The gather alone. A thread computes one quad of one pixel. */
export function resample({ label, rect, x, y, gather, affine, activation }: ResampleOp): Dispatch {
  const quads = quadsOf(y.layout);
  return {
    label,
    shader: variantFor(resampleShader, [x], y),
    constants: {},
    resources: [tensorResource(x), affine ? weightResource(affine) : NONE, tensorResource(y)],
    params: resampleParams({
      source: shuffleView(x, gather, rect),
      y: view(y, { at: rect }),
      gather: shuffleParams(gather, y.layout.channels),
      rows: rect.height,
      cols: rect.width,
      quads,
      affine_quads: affine ? affineQuads(affine) : 0,
      activation: activationCode(activation),
    }),
    grid: [groups(rect.width * quads), rect.height, y.n],
  };
}
