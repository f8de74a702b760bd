import { inputRects } from '../graph/halo.ts';
import { weightsOf, type Op } from '../graph/ops.ts';
import { intersection, rectOf, type Rect } from '../graph/rects.ts';
import { isReduction } from './segments.ts';
import { pixelBytes, tensorBytes, type Tensor } from '../graph/tensor.ts';
import { tileBytes, weightBytes, type WeightType } from '../graph/weights.ts';

/** Bytes that an op must move at least: what it reads of its inputs and weights, and what it writes, each once. */
export function bytesMoved(op: Op, weights: WeightType): number {
  const read = inputRects(op, op.rect).map(({ tensor, rect }) => partBytes(tensor, rect));
  // Sums are no image, and what a rectangle of one's input adds to them is as large as they are.
  const written = isReduction(op) ? tensorBytes(op.y) : partBytes(op.y, op.rect);
  const own =
    op.type === 'winograd-weight'
      ? [op.slice.tiles * tileBytes(op.weight, weights)]
      : weightsOf(op).map((spec) => weightBytes(spec, weights));
  return [...read, ...own].reduce((sum, n) => sum + n, written);
}

function partBytes(tensor: Tensor, rect: Rect): number {
  const { height, width } = intersection(rect, rectOf(tensor));
  return tensor.n * Math.max(0, height) * Math.max(0, width) * pixelBytes(tensor);
}
