import type { ActivationName, NormType } from '../config/config.ts';
import { conv2d, linear, norm, rmsNorm, type Conv2d, type Norm, type RMSNorm } from './layers.ts';

/** `x + norm(conv2(act(conv1(x))))`. Source: diffusers `ResBlock`. */
export interface ResBlock {
  readonly type: 'ResBlock';
  readonly conv1: Conv2d;
  readonly act: ActivationName;
  readonly conv2: Conv2d;
  readonly norm: Norm;
}

/**
 * One multi-scale branch of qkv: depthwise k x k, then 1x1 in groups of a head's q, k or v. Source: diffusers
 * `SanaMultiscaleAttentionProjection`.
 */
export interface MultiscaleProjection {
  readonly projIn: Conv2d;
  readonly projOut: Conv2d;
}

/**
 * ReLU linear attention with multi-scale branches (EfficientViT, arXiv 2205.14756, section 3.1).
 * Source: diffusers `SanaMultiscaleLinearAttention`.
 */
export interface Attention {
  readonly type: 'Attention';
  readonly heads: number;
  readonly headDim: number;
  /** to_q, to_k, to_v: together the channels of qkv. */
  readonly toQkv: readonly [Conv2d, Conv2d, Conv2d];
  readonly multiscale: readonly MultiscaleProjection[];
  readonly toOut: Conv2d;
  readonly normOut: Norm;
  readonly residual: boolean;
}

/** 1x1 to 8C, SiLU, depthwise 3x3, gate, 1x1 back to C, norm. Source: diffusers `GLUMBConv`. */
export interface GLUMBConv {
  readonly type: 'GLUMBConv';
  readonly convInverted: Conv2d;
  readonly convDepth: Conv2d;
  readonly convPoint: Conv2d;
  readonly norm: RMSNorm | undefined;
  readonly residual: boolean;
}

/** Attention, then GLUMBConv. Source: diffusers `EfficientViTBlock`. */
export interface EfficientViTBlock {
  readonly type: 'EfficientViTBlock';
  readonly attn: Attention;
  readonly convOut: GLUMBConv;
}

/**
 * Halves the size by a strided convolution, or by a convolution and a pixel unshuffle. The shortcut averages channels.
 * Source: diffusers `DCDownBlock2d`.
 */
export interface DCDownBlock2d {
  readonly type: 'DCDownBlock2d';
  readonly conv: Conv2d;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly unshuffle: boolean;
  readonly shortcut: boolean;
}

/**
 * Doubles the size by a nearest-neighbour upsampling and a convolution, or by a convolution and a pixel shuffle. The
 * shortcut repeats channels. Source: diffusers `DCUpBlock2d`.
 */
export interface DCUpBlock2d {
  readonly type: 'DCUpBlock2d';
  readonly conv: Conv2d;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly interpolate: boolean;
  readonly shortcut: boolean;
}

/** A block of a stage. */
export type Block = ResBlock | EfficientViTBlock | DCDownBlock2d | DCUpBlock2d;

/** A residual block of two 3x3 convolutions, the second without bias. */
export function resBlock(path: string, channels: number, normType: NormType, act: ActivationName): ResBlock {
  return {
    type: 'ResBlock',
    conv1: conv2d(`${path}.conv1`, channels, channels),
    act,
    conv2: conv2d(`${path}.conv2`, channels, channels, { bias: false }),
    norm: norm(normType, `${path}.norm`, channels),
  };
}

/** Multi-head ReLU attention of `floor(channels / headDim)` heads; the inner width may be below `channels`. */
export function attention(
  path: string,
  channels: number,
  headDim: number,
  kernels: readonly number[],
  normType: NormType,
  residual = true,
): Attention {
  const heads = Math.floor(channels / headDim);
  const inner = heads * headDim;
  const branch = (i: number, kernel: number): MultiscaleProjection => ({
    projIn: conv2d(`${path}.to_qkv_multiscale.${i}.proj_in`, 3 * inner, 3 * inner, {
      kernel,
      groups: 3 * inner,
      bias: false,
    }),
    projOut: conv2d(`${path}.to_qkv_multiscale.${i}.proj_out`, 3 * inner, 3 * inner, {
      kernel: 1,
      groups: 3 * heads,
      bias: false,
    }),
  });
  return {
    type: 'Attention',
    heads,
    headDim,
    toQkv: [
      linear(`${path}.to_q`, channels, inner),
      linear(`${path}.to_k`, channels, inner),
      linear(`${path}.to_v`, channels, inner),
    ],
    multiscale: kernels.map((kernel, i) => branch(i, kernel)),
    toOut: linear(`${path}.to_out`, inner * (1 + kernels.length), channels),
    normOut: norm(normType, `${path}.norm_out`, channels),
    residual,
  };
}

/** The gated feed-forward of an EfficientViT block, expansion ratio 4. */
export function glumbConv(path: string, channels: number, normed = true, residual = true): GLUMBConv {
  const hidden = 4 * channels;
  return {
    type: 'GLUMBConv',
    convInverted: conv2d(`${path}.conv_inverted`, channels, 2 * hidden, { kernel: 1 }),
    convDepth: conv2d(`${path}.conv_depth`, 2 * hidden, 2 * hidden, { groups: 2 * hidden }),
    convPoint: conv2d(`${path}.conv_point`, hidden, channels, { kernel: 1, bias: false }),
    norm: normed ? rmsNorm(`${path}.norm`, channels) : undefined,
    residual,
  };
}

/** Attention and GLUMBConv; `normType` is attention's alone, GLUMBConv's norm is always RMSNorm. */
export function efficientViTBlock(
  path: string,
  channels: number,
  headDim: number,
  kernels: readonly number[],
  normType: NormType,
): EfficientViTBlock {
  return {
    type: 'EfficientViTBlock',
    attn: attention(`${path}.attn`, channels, headDim, kernels, normType),
    convOut: glumbConv(`${path}.conv_out`, channels),
  };
}

/** A downsampling block; with `unshuffle` the convolution has a quarter of the output channels at full size. */
export function dcDownBlock2d(
  path: string,
  inChannels: number,
  outChannels: number,
  unshuffle: boolean,
  shortcut: boolean,
): DCDownBlock2d {
  const conv = unshuffle
    ? conv2d(`${path}.conv`, inChannels, outChannels / 4)
    : conv2d(`${path}.conv`, inChannels, outChannels, { stride: 2 });
  return { type: 'DCDownBlock2d', conv, inChannels, outChannels, unshuffle, shortcut };
}

/** An upsampling block; without `interpolate` the convolution has four times the output channels at the small size. */
export function dcUpBlock2d(
  path: string,
  inChannels: number,
  outChannels: number,
  interpolate: boolean,
  shortcut: boolean,
): DCUpBlock2d {
  const conv = conv2d(`${path}.conv`, inChannels, interpolate ? outChannels : 4 * outChannels);
  return { type: 'DCUpBlock2d', conv, inChannels, outChannels, interpolate, shortcut };
}
