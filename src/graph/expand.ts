import { convRect, type ConvOp, type Op } from './ops.ts';
import { intersection, rectOf, scaled, type Rect } from './rects.ts';
import { channelsOf, quadsOf, type ChannelLayout, type Tensor } from './tensor.ts';
import { TILE_GEOMETRIES, tilesOf, type Algorithm, type TileAlgorithm } from './tile_geometry.ts';
import { matrixTiles, slicesOf, type WeightSlice } from './weights.ts';

/** Limits on the expansion of convolutions. */
interface Expansion {
  /** Approximate limit on the bytes of tensors between the passes of one convolution. */
  readonly scratchBytes: number;
  /** Approximate limit on the bytes of a convolution's matrices at one time. */
  readonly matrixBytes: number;
  /** Returns a number for a new tensor. */
  readonly id: () => number;
  /**
   * The number of chunks and slices to create; all by default. The first ones already have the tensors of all others.
   */
  readonly maxChunks?: number | undefined;
}

/** Whether an algorithm can compute a convolution. */
export function applies(algorithm: Algorithm, { kernel, stride, upsample }: ConvOp): boolean {
  return algorithm === 'direct' || (kernel === 3 && stride === 1 && upsample === (algorithm === 'phases'));
}

/**
 * Expands the convolutions that a tile algorithm computes into the passes of that algorithm.
 *
 * The passes run chunk by chunk, a chunk being some rows of tiles, so that the tensors between them take about
 * `scratchBytes`; a chunk has at least one row. If a convolution's matrices are large, each chunk computes and uses
 * them slice by slice. All chunks and slices share the same tensors.
 */
export function expandConvolutions(ops: readonly Op[], expansion: Expansion): Op[] {
  return ops.flatMap((op) =>
    op.type === 'conv' && op.algorithm !== 'direct' ? expand(op, op.algorithm, expansion) : [op],
  );
}

/** Bytes of the matrices of one weight tile. */
export function tileMatrixBytes({ weight }: ConvOp, algorithm: TileAlgorithm): number {
  return TILE_GEOMETRIES[algorithm].size ** 2 * weight.paddedColumns * weight.tile * 4;
}

function expand(conv: ConvOp, algorithm: TileAlgorithm, expansion: Expansion): Op[] {
  const { scratchBytes, matrixBytes, maxChunks = Infinity } = expansion;
  const { label, x, y, weight } = conv;
  const geometry = TILE_GEOMETRIES[algorithm];
  const positions = geometry.size ** 2;
  const pixels = convRect(conv);
  const tiles = tilesOf(pixels, geometry);
  const inputs = x.layout;
  const outputs = channelsOf(4 * quadsOf(weight.rows) * weight.phases);
  const common = { label, algorithm };
  // Scratch is f32 even where activations are f16: the transforms subtract large numbers from each other.
  const scratch = (name: string, n: number, rect: Rect, layout: ChannelLayout): Tensor => {
    const { y, x, height, width } = rect;
    return {
      id: expansion.id(),
      label: `${label} ${name}`,
      n,
      height,
      width,
      layout,
      storage: 'f32',
      origin: { y, x },
    };
  };

  const slices = slicesOf(matrixTiles(weight), Math.floor(matrixBytes / tileMatrixBytes(conv, algorithm)));
  const shape = { y: 0, x: 0, height: 1, width: weight.paddedColumns };
  const matrixTensor = scratch('matrices', slices[0].tiles * positions, shape, channelsOf(weight.tile));
  const matricesOf = ({ tiles }: WeightSlice): Tensor => ({ ...matrixTensor, n: tiles * positions });
  const transform = (slice: WeightSlice): Op => {
    const y = matricesOf(slice);
    return { type: 'winograd-weight', ...common, rect: rectOf(y), weight, slice, y };
  };

  const rowBytes = positions * x.n * tiles.width * (quadsOf(inputs) + quadsOf(outputs)) * 16;
  // Every chunk computes all slices again, so with several slices chunks are as large as the matrices' limit allows.
  const chunkBytes = slices.length > 1 ? Math.max(scratchBytes, matrixBytes) : scratchBytes;
  const chunks = Math.min(tiles.height, Math.ceil((tiles.height * rowBytes) / chunkBytes));
  const chunkRows = Math.ceil(tiles.height / chunks);
  const first = { ...tiles, height: chunkRows };
  const tileTensor = scratch('tiles', positions * x.n, first, inputs);
  const productTensor = scratch('products', positions * x.n, first, outputs);
  const ops: Op[] = slices.length > 1 ? [] : [transform(slices[0])];
  for (let row = 0; row < Math.min(tiles.height, maxChunks * chunkRows); row += chunkRows) {
    const rect = { ...tiles, y: tiles.y + row, height: Math.min(chunkRows, tiles.height - row) };
    const transformed = { ...tileTensor, height: rect.height, origin: { y: rect.y, x: rect.x } };
    const products = { ...productTensor, height: rect.height, origin: { y: rect.y, x: rect.x } };
    const computed = intersection(pixels, scaled(rect, geometry.out));
    const stored = scaled(computed, conv.rect.height / pixels.height);
    ops.push({ type: 'winograd-input', ...common, rect, x, y: transformed });
    for (const slice of slices.slice(0, maxChunks)) {
      const matrices = matricesOf(slice);
      if (slices.length > 1) ops.push(transform(slice));
      ops.push({ type: 'winograd-multiply', ...common, rect, x: transformed, matrices, weight, slice, y: products });
    }
    ops.push({ type: 'winograd-output', ...common, rect: stored, x: products, conv: { ...conv, rect: stored }, y });
  }
  return ops;
}
