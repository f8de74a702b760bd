import type { Shader } from '../gpu/pipelines.ts';
import { convRect, IDENTITY, type ConvOp } from '../graph/ops.ts';
import { scaled } from '../graph/rects.ts';
import { quadsOf } from '../graph/tensor.ts';
import { affineQuads, convLanes, type Target, type WeightSlice, type WeightType } from '../graph/weights.ts';
import f32 from '../../shaders/conv.wgsl?static';
import f16 from '../../shaders/conv.wgsl?static&f16';
import f16Wide from '../../shaders/conv.wgsl?static&f16&wide';
import f32Wide from '../../shaders/conv.wgsl?static&wide';
import {
  activationCode,
  gatherParams,
  gatherView,
  NONE,
  tensorResource,
  view,
  weightResource,
  WORKGROUP,
  type Dispatch,
} from './dispatch.ts';
import { struct } from './struct.ts';

const bindings = ['read', 'read', 'read', 'read', 'write', 'uniform'] as const;
const shader = (code: string): Shader => ({ name: 'conv', code, bindings });
const variants: Record<WeightType, { narrow: Shader; wide: Shader }> = {
  f32: { narrow: shader(f32), wide: shader(f32Wide) },
  f16: { narrow: shader(f16), wide: shader(f16Wide) },
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
  lanes: 'u32',
  batch: 'u32',
  sums: 'u32',
  phase_quads: 'u32',
  store: 'u32',
  activation: 'u32',
  affine_quads: 'u32',
  scaled: 'u32',
  shortcut: 'u32',
});

const STORE = { plain: 0, shuffle: 1, unshuffle: 2 } as const;

/** Workgroups along y before the grid turns to z: WebGPU promises 65,535 along each. */
const GRID_Y = 32768;

/** Dense convolution, a dispatch for each slice of its weight. A lane computes 2 x 4 pixels (wide: 4 x 8) of 8 channels. */
export function conv(op: ConvOp, { weights, software }: Target, slices: readonly WeightSlice[]): Dispatch[] {
  const { x, y, weight, affine, shortcut, rect, stride, upsample } = op;
  const pixels = convRect(op);
  const { height: rows, width: cols } = pixels;
  const gather = shortcut?.gather ?? IDENTITY;
  const phaseQuads = quadsOf(weight.rows);
  const lanes = convLanes(weight);
  const [tileRows, tileCols] = software ? [4, 8] : [2, 4];
  const tiles = Math.ceil(rows / tileRows) * Math.ceil(cols / tileCols);
  const pixelGroups = software ? tiles : Math.ceil(tiles / (WORKGROUP / lanes));
  const gridY = Math.min(pixelGroups, GRID_Y);
  const grid = [gridY, Math.ceil(pixelGroups / gridY) * y.n] as const;
  return slices.map((slice, i) => ({
    label: op.label,
    shader: variants[weights][software ? 'wide' : 'narrow'],
    constants: {},
    resources: [
      shortcut ? tensorResource(shortcut.source) : NONE,
      tensorResource(x),
      weightResource(weight, i),
      affine ? weightResource(affine) : NONE,
      tensorResource(y),
    ],
    params: params({
      x: view(x, { at: scaled(pixels, stride), padding: (op.kernel - 1) / 2, upsample }),
      source: gatherView(shortcut?.source ?? x, gather, rect),
      y: view(y, { at: rect }),
      gather: gatherParams(gather, y.layout.channels),
      rows,
      cols,
      taps: op.kernel,
      stride,
      upsample: upsample ? 1 : 0,
      in_quads: quadsOf(weight.columns),
      out_quads: phaseQuads * weight.phases,
      first_tile: slice.firstTile,
      lanes,
      batch: y.n,
      sums: 2 * tileRows * tileCols,
      phase_quads: phaseQuads,
      store: STORE[op.store],
      activation: activationCode(op.activation),
      affine_quads: affine ? affineQuads(affine) : 0,
      scaled: affine?.kind === 'batch_norm' ? 1 : 0,
      shortcut: shortcut ? 1 : 0,
    }),
    grid: [slice.tiles, ...grid],
  }));
}
