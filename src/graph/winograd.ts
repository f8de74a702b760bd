import { convRect, type ConvOp, type Op } from './ops.ts';
import { aligned, intersection, rectOf, scaled, type Rect } from './rects.ts';
import { channelsOf, quadsOf, type ChannelLayout, type Tensor } from './tensor.ts';
import { matrixTiles, slicesOf, type WeightSlice } from './weights.ts';

/** Algorithms that work on tiles: Winograd's F(2x2, 3x3) and F(4x4, 3x3), and the phases of an upsampling convolution (shaders/winograd.wgsl). */
export type TileAlgorithm = 'winograd2' | 'winograd4' | 'phases';

/** How a dense convolution is computed. */
export type Algorithm = 'direct' | TileAlgorithm;

/** What a tile algorithm's tiles are, along one side. All lie on a grid that starts at the image's pixel (0, 0). */
export interface TileGeometry {
  /** Matrices: pixels of x that a tile reads, the first of them one before its corner. */
  readonly size: number;
  /** Pixels of x from one tile to the next. */
  readonly step: number;
  /** Pixels of the convolution that a tile computes. */
  readonly out: number;
}

/** The tile algorithms' tiles. */
export const TILE_GEOMETRIES: Readonly<Record<TileAlgorithm, TileGeometry>> = {
  winograd2: { size: 4, step: 2, out: 2 },
  winograd4: { size: 6, step: 4, out: 4 },
  phases: { size: 3, step: 1, out: 2 },
};

/** The tiles that a convolution's pixels lie in. */
export function tilesOf(pixels: Rect, { out }: TileGeometry): Rect {
  return scaled(aligned(pixels, out), 1 / out);
}

/** The pixels of x that tiles read. */
export function tileInput(tiles: Rect, { size, step }: TileGeometry): Rect {
  const { y, x, height, width } = scaled(tiles, step);
  return { y: y - 1, x: x - 1, height: height + size - step, width: width + size - step };
}

/** Whether an algorithm can compute a convolution. */
export function applies(algorithm: Algorithm, { kernel, stride, upsample }: ConvOp): boolean {
  return algorithm === 'direct' || (kernel === 3 && stride === 1 && upsample === (algorithm === 'phases'));
}

/** Tensors that only pass between the ops of one convolution: in f32, since differences of large numbers are taken of them. */
class Scratch {
  readonly #id: () => number;

  constructor(id: () => number) {
    this.#id = id;
  }

  /** A tensor over some tiles. */
  tensor(label: string, n: number, { y, x, height, width }: Rect, layout: ChannelLayout): Tensor {
    return { id: this.#id(), label, n, height, width, layout, storage: 'f32', origin: { y, x } };
  }
}

/** How convolutions are taken apart. */
export interface Expansion {
  /** About how many bytes may lie between the passes. */
  readonly scratchBytes: number;
  /** About how many bytes a convolution's matrices may take at a time. */
  readonly matrixBytes: number;
  /** A number for a new tensor. */
  readonly id: () => number;
  /** Bands, and slices, that are made of each: the first ones have the tensors of all. */
  readonly most?: number | undefined;
}

/**
 * The same ops with the convolutions that a tile algorithm computes taken apart into its passes. They run band by band, a band being some rows
 * of tiles, so that what lies between the passes stays at about `scratchBytes`, one row of tiles at least. Where a convolution's matrices are large,
 * they are made and used slice by slice in each band. Bands and slices take turns in the same tensors.
 */
export function expandConvolutions(ops: readonly Op[], expansion: Expansion): Op[] {
  const scratch = new Scratch(expansion.id);
  return ops.flatMap((op) =>
    op.type === 'conv' && op.algorithm !== 'direct' ? expand(op, op.algorithm, scratch, expansion) : [op],
  );
}

/** Bytes of the matrices of one tile of a weight. */
export function tileMatrixBytes({ weight }: ConvOp, algorithm: TileAlgorithm): number {
  return TILE_GEOMETRIES[algorithm].size ** 2 * weight.paddedColumns * weight.tile * 4;
}

function expand(
  conv: ConvOp,
  algorithm: TileAlgorithm,
  scratch: Scratch,
  { scratchBytes, matrixBytes, most = Infinity }: Expansion,
): Op[] {
  const { label, x, y, weight } = conv;
  const tiling = TILE_GEOMETRIES[algorithm];
  const places = tiling.size ** 2;
  const pixels = convRect(conv);
  const tiles = tilesOf(pixels, tiling);
  const inputs = x.layout;
  const outputs = channelsOf(4 * quadsOf(weight.rows) * weight.phases);
  const common = { label, algorithm };

  const slices = slicesOf(matrixTiles(weight), Math.floor(matrixBytes / tileMatrixBytes(conv, algorithm)));
  const shape = { y: 0, x: 0, height: 1, width: weight.paddedColumns };
  const matrixTensor = scratch.tensor(`${label} matrices`, slices[0].tiles * places, shape, channelsOf(weight.tile));
  const matricesOf = ({ tiles }: WeightSlice): Tensor => ({ ...matrixTensor, n: tiles * places });
  const transform = (slice: WeightSlice): Op => {
    const y = matricesOf(slice);
    return { type: 'winograd-weight', ...common, rect: rectOf(y), weight, slice, y };
  };

  const rowBytes = places * x.n * tiles.width * (quadsOf(inputs) + quadsOf(outputs)) * 16;
  // Slices are made again in each band: then bands are as few as matrices' room allows.
  const bandBytes = slices.length > 1 ? Math.max(scratchBytes, matrixBytes) : scratchBytes;
  const bands = Math.min(tiles.height, Math.ceil((tiles.height * rowBytes) / bandBytes));
  const bandRows = Math.ceil(tiles.height / bands);
  const first = { ...tiles, height: bandRows };
  const tileTensor = scratch.tensor(`${label} tiles`, places * x.n, first, inputs);
  const productTensor = scratch.tensor(`${label} products`, places * x.n, first, outputs);
  const ops: Op[] = slices.length > 1 ? [] : [transform(slices[0])];
  for (let row = 0; row < Math.min(tiles.height, most * bandRows); row += bandRows) {
    const rect = { ...tiles, y: tiles.y + row, height: Math.min(bandRows, tiles.height - row) };
    const transformed = { ...tileTensor, height: rect.height, origin: { y: rect.y, x: rect.x } };
    const products = { ...productTensor, height: rect.height, origin: { y: rect.y, x: rect.x } };
    const computed = intersection(pixels, scaled(rect, tiling.out));
    const stored = scaled(computed, conv.rect.height / pixels.height);
    ops.push({ type: 'winograd-input', ...common, rect, x, y: transformed });
    for (const slice of slices.slice(0, most)) {
      const matrices = matricesOf(slice);
      if (slices.length > 1) ops.push(transform(slice));
      ops.push({ type: 'winograd-multiply', ...common, rect, x: transformed, matrices, weight, slice, y: products });
    }
    ops.push({ type: 'winograd-output', ...common, rect: stored, x: products, conv: { ...conv, rect: stored }, y });
  }
  return ops;
}
