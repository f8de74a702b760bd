import { convRect, type ConvOp, type Op } from './ops.ts';
import { aligned, intersection, rectOf, scaled, type Rect } from './rects.ts';
import { channelsOf, quadsOf, type ChannelLayout, type Tensor } from './tensor.ts';
import { matrixTiles } from './weights.ts';

/** Algorithms that work on tiles: Winograd's F(2x2, 3x3) and F(4x4, 3x3), and the phases of an upsampling convolution (shaders/winograd.wgsl). */
export type TileAlgorithm = 'winograd2' | 'winograd4' | 'phases';

/** How a dense convolution is computed. */
export type Algorithm = 'direct' | TileAlgorithm;

/** What a tile algorithm's tiles are, along one side. All lie on a grid that starts at the image's pixel (0, 0). */
export interface Tiling {
  /** Matrices: pixels of x that a tile reads, the first of them one before its corner. */
  readonly size: number;
  /** Pixels of x from one tile to the next. */
  readonly step: number;
  /** Pixels of the convolution that a tile computes. */
  readonly out: number;
}

/** The tile algorithms' tiles. */
export const TILINGS: Readonly<Record<TileAlgorithm, Tiling>> = {
  winograd2: { size: 4, step: 2, out: 2 },
  winograd4: { size: 6, step: 4, out: 4 },
  phases: { size: 3, step: 1, out: 2 },
};

/** The tiles that a convolution's pixels lie in. */
export function tilesOf(pixels: Rect, { out }: Tiling): Rect {
  return scaled(aligned(pixels, out), 1 / out);
}

/** The pixels of x that tiles read. */
export function tileInput(tiles: Rect, { size, step }: Tiling): Rect {
  const { y, x, height, width } = scaled(tiles, step);
  return { y: y - 1, x: x - 1, height: height + size - step, width: width + size - step };
}

/** Whether an algorithm can compute a convolution. */
export function applies(algorithm: Algorithm, { kernel, stride, upsample }: ConvOp): boolean {
  return algorithm === 'direct' || (kernel === 3 && stride === 1 && upsample === (algorithm === 'phases'));
}

/** Tensors that only pass between the ops of one convolution. */
class Scratch {
  readonly #id: () => number;

  constructor(id: () => number) {
    this.#id = id;
  }

  /** A tensor over some tiles. */
  tensor(label: string, n: number, { y, x, height, width }: Rect, layout: ChannelLayout): Tensor {
    return { id: this.#id(), label, n, height, width, layout, origin: { y, x } };
  }
}

/**
 * The same ops with the convolutions that a tile algorithm computes taken apart into its passes. They run band by band, a band being some rows
 * of tiles, so that what lies between the passes stays at about `scratchBytes`, one row of tiles at least. Bands take turns in the same tensors.
 *
 * @param id - a number for a new tensor
 * @param most - bands that are made of each: the first ones have the tensors of all
 */
export function expandConvolutions(ops: readonly Op[], scratchBytes: number, id: () => number, most = Infinity): Op[] {
  const scratch = new Scratch(id);
  return ops.flatMap((op) =>
    op.type === 'conv' && op.algorithm !== 'direct' ? expand(op, op.algorithm, scratch, scratchBytes, most) : [op],
  );
}

function expand(conv: ConvOp, algorithm: TileAlgorithm, scratch: Scratch, scratchBytes: number, most: number): Op[] {
  const { label, x, y, weight } = conv;
  const tiling = TILINGS[algorithm];
  const places = tiling.size ** 2;
  const pixels = convRect(conv);
  const tiles = tilesOf(pixels, tiling);
  const inputs = x.layout;
  const outputs = channelsOf(4 * quadsOf(weight.rows) * weight.phases);
  const shape = { y: 0, x: 0, height: 1, width: weight.paddedColumns };
  const matrices = scratch.tensor(`${label} matrices`, matrixTiles(weight) * places, shape, channelsOf(weight.tile));
  const common = { label, algorithm };
  const ops: Op[] = [{ type: 'winograd-weight', ...common, rect: rectOf(matrices), weight, y: matrices }];

  const rowBytes = places * x.n * tiles.width * (quadsOf(inputs) + quadsOf(outputs)) * 16;
  const bands = Math.min(tiles.height, Math.ceil((tiles.height * rowBytes) / scratchBytes));
  const bandRows = Math.ceil(tiles.height / bands);
  const first = { ...tiles, height: bandRows };
  const tileTensor = scratch.tensor(`${label} tiles`, places * x.n, first, inputs);
  const productTensor = scratch.tensor(`${label} products`, places * x.n, first, outputs);
  for (let row = 0; row < Math.min(tiles.height, most * bandRows); row += bandRows) {
    const rect = { ...tiles, y: tiles.y + row, height: Math.min(bandRows, tiles.height - row) };
    const transformed = { ...tileTensor, height: rect.height, origin: { y: rect.y, x: rect.x } };
    const products = { ...productTensor, height: rect.height, origin: { y: rect.y, x: rect.x } };
    const computed = intersection(pixels, scaled(rect, tiling.out));
    const stored = scaled(computed, conv.rect.height / pixels.height);
    ops.push(
      { type: 'winograd-input', ...common, rect, x, y: transformed },
      { type: 'winograd-multiply', ...common, rect, x: transformed, matrices, weight, y: products },
      { type: 'winograd-output', ...common, rect: stored, x: products, conv: { ...conv, rect: stored }, y },
    );
  }
  return ops;
}
