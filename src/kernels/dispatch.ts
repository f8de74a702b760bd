import type { ActivationName } from '../config/config.ts';
import type { Constants, Shader } from '../gpu/pipelines.ts';
import { shuffleScale, type ChannelShuffle } from '../graph/ops.ts';
import { scaled, type Rect } from '../graph/rects.ts';
import { quadsOf, type Tensor } from '../graph/tensor.ts';
import type { AffineSpec, MatrixSpec } from '../graph/weights.ts';
import type { ChannelShuffleParams, View } from './struct.ts';

/** A buffer that a dispatch binds: a tensor, one slice of a weight, or nothing (a binding that this variant leaves unread). */
export type Resource =
  | { readonly kind: 'tensor'; readonly tensor: Tensor }
  | { readonly kind: 'weight'; readonly spec: MatrixSpec | AffineSpec; readonly slice: number }
  | { readonly kind: 'none' };

/** One `dispatchWorkgroups` with all that it needs; the last binding is the uniform with its params. */
export interface Dispatch {
  readonly label: string;
  readonly shader: Shader;
  readonly constants: Constants;
  readonly resources: readonly Resource[];
  readonly params: ArrayBuffer;
  /** Workgroups. */
  readonly grid: readonly [number, number, number];
}

/** Threads of a workgroup. */
export const WORKGROUP = 64;

/** A tensor as a binding. */
export function tensorResource(tensor: Tensor): Resource {
  return { kind: 'tensor', tensor };
}

/** A weight as a binding. */
export function weightResource(spec: MatrixSpec | AffineSpec, slice = 0): Resource {
  return { kind: 'weight', spec, slice };
}

/** A binding that the shader's variant doesn't read. */
export const NONE: Resource = { kind: 'none' };

/**
 * A tensor as a shader sees it from the op's pixel (0, 0) on, which is the image's pixel `at`. `padding` moves that corner up and left;
 * `upsample`: pixels, those of `at` too, count in a nearest x2 upsampling of the tensor.
 */
export function view(
  tensor: Tensor,
  options: { at?: Pick<Rect, 'y' | 'x'>; padding?: number; quad?: number; upsample?: boolean } = {},
): View {
  const { at = tensor.origin, padding = 0, quad = 0, upsample = false } = options;
  const scale = upsample ? 2 : 1;
  return {
    height: tensor.height,
    width: tensor.width,
    quads: quadsOf(tensor.layout),
    quad,
    y: at.y - padding - scale * tensor.origin.y,
    x: at.x - padding - scale * tensor.origin.x,
  };
}

/** The source of a gather into `rect`. */
export function shuffleView(source: Tensor, gather: ChannelShuffle, rect: Rect): View {
  return view(source, { at: scaled(rect, shuffleScale(gather)) });
}

/** A gather into a tensor of `channels` channels. */
export function shuffleParams(gather: ChannelShuffle, channels: number): ChannelShuffleParams {
  return { ...gather, plain: isPlain(gather), channels };
}

/** Whether a gather takes every value from its own place. */
export function isPlain({ repeats, group, shuffle, unshuffle, nearest }: ChannelShuffle): boolean {
  return repeats === 1 && group === 1 && !shuffle && !unshuffle && !nearest;
}

/** The kind of shaders/activation.wgsl. */
export function activationCode(activation: ActivationName | undefined): number {
  return activation === undefined ? 0 : { relu: 1, silu: 2, gelu: 3, mish: 4 }[activation];
}

/** Workgroups for `threads` threads. */
export function groups(threads: number): number {
  return Math.ceil(threads / WORKGROUP);
}
