import type { BindingType, Shader } from '../gpu/pipelines.ts';
import { convRect, IDENTITY, type ConvOp } from '../graph/ops.ts';
import { quadsOf } from '../graph/tensor.ts';
import { affineQuads } from '../graph/weights.ts';
import {
  activationCode,
  shuffleParams,
  shuffleView,
  NONE,
  tensorResource,
  view,
  weightResource,
  type Resource,
} from './dispatch.ts';
import { struct, type View } from './struct.ts';

/** The params of the passes that import shaders/conv_params.wgsl. */
export const convParams = struct({
  x: 'View',
  source: 'View',
  y: 'View',
  shuffle: 'ChannelShuffle',
  rows: 'u32',
  cols: 'u32',
  taps: 'u32',
  stride: 'u32',
  upsample: 'u32',
  in_quads: 'u32',
  out_quads: 'u32',
  first_tile: 'u32',
  matrix_tile: 'u32',
  lanes: 'u32',
  batch: 'u32',
  images: 'u32',
  tile_cols: 'u32',
  cells: 'u32',
  phase_quads: 'u32',
  store: 'u32',
  activation: 'u32',
  affine_quads: 'u32',
  scaled: 'u32',
  shortcut: 'u32',
  group_tiles: 'u32',
  norm_channels: 'u32',
  norm_biased: 'u32',
  norm_eps: 'f32',
});

/** The values of `convParams`. */
export type ConvParams = Parameters<typeof convParams>[0];

const NO_VIEW: View = { height: 0, width: 0, quads: 0, quad: 0, y: 0, x: 0 };

/** Values for params that a pass does not read, and an epilogue that does nothing. */
const DEFAULTS: ConvParams = {
  x: NO_VIEW,
  source: NO_VIEW,
  y: NO_VIEW,
  shuffle: shuffleParams(IDENTITY, 0),
  rows: 0,
  cols: 0,
  taps: 1,
  stride: 1,
  upsample: 0,
  in_quads: 0,
  out_quads: 0,
  first_tile: 0,
  matrix_tile: 0,
  lanes: 1,
  batch: 1,
  images: 1,
  tile_cols: 1,
  cells: 0,
  phase_quads: 0,
  store: 0,
  activation: 0,
  affine_quads: 0,
  scaled: 0,
  shortcut: 0,
  group_tiles: 0,
  norm_channels: 0,
  norm_biased: 0,
  norm_eps: 0,
};

/** The buffers of one pass of a convolution. A pass does not read an absent one. */
interface ConvResources {
  readonly source?: Resource | undefined;
  readonly x?: Resource;
  readonly weight?: Resource;
  readonly affine?: Resource | undefined;
  readonly y: Resource;
}

/** The bindings of every pass. */
export const CONV_BINDINGS: readonly BindingType[] = ['read', 'read', 'read', 'read', 'write', 'uniform'];

/** A shader of a pass that reads and writes no activations. */
export function convShader(name: string, code: string): Shader {
  return { name, code, bindings: CONV_BINDINGS };
}

/** The buffers of a pass in the order of its bindings. */
export function convResources({ source, x, weight, affine, y }: ConvResources): Resource[] {
  return [source ?? NONE, x ?? NONE, weight ?? NONE, affine ?? NONE, y];
}

/** The params of a pass. */
export function passParams(params: Partial<ConvParams>): ArrayBuffer {
  return convParams({ ...DEFAULTS, ...params });
}

/** Whether the epilogue needs the `resample` variant: it adds a shortcut or stores to another pixel. */
export function resamples({ store, shortcut }: ConvOp): boolean {
  return store !== 'plain' || shortcut !== undefined;
}

/** The codes of `store` in shaders/epilogue.wgsl. */
export const STORE = { plain: 0, shuffle: 1, unshuffle: 2 } as const;

/** The buffers and params of shaders/epilogue.wgsl. */
export function epilogue(op: ConvOp): { resources: Omit<ConvResources, 'x' | 'weight'>; params: Partial<ConvParams> } {
  const { x, y, weight, affine, shortcut, rect } = op;
  const { height: rows, width: cols } = convRect(op);
  const shuffle = shortcut?.shuffle ?? IDENTITY;
  const phaseQuads = quadsOf(weight.rows);
  return {
    resources: {
      source: shortcut && tensorResource(shortcut.source),
      affine: affine && weightResource(affine),
      y: tensorResource(y),
    },
    params: {
      source: shuffleView(shortcut?.source ?? x, shuffle, rect),
      y: view(y, { at: rect }),
      shuffle: shuffleParams(shuffle, y.layout.channels),
      rows,
      cols,
      out_quads: phaseQuads * weight.phases,
      batch: y.n,
      phase_quads: phaseQuads,
      store: STORE[op.store],
      activation: activationCode(op.activation),
      affine_quads: affine ? affineQuads(affine) : 0,
      scaled: affine?.kind === 'batch_norm' ? 1 : 0,
      shortcut: shortcut ? 1 : 0,
    },
  };
}
