import { rectOf } from '../rects.ts';
import type { Tensor } from '../tensor.ts';
import { TILE_GEOMETRIES, tileInput, tilesOf, type TileAlgorithm } from '../tile_geometry.ts';
import { matrixTiles, tileBytes, weightBytes, type MatrixSpec, type WeightSlice } from '../weights.ts';
import { convRect, shortcutRects, shortcutTensors, type ConvOp } from './conv.ts';
import { noFlops, noWeights, present, sameRect, type OpBase, type OpRecord } from './op.ts';

/**
 * Winograd's weight transform: a slice of a weight as one matrix for each position in a tile, `[weight
 * tile][position][column][row]`.
 */
export interface WinogradWeightOp extends OpBase {
  readonly type: 'winograd-weight';
  readonly algorithm: TileAlgorithm;
  readonly weight: MatrixSpec;
  readonly slice: WeightSlice;
}

/** Winograd's input transform: the tiles of `rect`, as `[position in a tile * n, tile row, tile column, channel]`. */
export interface WinogradInputOp extends OpBase {
  readonly type: 'winograd-input';
  readonly algorithm: TileAlgorithm;
  readonly x: Tensor;
}

/**
 * Winograd's multiplication: for each position in a tile, a matrix times all tiles. Computes the channels of one weight
 * slice.
 */
export interface WinogradMultiplyOp extends OpBase {
  readonly type: 'winograd-multiply';
  readonly algorithm: TileAlgorithm;
  readonly x: Tensor;
  readonly matrices: Tensor;
  readonly weight: MatrixSpec;
  readonly slice: WeightSlice;
}

/** Winograd's output transform: products to the pixels of `rect`, followed by the epilogue of `conv`. */
export interface WinogradOutputOp extends OpBase {
  readonly type: 'winograd-output';
  readonly algorithm: TileAlgorithm;
  readonly x: Tensor;
  readonly conv: ConvOp;
}

/** Regions are cut before convolutions are expanded into these ops, so none of them is ever moved to other tensors. */
function notCut({ label }: OpBase): never {
  throw new RangeError(`${label} was expanded before it was cut into regions`);
}

/** Facts about Winograd's weight transform. */
export const winogradWeight: OpRecord<WinogradWeightOp> = {
  inputs: () => [],
  inputRects: () => [],
  outputRect: sameRect,
  computedRect: sameRect,
  flops: noFlops,
  weights: ({ weight }) => [weight],
  weightBytes: ({ slice, weight }, type) => slice.tiles * tileBytes(weight, type),
  withTensors: notCut,
  isReduction: false,
};

/** Facts about Winograd's input transform. */
export const winogradInput: OpRecord<WinogradInputOp> = {
  inputs: ({ x }) => [x],
  inputRects: ({ x, algorithm }, rect) => [{ tensor: x, rect: tileInput(rect, TILE_GEOMETRIES[algorithm]) }],
  outputRect: sameRect,
  computedRect: sameRect,
  flops: noFlops,
  weights: noWeights,
  weightBytes: () => 0,
  withTensors: notCut,
  isReduction: false,
};

/** Facts about Winograd's multiplication. */
export const winogradMultiply: OpRecord<WinogradMultiplyOp> = {
  inputs: ({ x, matrices }) => [x, matrices],
  inputRects: ({ x, matrices }, rect) => [
    { tensor: x, rect },
    { tensor: matrices, rect: rectOf(matrices) },
  ],
  outputRect: sameRect,
  computedRect: sameRect,
  flops({ x, y, rect, slice, weight }) {
    const positions = y.n * rect.height * rect.width;
    return (2 * positions * x.layout.channels * y.layout.channels * slice.tiles) / matrixTiles(weight);
  },
  weights: noWeights,
  weightBytes: () => 0,
  withTensors: notCut,
  isReduction: false,
};

/** Facts about Winograd's output transform. */
export const winogradOutput: OpRecord<WinogradOutputOp> = {
  inputs: ({ x, conv }) => [x, ...shortcutTensors(conv)],
  inputRects: ({ x, conv, algorithm }, rect) => [
    { tensor: x, rect: tilesOf(convRect({ ...conv, rect }), TILE_GEOMETRIES[algorithm]) },
    ...shortcutRects(conv, rect),
  ],
  outputRect: sameRect,
  computedRect: sameRect,
  flops: noFlops,
  weights: ({ conv }) => present(conv.affine, conv.norm),
  weightBytes: (op, type) => winogradOutput.weights(op).reduce((sum, spec) => sum + weightBytes(spec, type), 0),
  withTensors: notCut,
  isReduction: false,
};
