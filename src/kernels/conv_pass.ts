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

const convParams = struct({
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
  matrix_tile: 'u32',
  lanes: 'u32',
  batch: 'u32',
  images: 'u32',
  tile_cols: 'u32',
  tile_pixels: 'u32',
  sums: 'u32',
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

/** The params of shaders/conv_params.wgsl. */
export type ConvParams = Parameters<typeof convParams>[0];

const NOWHERE: View = { height: 0, width: 0, quads: 0, quad: 0, y: 0, x: 0 };

/** What a pass leaves unread, and an epilogue that does nothing. */
const DEFAULTS: ConvParams = {
  x: NOWHERE,
  source: NOWHERE,
  y: NOWHERE,
  gather: shuffleParams(IDENTITY, 0),
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
  tile_pixels: 1,
  sums: 0,
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

/** The buffers of a pass of a convolution; it reads nothing where one is missing. */
export interface ConvResources {
  readonly source?: Resource | undefined;
  readonly x?: Resource;
  readonly weight?: Resource;
  readonly affine?: Resource | undefined;
  readonly y: Resource;
}

/** What all passes bind. */
export const CONV_BINDINGS: readonly BindingType[] = ['read', 'read', 'read', 'read', 'write', 'uniform'];

/** A shader of one of the passes that touches no activations. */
export function convShader(name: string, code: string): Shader {
  return { name, code, bindings: CONV_BINDINGS };
}

/** A pass's buffers in the order of its bindings. */
export function convResources({ source, x, weight, affine, y }: ConvResources): Resource[] {
  return [source ?? NONE, x ?? NONE, weight ?? NONE, affine ?? NONE, y];
}

/** A pass's params. */
export function passParams(params: Partial<ConvParams>): ArrayBuffer {
  return convParams({ ...DEFAULTS, ...params });
}

/** Whether an epilogue takes the variant that adds a shortcut, or stores elsewhere than at the pixel itself. */
export function resamples({ store, shortcut }: ConvOp): boolean {
  return store !== 'plain' || shortcut !== undefined;
}

const STORE = { plain: 0, shuffle: 1, unshuffle: 2 } as const;

/** The buffers and params of shaders/epilogue.wgsl. */
export function epilogue(op: ConvOp): { resources: Omit<ConvResources, 'x' | 'weight'>; params: Partial<ConvParams> } {
  const { x, y, weight, affine, shortcut, rect } = op;
  const { height: rows, width: cols } = convRect(op);
  const gather = shortcut?.gather ?? IDENTITY;
  const phaseQuads = quadsOf(weight.rows);
  return {
    resources: {
      source: shortcut && tensorResource(shortcut.source),
      affine: affine && weightResource(affine),
      y: tensorResource(y),
    },
    params: {
      source: shuffleView(shortcut?.source ?? x, gather, rect),
      y: view(y, { at: rect }),
      gather: shuffleParams(gather, y.layout.channels),
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
