import type { Graph } from './build.ts';
import { convRect, type ConvOp } from './ops.ts';
import { quadsOf } from './tensor.ts';
import { matrixTiles } from './weights.ts';
import type { Target } from './target.ts';
import { applies, tileMatrixBytes } from './expand.ts';
import { TILE_GEOMETRIES, tilesOf, type Algorithm } from './tile_geometry.ts';

/** Multiply-adds that a transform's load or store of one number costs as much as. */
const TRANSFORM_COST = 4;
/** Tiles, or pixels, that a lane multiplies at once: what is missing to a multiple of it is computed for nothing. */
const LANE_TILE = 16;

/**
 * The same graph with an algorithm chosen for each convolution: what the target forces where it can, or else the one with the least work. To be
 * called on the graph of a whole image, before it is cut into regions: a pixel's value must not depend on the cut.
 */
export function chooseAlgorithms(graph: Graph, target: Target, maxBinding: number): Graph {
  const ops = graph.ops.map((op) =>
    op.type === 'conv' ? { ...op, algorithm: chooseAlgorithm(op, target, maxBinding) } : op,
  );
  return { ...graph, ops };
}

function chooseAlgorithm(op: ConvOp, { numerics, products, algorithm }: Target, maxBinding: number): Algorithm {
  const candidates: readonly Algorithm[] = numerics === 'fast' && products === 'f32' ? FAST : STRICT;
  const fit = candidates.filter(
    (name) => applies(name, op) && (name === 'direct' || tileMatrixBytes(op, name) <= maxBinding),
  );
  const forced = fit.find((name) => name === algorithm);
  return forced ?? fit.reduce((best, name) => (work(op, name) < work(op, best) ? name : best));
}

/**
 * F(4x4, 3x3) rounds about five times as coarsely as the others: 1e-6 of a convolution's values, rms, where they stay at 2e-7. Products in f16 have
 * no room for that.
 */
const STRICT = ['direct', 'phases', 'winograd2'] as const;
const FAST = [...STRICT, 'winograd4'] as const;

/** About how many multiply-adds a convolution is worth, for one picture: those of a batch are computed as each would be by itself. */
function work(op: ConvOp, algorithm: Algorithm): number {
  const pixels = convRect(op);
  const columns = 4 * quadsOf(op.weight.columns);
  const rows = matrixTiles(op.weight) * op.weight.tile;
  if (algorithm === 'direct') return pixels.height * pixels.width * op.weight.taps * columns * rows;
  const tiling = TILE_GEOMETRIES[algorithm];
  const { height, width } = tilesOf(pixels, tiling);
  const tiles = height * width;
  const places = tiling.size ** 2;
  const multiply = Math.ceil(tiles / LANE_TILE) * LANE_TILE * places * columns * rows;
  const weights = (9 + places) * columns * rows;
  const transforms = tiles * (2 * places * columns + (places + tiling.out ** 2) * rows);
  return multiply + TRANSFORM_COST * (weights + transforms);
}
