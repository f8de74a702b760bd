import { inputRects, isReduction, weightBytesRead, type Op } from '../graph/ops.ts';
import { intersection, rectOf, type Rect } from '../graph/rects.ts';
import { pixelBytes, tensorBytes, type Tensor } from '../graph/tensor.ts';
import type { WeightType } from '../graph/weights.ts';

/**
 * Returns the fewest bytes that an op can move: the parts of its inputs and weights that it reads, and the rectangle
 * that it writes, each once.
 */
export function bytesMoved(op: Op, weights: WeightType): number {
  const read = inputRects(op, op.rect).reduce((sum, { tensor, rect }) => sum + rectBytes(tensor, rect), 0);
  // The rect of a reduction is a rectangle of its input; every region writes all of the sums.
  const written = isReduction(op) ? tensorBytes(op.y) : rectBytes(op.y, op.rect);
  return read + weightBytesRead(op, weights) + written;
}

function rectBytes(tensor: Tensor, rect: Rect): number {
  const { height, width } = intersection(rect, rectOf(tensor));
  return tensor.n * Math.max(0, height) * Math.max(0, width) * pixelBytes(tensor);
}
