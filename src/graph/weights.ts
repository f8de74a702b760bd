import { DeviceError } from '../errors.ts';
import { layerParameters, type Conv2d, type Norm } from '../model/layers.ts';
import { channelsOf, quadsOf, type ChannelLayout } from './tensor.ts';

/** The storage type of weights. f16 halves their size; sums stay f32. */
export type WeightType = 'f32' | 'f16';

/**
 * A convolution's weight in the order that its kernel reads: `[tile of rows][tap][column][row in the tile]`. Rows are
 * output channels, columns input channels.
 */
export interface MatrixSpec {
  readonly kind: 'matrix';
  readonly id: string;
  /** The tensors whose rows follow one another. */
  readonly sources: readonly { readonly key: string; readonly rows: number }[];
  /** Output channels of one phase. */
  readonly rows: ChannelLayout;
  /** 4: row `4 r + p` is output channel `r` at phase `p` of a pixel-shuffle. */
  readonly phases: 1 | 4;
  readonly columns: ChannelLayout;
  /** Columns with padding; 1 for a depthwise convolution. */
  readonly paddedColumns: number;
  readonly taps: number;
  /** Rows of a tile. */
  readonly tile: number;
}

/** Vectors over channels, one after another, in f32: `bias`; `norm`: weight and bias; `batch_norm`: shift and scale. */
export interface AffineSpec {
  readonly kind: 'bias' | 'norm' | 'batch_norm';
  readonly id: string;
  readonly keys: readonly string[];
  readonly rows: ChannelLayout;
  readonly phases: 1 | 4;
  readonly eps: number;
}

/** A weight of a model on the GPU. */
export type WeightSpec = MatrixSpec | AffineSpec;

/** A run of a weight's tiles. A weight has several if one buffer cannot hold all tiles. */
export interface WeightSlice {
  readonly firstTile: number;
  readonly tiles: number;
}

/** Output channels that one lane of the dense convolution computes. */
const LANE_ROWS = 8;
/** The fewest lanes of the dense convolution along channels: one quad of a subgroup. */
const MIN_LANES = 4;
const MAX_LANES = 8;

/** The weight of one dense convolution, or of several that read the same input and whose outputs follow one another. */
export function denseWeight(
  convs: readonly Conv2d[],
  columns: ChannelLayout,
  options: { phases?: 1 | 4; rowGroup?: number } = {},
): MatrixSpec {
  const first = convs[0];
  if (first === undefined) throw new RangeError('denseWeight needs a convolution');
  const phases = options.phases ?? 1;
  const channels = convs.reduce((sum, conv) => sum + conv.outChannels, 0) / phases;
  const rows = { channels, group: options.rowGroup ?? channels };
  let lanes = MIN_LANES;
  while (lanes < MAX_LANES && lanes * LANE_ROWS < 4 * quadsOf(rows) * phases) lanes *= 2;
  return {
    kind: 'matrix',
    id: convs.map((conv) => `${conv.path}.weight`).join('+'),
    sources: convs.map((conv) => ({ key: `${conv.path}.weight`, rows: conv.outChannels })),
    rows,
    phases,
    columns,
    paddedColumns: 4 * quadsOf(columns),
    taps: first.kernel ** 2,
    tile: LANE_ROWS * lanes,
  };
}

/** The weight of a depthwise convolution: `[tap][channel]`. */
export function depthwiseWeight(conv: Conv2d, layout: ChannelLayout): MatrixSpec {
  return {
    kind: 'matrix',
    id: `${conv.path}.weight`,
    sources: [{ key: `${conv.path}.weight`, rows: conv.outChannels }],
    rows: layout,
    phases: 1,
    columns: channelsOf(1),
    paddedColumns: 1,
    taps: conv.kernel ** 2,
    tile: 4 * quadsOf(layout),
  };
}

/** The weight of a grouped 1x1 convolution: `[channel / 4][channel of the group][4]`. */
export function groupedWeight(conv: Conv2d, layout: ChannelLayout): MatrixSpec {
  const columns = channelsOf(conv.inChannels / conv.groups);
  return {
    kind: 'matrix',
    id: `${conv.path}.weight`,
    sources: [{ key: `${conv.path}.weight`, rows: conv.outChannels }],
    rows: layout,
    phases: 1,
    columns,
    paddedColumns: 4 * quadsOf(columns),
    taps: 1,
    tile: 4,
  };
}

/** A convolution's bias, in the order of its weight's rows. */
export function biasVector(conv: Conv2d, phases: 1 | 4 = 1): AffineSpec {
  const key = `${conv.path}.bias`;
  return { kind: 'bias', id: key, keys: [key], rows: channelsOf(conv.outChannels / phases), phases, eps: 0 };
}

/** A norm's vectors. */
export function normVectors(norm: Norm): AffineSpec {
  return {
    kind: norm.type === 'RMSNorm' ? 'norm' : 'batch_norm',
    id: norm.path,
    keys: layerParameters(norm).map(({ key }) => key),
    rows: channelsOf(norm.channels),
    phases: 1,
    eps: norm.eps,
  };
}

/** Quads of one vector of an affine. */
export function affineQuads({ rows, phases }: AffineSpec): number {
  return quadsOf(rows) * phases;
}

/** Vectors that an affine holds on the GPU. */
function affineVectors(spec: AffineSpec): number {
  return spec.kind === 'batch_norm' ? 2 : spec.keys.length;
}

/** Tiles of a matrix, the last one padded with rows of zeros. */
export function matrixTiles(spec: MatrixSpec): number {
  return Math.ceil((4 * quadsOf(spec.rows) * spec.phases) / spec.tile);
}

/** Lanes of the dense convolution that share a tile of its weight. */
export function convLanes({ tile }: MatrixSpec): number {
  return tile / LANE_ROWS;
}

/** Bytes of one tile. */
export function tileBytes(spec: MatrixSpec, type: WeightType): number {
  return spec.taps * spec.paddedColumns * spec.tile * (type === 'f16' ? 2 : 4);
}

/** Bytes of a weight on the GPU. */
export function weightBytes(spec: WeightSpec, type: WeightType): number {
  return spec.kind === 'matrix'
    ? matrixTiles(spec) * tileBytes(spec, type)
    : affineVectors(spec) * affineQuads(spec) * 16;
}

/**
 * Splits a weight into slices of at most `maxBytes`.
 *
 * @throws DeviceError `limits` if one tile exceeds `maxBytes`
 */
export function weightSlices(spec: MatrixSpec, type: WeightType, maxBytes: number): WeightSlice[] {
  const fit = Math.floor(maxBytes / tileBytes(spec, type));
  if (fit === 0) {
    throw new DeviceError(
      'limits',
      `${spec.id} needs ${tileBytes(spec, type)} bytes in one binding, and this device allows ${maxBytes}. ` +
        'Request the device with the adapter’s own maxStorageBufferBindingSize and maxBufferSize.',
    );
  }
  return slicesOf(matrixTiles(spec), fit);
}

/** Splits tiles into slices of similar size, each of at most `most` tiles but at least one. */
export function slicesOf(tiles: number, most: number): [WeightSlice, ...WeightSlice[]] {
  const size = Math.ceil(tiles / Math.ceil(tiles / Math.max(1, most)));
  const slice = (i: number): WeightSlice => ({ firstTile: i * size, tiles: Math.min(size, tiles - i * size) });
  return [slice(0), ...Array.from({ length: Math.ceil(tiles / size) - 1 }, (_, i) => slice(i + 1))];
}
