import type { ActivationName } from '../config/config.ts';
import { scaled, type Rect } from './rects.ts';
import type { Tensor } from './tensor.ts';
import type { AffineSpec, MatrixSpec, WeightSlice } from './weights.ts';
import type { Algorithm, TileAlgorithm } from './winograd.ts';

/**
 * A resampling of channels and pixels without arithmetic but a mean: `out[o] = mean over j < group of in[(o' / repeats) * group + j]`,
 * `o'` being `o` seen through a pixel-shuffle if `shuffle`; `unshuffle` and `nearest` say how `in` is seen.
 */
export interface ChannelShuffle {
  readonly repeats: number;
  readonly group: number;
  readonly shuffle: boolean;
  readonly unshuffle: boolean;
  readonly nearest: boolean;
}

/** Pixels of the source for each of the output, along a side. */
export function shuffleScale({ shuffle, unshuffle, nearest }: ChannelShuffle): number {
  return shuffle || nearest ? 0.5 : unshuffle ? 2 : 1;
}

/** Output and source have the same shape. */
export const IDENTITY: ChannelShuffle = { repeats: 1, group: 1, shuffle: false, unshuffle: false, nearest: false };

/**
 * Dense convolution with its epilogue: `y = store(norm(act(scale * conv(x) + shift))) + gather(shortcut)`.
 * Source of the resamplings: diffusers `DCDownBlock2d` and `DCUpBlock2d`.
 */
export interface ConvOp {
  readonly type: 'conv';
  readonly label: string;
  readonly rect: Rect;
  readonly x: Tensor;
  readonly y: Tensor;
  readonly weight: MatrixSpec;
  readonly affine: AffineSpec | undefined;
  readonly kernel: number;
  readonly stride: number;
  /** Read x through a nearest x2 upsampling. */
  readonly upsample: boolean;
  readonly activation: ActivationName | undefined;
  /** How the convolution's pixels become y's. */
  readonly store: 'plain' | 'shuffle' | 'unshuffle';
  readonly shortcut: { readonly source: Tensor; readonly gather: ChannelShuffle } | undefined;
  /** RMSNorm over a pixel's channels; put here by `fuseNorms`. */
  readonly norm: AffineSpec | undefined;
  /** Decided on the whole image's graph; `direct` until then. */
  readonly algorithm: Algorithm;
}

/** Winograd's weights: some of a convolution's into one matrix for each place of a tile, `[tile of rows][place][column][row]`. */
export interface WinogradWeightOp {
  readonly type: 'winograd-weight';
  readonly label: string;
  readonly rect: Rect;
  readonly algorithm: TileAlgorithm;
  readonly weight: MatrixSpec;
  readonly slice: WeightSlice;
  readonly y: Tensor;
}

/** Winograd's first pass: tiles of x, whose numbers `rect` says, into `[place of a tile * n, tile rows, tile columns, channel]`. */
export interface WinogradInputOp {
  readonly type: 'winograd-input';
  readonly label: string;
  readonly rect: Rect;
  readonly algorithm: TileAlgorithm;
  readonly x: Tensor;
  readonly y: Tensor;
}

/** Winograd's second pass: at each place of a tile, a matrix times all tiles; the channels of a slice of the weight. */
export interface WinogradMultiplyOp {
  readonly type: 'winograd-multiply';
  readonly label: string;
  readonly rect: Rect;
  readonly algorithm: TileAlgorithm;
  readonly x: Tensor;
  readonly matrices: Tensor;
  readonly weight: MatrixSpec;
  readonly slice: WeightSlice;
  readonly y: Tensor;
}

/** Winograd's last pass: products into the pixels of `rect`, and the epilogue of `conv`. */
export interface WinogradOutputOp {
  readonly type: 'winograd-output';
  readonly label: string;
  readonly rect: Rect;
  readonly algorithm: TileAlgorithm;
  readonly x: Tensor;
  readonly conv: ConvOp;
  readonly y: Tensor;
}

/** Depthwise convolution; `gated`: times silu of the second half of its channels. */
export interface DepthwiseOp {
  readonly type: 'depthwise';
  readonly label: string;
  readonly rect: Rect;
  readonly x: Tensor;
  readonly y: Tensor;
  readonly weight: MatrixSpec;
  readonly bias: AffineSpec | undefined;
  readonly kernel: number;
  readonly gated: boolean;
}

/** Grouped 1x1 convolution, one group per group of x's layout. */
export interface GroupedOp {
  readonly type: 'grouped';
  readonly label: string;
  readonly rect: Rect;
  readonly x: Tensor;
  readonly y: Tensor;
  readonly weight: MatrixSpec;
}

/**
 * One multi-scale branch over qkv: a depthwise convolution, then a 1x1 convolution within each group of x's layout, in one pass. Source:
 * diffusers `SanaMultiscaleAttentionProjection`.
 */
export interface MultiscaleOp {
  readonly type: 'multiscale';
  readonly label: string;
  readonly rect: Rect;
  readonly x: Tensor;
  readonly y: Tensor;
  readonly depthwise: MatrixSpec;
  readonly weight: MatrixSpec;
  readonly kernel: number;
}

/** What attention works on at once: qkv, and a multi-scale branch of it, of the same shape. Their heads lie one after the other. */
export type Branches = readonly [Tensor, Tensor | undefined];

/**
 * Linear attention, first pass: to partial sums `[spans, n * heads, 4 headQuads + 1, headDim]`. A span is `spanRows` whole rows of the image,
 * so that the same tokens are summed in the same order whatever regions they come in; `rect` is of qkv and holds whole spans.
 */
