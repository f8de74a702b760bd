import type { ActivationName } from '../config/config.ts';
import type { Constants, Shader } from '../gpu/pipelines.ts';
import { shuffleScale, type ChannelShuffle } from '../graph/ops.ts';
import { scaled, type Rect } from '../graph/rects.ts';
import { quadsOf, type Tensor } from '../graph/tensor.ts';
import type { AffineSpec, MatrixSpec } from '../graph/weights.ts';
import type { ChannelShuffleParams, View } from './struct.ts';

/**
 * A buffer that a dispatch binds: a tensor, one slice of a weight, or none if the variant does not read the binding.
 */
export type Resource =
  | { readonly kind: 'tensor'; readonly tensor: Tensor }
  | { readonly kind: 'weight'; readonly spec: MatrixSpec | AffineSpec; readonly slice: number }
  | { readonly kind: 'none' };

/** One `dispatchWorkgroups` with its shader, buffers and params. The last binding is the uniform with the params. */
export interface Dispatch {
  readonly label: string;
  readonly shader: Shader;
  readonly constants: Constants;
  readonly resources: readonly Resource[];
  readonly params: ArrayBuffer;
  /** Workgroups. */
  readonly grid: readonly [number, number, number];
}

/** Threads of a workgroup, as in every shader. */
export const WORKGROUP = 64;

/** A tensor as a binding. */
export function tensorResource(tensor: Tensor): Resource {
  return { kind: 'tensor', tensor };
}

/** A weight as a binding. */
export function weightResource(spec: MatrixSpec | AffineSpec, slice = 0): Resource {
  return { kind: 'weight', spec, slice };
}

/** A binding that the shader's variant does not read. */
export const NONE: Resource = { kind: 'none' };

/**
 * The View of a tensor from the op's pixel (0, 0), which is the image's pixel `at`. `padding` moves this corner up and
 * left. With `upsample`, pixels (also those of `at`) are counted in a nearest x2 upsampling of the tensor.
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

/** The View of the source of a ChannelShuffle that writes `rect`. */
export function shuffleView(source: Tensor, shuffle: ChannelShuffle, rect: Rect): View {
  return view(source, { at: scaled(rect, shuffleScale(shuffle)) });
}

/** The params of a ChannelShuffle that writes a tensor of `channels` channels. */
export function shuffleParams(shuffle: ChannelShuffle, channels: number): ChannelShuffleParams {
  const { repeats, group, pixelShuffle, pixelUnshuffle, upsampleNearest } = shuffle;
  return {
    repeats,
    group,
    shuffle: pixelShuffle,
    unshuffle: pixelUnshuffle,
    nearest: upsampleNearest,
    plain: isPlain(shuffle),
    channels,
  };
}

/** Whether a ChannelShuffle copies every value from the same position. */
function isPlain({ repeats, group, pixelShuffle, pixelUnshuffle, upsampleNearest }: ChannelShuffle): boolean {
  return repeats === 1 && group === 1 && !pixelShuffle && !pixelUnshuffle && !upsampleNearest;
}

/** The codes of activations in shaders/activation.wgsl; 0: none. */
export const ACTIVATION: Readonly<Record<ActivationName, number>> = { relu: 1, silu: 2, gelu: 3, mish: 4 };

/** The code of an activation in shaders/activation.wgsl. */
export function activationCode(activation: ActivationName | undefined): number {
  return activation === undefined ? 0 : ACTIVATION[activation];
}

/** Workgroups for `threads` threads. */
export function groups(threads: number): number {
  return Math.ceil(threads / WORKGROUP);
}
