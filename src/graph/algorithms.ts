import type { Graph } from './build.ts';
import { convRect, type ConvOp } from './ops.ts';
import { quadsOf } from './tensor.ts';
import { matrixTiles } from './weights.ts';
import type { Target } from './target.ts';
import { applies, tileMatrixBytes } from './expand.ts';
import { TILE_GEOMETRIES, tilesOf, type Algorithm } from './tile_geometry.ts';

/** Cost of loading or storing one number in a transform, in multiply-adds. */
const TRANSFORM_COST = 4;
/** Tiles or pixels that a lane multiplies together. A number that is not a multiple of this wastes the rest. */
const LANE_TILE = 16;

/**
 * Chooses an algorithm for each convolution: the forced one if it applies, otherwise the one with the least work. Takes
 * the graph of the whole image, before it is cut into regions, so that a pixel's value does not depend on the cut.
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
 * F(4x4, 3x3) rounds about five times as coarsely as the others: its rms error is 1e-6 of a convolution's values,
 * theirs 2e-7. Products in f16 cannot afford that.
 */
const STRICT = ['direct', 'phases', 'winograd2'] as const;
const FAST = [...STRICT, 'winograd4'] as const;

/**
 * Estimates the cost of a convolution for one picture, in multiply-adds. A batch must use the algorithm of a single
 * picture, so that both compute the same numbers.
 */
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
