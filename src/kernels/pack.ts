import type { Constants, Shader } from '../gpu/pipelines.ts';
import { quadsOf } from '../graph/tensor.ts';
import { affineQuads, type AffineSpec, type MatrixSpec, type WeightSlice, type WeightType } from '../graph/weights.ts';
import batchNormCode from '../../shaders/batch_norm.wgsl?link=static';
import packF32 from '../../shaders/pack.wgsl?link=static';
import packF16 from '../../shaders/pack.wgsl?f16&link=static';
import { groups } from './dispatch.ts';
import { struct } from './struct.ts';

/** The number type of a tensor in a checkpoint. */
export type RawType = 'F32' | 'F16' | 'BF16' | 'F64';

/** Bytes of one number, by its type in a checkpoint. */
export const RAW_BYTES: Readonly<Record<RawType, number>> = { F32: 4, F16: 2, BF16: 2, F64: 8 };

/** A one-off dispatch outside a plan. The caller binds its buffers: input, output, params. */
export interface SingleDispatch {
  readonly shader: Shader;
  readonly constants: Constants;
  readonly params: ArrayBuffer;
  readonly grid: readonly [number, number, number];
}

/** The rows of a tensor that are on the GPU in the checkpoint's layout. */
export interface RowWindow {
  readonly first: number;
  readonly rows: number;
}

const bindings = ['read', 'write', 'uniform'] as const;
const packShaders: Record<WeightType, Shader> = {
  f32: { name: 'pack', code: packF32, bindings },
  f16: { name: 'pack', code: packF16, bindings },
};
const batchNormShader: Shader = { name: 'batch_norm', code: batchNormCode, bindings };

/** The params of shaders/pack.wgsl. */
export const packParams = struct({
  threads: 'u32',
  first_tile: 'u32',
  first_quad: 'u32',
  tile_quads: 'u32',
  taps: 'u32',
  block: 'u32',
  columns: 'u32',
  column_group: 'u32',
  padded_columns: 'u32',
  rows: 'u32',
  row_group: 'u32',
  padded_rows: 'u32',
  phases: 'u32',
  row_base: 'u32',
  window_first: 'u32',
  window_rows: 'u32',
});
/** The params of shaders/batch_norm.wgsl. */
export const batchNormParams = struct({ quads: 'u32', eps: 'f32' });

/** The values of `DTYPE` in shaders/pack.wgsl. */
const RAW_CONSTANT: Record<RawType, number> = { F32: 0, F16: 1, BF16: 2, F64: 3 };

/** Workgroups along x before the grid extends along y. WebGPU guarantees 65,535 along each. */
const GRID_X = 32768;

function grid(threads: number): [number, number, number] {
  const count = groups(threads);
  return count <= GRID_X ? [count, 1, 1] : [GRID_X, Math.ceil(count / GRID_X), 1];
}

/**
 * The rows of a window are a multiple of this, so no window divides a quad: all phases of four channels that are stored
 * together.
 */
export function windowRows({ rows, phases }: MatrixSpec): number {
  const filled = rows.group === rows.channels || rows.group % 4 === 0;
  return 4 * phases * (filled ? 1 : rows.group);
}

/** Numbers of a row that a thread reads, rounded to whole columns: a few cache lines. */
const BLOCK_NUMBERS = 32;

/**
 * Whether rows have one phase and channels are padded as one group. A padded channel then has the channel's own index.
 */
function isPlain({ rows, columns, phases }: Pick<MatrixSpec, 'rows' | 'columns' | 'phases'>): boolean {
  return phases === 1 && rows.group >= rows.channels && columns.group >= columns.channels;
}

/**
 * Packs a window of rows of a source tensor into one slice of a weight. The tensor's row 0 is row `rowBase` of the
 * weight.
 */
export function packMatrixWeights(
  spec: MatrixSpec,
  slice: WeightSlice,
  types: { raw: RawType; packed: WeightType },
  rowBase: number,
  window: RowWindow,
): SingleDispatch {
  const plain = isPlain(spec);
  // Only tiles that contain rows of the window are written. If rows are reordered, any tile may contain some.
  const firstRow = rowBase + window.first;
  const end = slice.firstTile + slice.tiles;
  const from = plain ? Math.max(slice.firstTile, Math.floor(firstRow / spec.tile)) : slice.firstTile;
  const to = plain ? Math.min(end, Math.ceil((firstRow + window.rows) / spec.tile)) : end;
  const tileQuads = spec.tile / 4;
  const block = Math.max(1, Math.floor(BLOCK_NUMBERS / spec.taps));
  const threads = Math.max(0, to - from) * Math.ceil(spec.paddedColumns / block) * tileQuads;
  return {
    shader: packShaders[types.packed],
    constants: { DTYPE: RAW_CONSTANT[types.raw], PLAIN: plain ? 1 : 0 },
    params: packParams({
      threads,
      first_tile: from,
      first_quad: (from - slice.firstTile) * spec.taps * spec.paddedColumns * tileQuads,
      tile_quads: tileQuads,
      taps: spec.taps,
      block,
      columns: spec.columns.channels,
      column_group: spec.columns.group,
      padded_columns: spec.paddedColumns,
      rows: spec.rows.channels,
      row_group: spec.rows.group,
      padded_rows: 4 * quadsOf(spec.rows),
      phases: spec.phases,
      row_base: rowBase,
      window_first: window.first,
      window_rows: window.rows,
    }),
    grid: grid(threads),
  };
}

/** Packs the `index`-th vector of an affine or of batch norm's statistics. */
export function packVectorWeights(spec: AffineSpec, raw: RawType, index: number): SingleDispatch {
  const quads = affineQuads(spec);
  const padded = 4 * quadsOf(spec.rows);
  return {
    shader: packShaders.f32,
    constants: { DTYPE: RAW_CONSTANT[raw], PLAIN: 0 },
    params: packParams({
      threads: quads,
      first_tile: 0,
      first_quad: index * quads,
      tile_quads: 1,
      taps: 1,
      block: 1,
      columns: 1,
      column_group: 1,
      padded_columns: 1,
      rows: spec.rows.channels,
      row_group: spec.rows.group,
      padded_rows: padded,
      phases: spec.phases,
      row_base: 0,
      window_first: 0,
      window_rows: spec.rows.channels * spec.phases,
    }),
    grid: grid(quads),
  };
}

/** Computes shift and scale from batch norm's packed statistics: weight, bias, mean, variance. */
export function packBatchNormWeights(spec: AffineSpec): SingleDispatch {
  const quads = affineQuads(spec);
  return {
    shader: batchNormShader,
    constants: {},
    params: batchNormParams({ quads, eps: spec.eps }),
    grid: grid(quads),
  };
}
