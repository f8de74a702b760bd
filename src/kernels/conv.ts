import type { Shader } from '../gpu/pipelines.ts';
import { convPixels, IDENTITY, type ConvOp } from '../graph/ops.ts';
import { quadsOf } from '../graph/tensor.ts';
import { affineQuads, type WeightSlice, type WeightType } from '../graph/weights.ts';
import f32 from '../../shaders/conv.wgsl?static';
import f16 from '../../shaders/conv.wgsl?static&f16';
import {
  activationCode,
  gatherParams,
  groups,
  NONE,
  tensorResource,
  view,
  weightResource,
  type Dispatch,
} from './dispatch.ts';
import { struct } from './struct.ts';

const bindings = ['read', 'read', 'read', 'read', 'write', 'uniform'] as const;
const shaders: Record<WeightType, Shader> = {
  f32: { name: 'conv', code: f32, bindings },
  f16: { name: 'conv', code: f16, bindings },
};

const params = struct({
  x: 'view',
  source: 'view',
  y: 'view',
  gather: 'gather',
  rows: 'u32',
  cols: 'u32',
  taps: 'u32',
  stride: 'u32',
  upsample: 'u32',
  in_quads: 'u32',
  out_quads: 'u32',
  first_tile: 'u32',
  phase_quads: 'u32',
  store: 'u32',
  activation: 'u32',
  affine_quads: 'u32',
  scaled: 'u32',
  shortcut: 'u32',
});

const STORE = { plain: 0, shuffle: 1, unshuffle: 2 } as const;

/** Dense convolution, a dispatch for each slice of its weight. A thread computes 2 x 4 pixels of 8 channels. */
export function conv(op: ConvOp, type: WeightType, slices: readonly WeightSlice[]): Dispatch[] {
  const { x, y, weight, affine, shortcut } = op;
  const { rows, cols } = convPixels(op);
  const phaseQuads = quadsOf(weight.rows);
  return slices.map((slice, i) => ({
    label: op.label,
    shader: shaders[type],
    constants: {},
    resources: [
      shortcut ? tensorResource(shortcut.source) : NONE,
      tensorResource(x),
      weightResource(weight, i),
      affine ? weightResource(affine) : NONE,
      tensorResource(y),
    ],
    params: params({
      x: view(x, { padding: (op.kernel - 1) / 2 }),
      source: view(shortcut?.source ?? x),
      y: view(y),
      gather: gatherParams(shortcut?.gather ?? IDENTITY, y.layout.channels),
      rows,
      cols,
      taps: op.kernel,
      stride: op.stride,
      upsample: op.upsample ? 1 : 0,
      in_quads: quadsOf(weight.columns),
      out_quads: phaseQuads * weight.phases,
      first_tile: slice.firstTile,
      phase_quads: phaseQuads,
      store: STORE[op.store],
      activation: activationCode(op.activation),
      affine_quads: affine ? affineQuads(affine) : 0,
      scaled: affine?.kind === 'batch_norm' ? 1 : 0,
      shortcut: shortcut ? 1 : 0,
    }),
    grid: [groups(Math.ceil(rows / 2) * Math.ceil(cols / 4)), slice.tiles, y.n],
  }));
}