export interface AttentionSumsOp {
  readonly type: 'attention-sums';
  readonly label: string;
  readonly rect: Rect;
  readonly branches: Branches;
  readonly y: Tensor;
  readonly spanRows: number;
}

/** Linear attention, between the passes: partial sums added in their order. */
export interface AttentionReduceOp {
  readonly type: 'attention-reduce';
  readonly label: string;
  readonly rect: Rect;
  readonly x: Tensor;
  readonly y: Tensor;
}

/** Linear attention, second pass, into the heads of `y` from `firstHead` on; what is left of the sums' spans it adds itself. */
export interface AttentionApplyOp {
  readonly type: 'attention-apply';
  readonly label: string;
  readonly rect: Rect;
  readonly branches: Branches;
  readonly sums: Tensor;
  readonly y: Tensor;
  readonly firstHead: number;
}

/** Attention in its quadratic form, into the heads of `y` from `firstHead` on. */
export interface AttentionQuadraticOp {
  readonly type: 'attention-quadratic';
  readonly label: string;
  readonly rect: Rect;
  readonly branches: Branches;
  readonly y: Tensor;
  readonly firstHead: number;
}

/** RMSNorm over channels, then an activation, then a residual. */
export interface RMSNormOp {
  readonly type: 'rms-norm';
  readonly label: string;
  readonly rect: Rect;
  readonly x: Tensor;
  readonly y: Tensor;
  readonly affine: AffineSpec;
  readonly activation: ActivationName | undefined;
  readonly residual: Tensor | undefined;
}

/** The gather alone, then an affine map per channel and an activation: what convolutions otherwise have fused. */
export interface ResampleOp {
  readonly type: 'resample';
  readonly label: string;
  readonly rect: Rect;
  readonly x: Tensor;
  readonly y: Tensor;
  readonly gather: ChannelShuffle;
  readonly affine: AffineSpec | undefined;
  readonly activation: ActivationName | undefined;
}

/**
 * One step of a network on the GPU. `rect` is the rectangle of the image, at y's resolution, that it computes: all of it, or a region. A
 * pixel's value doesn't depend on the rectangle that it is computed in.
 */
export type Op =
  | ConvOp
  | WinogradWeightOp
  | WinogradInputOp
  | WinogradMultiplyOp
  | WinogradOutputOp
  | DepthwiseOp
  | GroupedOp
  | MultiscaleOp
  | AttentionSumsOp
  | AttentionReduceOp
  | AttentionApplyOp
  | AttentionQuadraticOp
  | RMSNormOp
  | ResampleOp;

/** The tensors that an op reads. */
export function inputs(op: Op): Tensor[] {
  switch (op.type) {
    case 'conv':
      return op.shortcut ? [op.x, op.shortcut.source] : [op.x];
    case 'winograd-weight':
      return [];
    case 'winograd-multiply':
      return [op.x, op.matrices];
    case 'winograd-output':
      return op.conv.shortcut ? [op.x, op.conv.shortcut.source] : [op.x];
    case 'rms-norm':
      return op.residual ? [op.x, op.residual] : [op.x];
    case 'attention-sums':
    case 'attention-quadratic':
      return tensorsOf(op.branches);
    case 'attention-apply':
      return [...tensorsOf(op.branches), op.sums];
    default:
      return [op.x];
  }
}

/** Branches as a list. */
export function tensorsOf([qkv, second]: Branches): Tensor[] {
  return second ? [qkv, second] : [qkv];
}

/**
 * The same op on other tensors, for another rectangle.
 *
 * @throws RangeError for the passes of a convolution that was taken apart, which is done last
 */
export function withTensors(op: Op, rect: Rect, replace: (tensor: Tensor) => Tensor): Op {
  const y = replace(op.y);
  const branches = ([first, second]: Branches): Branches => [replace(first), second && replace(second)];
  switch (op.type) {
    case 'conv': {
      const { shortcut } = op;
      const source = shortcut && { ...shortcut, source: replace(shortcut.source) };
      return { ...op, rect, x: replace(op.x), y, shortcut: source };
    }
    case 'rms-norm':
      return { ...op, rect, x: replace(op.x), y, residual: op.residual && replace(op.residual) };
    case 'attention-sums':
    case 'attention-quadratic':
      return { ...op, rect, branches: branches(op.branches), y };
    case 'attention-apply':
      return { ...op, rect, branches: branches(op.branches), sums: replace(op.sums), y };
    case 'winograd-weight':
    case 'winograd-input':
    case 'winograd-multiply':
    case 'winograd-output':
      throw new RangeError(`${op.label} was taken apart before it was cut`);
    default:
      return { ...op, rect, x: replace(op.x), y };
  }
}

/** The weights that an op reads. */
export function weightsOf(op: Op): (MatrixSpec | AffineSpec)[] {
  if (op.type === 'winograd-multiply') return [];
  if (op.type === 'winograd-output') return [op.conv.affine, op.conv.norm].filter((spec) => spec !== undefined);
  const specs: (MatrixSpec | AffineSpec | undefined)[] = [
    'weight' in op ? op.weight : undefined,
    'affine' in op ? op.affine : undefined,
    'bias' in op ? op.bias : undefined,
    'depthwise' in op ? op.depthwise : undefined,
    'norm' in op ? op.norm : undefined,
  ];
  return specs.filter((spec) => spec !== undefined);
}

/** The pixels of the convolution itself, before its store resamples them to `rect`. */
export function convRect({ rect, store }: Pick<ConvOp, 'rect' | 'store'>): Rect {
  return scaled(rect, store === 'shuffle' ? 0.5 : store === 'unshuffle' ? 2 : 1);
}
