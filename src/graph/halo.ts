import { convRect, shuffleScale, inputs, tensorsOf, type ConvOp, type ChannelShuffle, type Op } from './ops.ts';
import { aligned, expanded, rectOf, scaled, type Rect } from './rects.ts';
import type { Tensor } from './tensor.ts';
import { tileInput, TILE_GEOMETRIES, tilesOf } from './winograd.ts';

/** A tensor and a rectangle of it. */
export interface TensorRect {
  readonly tensor: Tensor;
  readonly rect: Rect;
}

/**
 * What an op reads of its inputs to compute `rect` of its output: its halo with it, which may reach over the image's edge, where all is zero.
 * Sums over the image are needed whole.
 */
export function inputRects(op: Op, rect: Rect): TensorRect[] {
  switch (op.type) {
    case 'conv':
      return [{ tensor: op.x, rect: convInput(op, rect) }, ...shortcutParts(op, rect)];
    case 'depthwise':
    case 'multiscale':
      return [{ tensor: op.x, rect: expanded(rect, (op.kernel - 1) / 2) }];
    case 'resample':
      return [{ tensor: op.x, rect: gatherInput(op.gather, rect) }];
    case 'winograd-input':
      return [{ tensor: op.x, rect: tileInput(rect, TILE_GEOMETRIES[op.algorithm]) }];
    case 'winograd-multiply':
      return [
        { tensor: op.x, rect },
        { tensor: op.matrices, rect: rectOf(op.matrices) },
      ];
    case 'winograd-output':
      return [
        { tensor: op.x, rect: tilesOf(convRect({ ...op.conv, rect }), TILE_GEOMETRIES[op.algorithm]) },
        ...shortcutParts(op.conv, rect),
      ];
    case 'attention-apply':
      return [
        ...tensorsOf(op.branches).map((tensor) => ({ tensor, rect })),
        { tensor: op.sums, rect: rectOf(op.sums) },
      ];
    case 'attention-quadratic':
      return tensorsOf(op.branches).map((tensor) => ({ tensor, rect: rectOf(tensor) }));
    default:
      return inputs(op).map((tensor) => ({ tensor, rect }));
  }
}

/** What an op computes where `rect` of its output is asked for: algorithms that work on tiles compute whole ones. */
export function computedRect(op: Op, rect: Rect): Rect {
  if (op.type !== 'conv' || op.algorithm === 'direct') return rect;
  const tiling = TILE_GEOMETRIES[op.algorithm];
  const pixels = convRect({ ...op, rect });
  return scaled(scaled(tilesOf(pixels, tiling), tiling.out), rect.height / pixels.height);
}

function shortcutParts({ shortcut }: ConvOp, rect: Rect): TensorRect[] {
  return shortcut ? [{ tensor: shortcut.source, rect: gatherInput(shortcut.gather, rect) }] : [];
}

function convInput(op: ConvOp, rect: Rect): Rect {
  if (op.algorithm !== 'direct') {
    const tiling = TILE_GEOMETRIES[op.algorithm];
    return tileInput(tilesOf(convRect({ ...op, rect }), tiling), tiling);
  }
  const { y, x, height, width } = scaled(convRect({ ...op, rect }), op.stride);
  const last = op.stride - 1; // a stride leaves pixels out behind the last one
  const taps = expanded({ y, x, height: height - last, width: width - last }, (op.kernel - 1) / 2);
  return op.upsample ? scaled(aligned(taps, 2), 0.5) : taps;
}

function gatherInput(gather: ChannelShuffle, rect: Rect): Rect {
  const scale = shuffleScale(gather);
  return scaled(scale < 1 ? aligned(rect, 1 / scale) : rect, scale);
}
