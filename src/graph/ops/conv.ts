import type { ActivationName } from '../../config/config.ts';
import { aligned, expanded, scaled, type Rect } from '../rects.ts';
import type { Tensor } from '../tensor.ts';
import { TILE_GEOMETRIES, tileInput, tilesOf, type Algorithm } from '../tile_geometry.ts';
import { weightBytes, type AffineSpec, type MatrixSpec } from '../weights.ts';
import { enlarges, shuffleInput, type ChannelShuffle } from './channel_shuffle.ts';
import { present, type OpBase, type OpRecord, type TensorRect } from './op.ts';

/**
 * Dense convolution with its epilogue: `y = store(norm(act(scale * conv(x) + shift))) + shuffle(shortcut)`. Source:
 * diffusers' `DCDownBlock2d`, `DCUpBlock2d` and `ResBlock`.
 */
export interface ConvOp extends OpBase {
  readonly type: 'conv';
  readonly x: Tensor;
  readonly weight: MatrixSpec;
  readonly affine: AffineSpec | undefined;
  readonly kernel: number;
  readonly stride: number;
  /** Whether x is read through a nearest-neighbour upsampling by 2. */
  readonly upsample: boolean;
  readonly activation: ActivationName | undefined;
  /** How the convolution's pixels become pixels of y. */
  readonly store: 'plain' | 'shuffle' | 'unshuffle';
  readonly shortcut: { readonly source: Tensor; readonly shuffle: ChannelShuffle } | undefined;
  /** RMSNorm over the channels of a pixel; set by `fuseNorms`. */
  readonly norm: AffineSpec | undefined;
  /** Chosen on the graph of the whole image; `direct` until then. */
  readonly algorithm: Algorithm;
}

/** The rectangle of the convolution's own pixels, before its store rearranges them to `rect`. */
export function convRect({ rect, store }: Pick<ConvOp, 'rect' | 'store'>): Rect {
  return scaled(rect, store === 'shuffle' ? 0.5 : store === 'unshuffle' ? 2 : 1);
}

/** The rectangle of the shortcut that a convolution's epilogue reads; none without a shortcut. */
export function shortcutRects({ shortcut }: ConvOp, rect: Rect): TensorRect[] {
  return shortcut ? [{ tensor: shortcut.source, rect: shuffleInput(shortcut.shuffle, rect) }] : [];
}

/** The tensor that a convolution's shortcut reads; none without a shortcut. */
export function shortcutTensors({ shortcut }: ConvOp): Tensor[] {
  return shortcut ? [shortcut.source] : [];
}

/** Facts about a dense convolution. */
export const conv: OpRecord<ConvOp> = {
  inputs: (op) => [op.x, ...shortcutTensors(op)],
  inputRects: (op, rect) => [{ tensor: op.x, rect: convInput(op, rect) }, ...shortcutRects(op, rect)],
  outputRect: ({ store, shortcut }, wanted) =>
    store === 'shuffle' || (shortcut && enlarges(shortcut.shuffle)) ? aligned(wanted, 2) : wanted,
  computedRect(op, rect) {
    if (op.algorithm === 'direct') return rect;
    const geometry = TILE_GEOMETRIES[op.algorithm];
    const pixels = convRect({ ...op, rect });
    return scaled(scaled(tilesOf(pixels, geometry), geometry.out), rect.height / pixels.height);
  },
  flops(op) {
    const { height, width } = convRect(op);
    const { rows, phases, columns, taps } = op.weight;
    return 2 * op.y.n * height * width * rows.channels * phases * columns.channels * taps;
  },
  weights: ({ weight, affine, norm }) => present(weight, affine, norm),
  weightBytes: (op, type) => conv.weights(op).reduce((sum, spec) => sum + weightBytes(spec, type), 0),
  withTensors(op, rect, replace) {
    const { shortcut } = op;
    const source = shortcut && { ...shortcut, source: replace(shortcut.source) };
    return { ...op, rect, x: replace(op.x), y: replace(op.y), shortcut: source };
  },
  isReduction: false,
};

function convInput(op: ConvOp, rect: Rect): Rect {
  if (op.algorithm !== 'direct') {
    const geometry = TILE_GEOMETRIES[op.algorithm];
    return tileInput(tilesOf(convRect({ ...op, rect }), geometry), geometry);
  }
  const { y, x, height, width } = scaled(convRect({ ...op, rect }), op.stride);
  const unread = op.stride - 1; // pixels behind the last one that a stride skips
  const taps = expanded({ y, x, height: height - unread, width: width - unread }, (op.kernel - 1) / 2);
  return op.upsample ? scaled(aligned(taps, 2), 0.5) : taps;
}
