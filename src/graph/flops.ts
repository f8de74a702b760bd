import { convRect, tensorsOf, type Op } from './ops.ts';
import { matrixTiles } from './weights.ts';

/** Multiply-adds of an op, times two; norms and resamplings, which move bytes rather than multiply, count as nothing. */
export function flops(op: Op): number {
  const pixels = op.y.n * op.rect.height * op.rect.width;
  switch (op.type) {
    case 'conv': {
      const { height, width } = convRect(op);
      const { rows, phases, columns, taps } = op.weight;
      return 2 * op.y.n * height * width * rows.channels * phases * columns.channels * taps;
    }
    case 'winograd-multiply':
      return (2 * pixels * op.x.layout.channels * op.y.layout.channels * op.slice.tiles) / matrixTiles(op.weight);
    case 'depthwise':
      return 2 * pixels * op.x.layout.channels * op.weight.taps;
    case 'grouped':
      return 2 * pixels * op.y.layout.channels * op.weight.columns.channels;
    case 'multiscale':
      return 2 * pixels * op.y.layout.channels * (op.depthwise.taps + op.weight.columns.channels);
    case 'attention-sums':
    case 'attention-apply': {
      const [{ n, layout }] = op.branches;
      const products = 2 * n * op.rect.height * op.rect.width * layout.channels * (layout.group + 1);
      return (tensorsOf(op.branches).length * products) / 3;
    }
    case 'attention-quadratic': {
      const [{ n, height, width, layout }] = op.branches;
      return (tensorsOf(op.branches).length * 4 * n * (height * width) ** 2 * layout.channels) / 3;
    }
    default:
      return 0;
  }
}
