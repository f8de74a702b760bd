// The network's operations in plain TypeScript and double precision, in [N, C, H, W]. Tests compare kernels with them
// on sizes and channel counts that no fixture has. Clear rather than fast.
import type { ActivationName } from '../../src/config/config.ts';
import type { ChannelShuffle } from '../../src/graph/ops.ts';

/** Numbers in the order of `shape`. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

type Shape4 = readonly [number, number, number, number];

const sizes = ({ shape }: Numbers): Shape4 => shape as Shape4;

/** A tensor whose values `value` returns for their positions. */
function fill(shape: Shape4, value: (n: number, c: number, y: number, x: number) => number): Numbers {
  const [count, channels, height, width] = shape;
  const data = new Float64Array(count * channels * height * width);
  let i = 0;
  for (let n = 0; n < count; n++)
    for (let c = 0; c < channels; c++)
      for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data[i++] = value(n, c, y, x);
  return { shape, data };
}

/** The value at a position; zero outside the image. */
function at({ shape, data }: Numbers, n: number, c: number, y: number, x: number): number {
  const [, channels, height, width] = shape as Shape4;
  if (y < 0 || y >= height || x < 0 || x >= width) return 0;
  return data[((n * channels + c) * height + y) * width + x]!;
}

/** `torch.nn.functional.conv2d`. `weight`: `[out, in / groups, k, k]`; depthwise if each channel is a group. */
export function conv(
  x: Numbers,
  weight: Numbers,
  options: { bias?: Numbers; stride?: number; padding?: number; groups?: number } = {},
): Numbers {
  const { bias, stride = 1, padding = 0, groups = 1 } = options;
  const [n, , height, width] = sizes(x);
  const [out, perGroup, kernel] = sizes(weight);
  const size = (side: number): number => Math.floor((side + 2 * padding - kernel) / stride) + 1;
  return fill([n, out, size(height), size(width)], (b, o, oy, ox) => {
    const first = Math.floor(o / (out / groups)) * perGroup;
    let sum = bias?.data[o] ?? 0;
    for (let i = 0; i < perGroup; i++)
      for (let ky = 0; ky < kernel; ky++)
        for (let kx = 0; kx < kernel; kx++) {
          const value = at(x, b, first + i, oy * stride + ky - padding, ox * stride + kx - padding);
          sum += value * at(weight, o, i, ky, kx);
        }
    return sum;
  });
}

/** Maps each value. */
export function map(x: Numbers, f: (value: number) => number): Numbers {
  return { shape: x.shape, data: Float64Array.from(x.data, f) };
}

/** The sum of two tensors of one shape. */
export function add(a: Numbers, b: Numbers): Numbers {
  return { shape: a.shape, data: Float64Array.from(a.data, (value, i) => value + b.data[i]!) };
}

/** `torch.nn.functional`'s activation of this name; gelu is the exact one. */
export function activate(x: Numbers, name: ActivationName | undefined): Numbers {
  const silu = (v: number): number => v / (1 + Math.exp(-v));
  switch (name) {
    case 'relu':
      return map(x, (v) => Math.max(v, 0));
    case 'silu':
      return map(x, silu);
    case 'gelu':
      return map(x, (v) => 0.5 * v * erfc(-v * Math.SQRT1_2));
    case 'mish':
      return map(x, (v) => v * Math.tanh(Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)))));
    case undefined:
      return x;
  }
}

/** 1 - erf(v), to double precision: erf's series near zero, erfc's continued fraction further out. */
export function erfc(v: number): number {
  const size = Math.abs(v);
  if (size < 2) {
    let term = v;
    let sum = v;
    for (let k = 1; Math.abs(term) > 1e-18 * Math.abs(sum); k++) {
      term *= (-v * v) / k;
      sum += term / (2 * k + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = size;
  for (let k = 60; k >= 1; k--) fraction = size + k / 2 / fraction;
  const tail = Math.exp(-size * size) / (Math.sqrt(Math.PI) * fraction);
  return v > 0 ? tail : 2 - tail;
}

/** RMS norm over channels. */
export function rmsNorm(x: Numbers, weight: Numbers, bias?: Numbers, eps = 1e-5): Numbers {
  const [, channels] = sizes(x);
  return fill(sizes(x), (n, c, y, col) => {
    let squares = 0;
    for (let i = 0; i < channels; i++) squares += at(x, n, i, y, col) ** 2;
    return (at(x, n, c, y, col) / Math.sqrt(squares / channels + eps)) * weight.data[c]! + (bias?.data[c] ?? 0);
  });
}

/** Batch norm with running statistics. */
export function batchNorm(
  x: Numbers,
  { weight, bias, mean, variance }: Readonly<Record<'weight' | 'bias' | 'mean' | 'variance', Numbers>>,
  eps = 1e-5,
): Numbers {
  return fill(sizes(x), (n, c, y, col) => {
    const normed = (at(x, n, c, y, col) - mean.data[c]!) / Math.sqrt(variance.data[c]! + eps);
    return normed * weight.data[c]! + bias.data[c]!;
  });
}

/** `torch.nn.PixelShuffle(2)`. */
export function pixelShuffle(x: Numbers): Numbers {
  const [n, c, height, width] = sizes(x);
  return fill([n, c / 4, 2 * height, 2 * width], (b, o, y, col) =>
    at(x, b, 4 * o + 2 * (y % 2) + (col % 2), Math.floor(y / 2), Math.floor(col / 2)),
  );
}

/** `torch.nn.PixelUnshuffle(2)`. */
export function pixelUnshuffle(x: Numbers): Numbers {
  const [n, c, height, width] = sizes(x);
  return fill([n, 4 * c, height / 2, width / 2], (b, o, y, col) =>
    at(x, b, Math.floor(o / 4), 2 * y + (Math.floor(o / 2) % 2), 2 * col + (o % 2)),
  );
}

/** Each pixel as a block of 2 x 2. */
export function nearestUp2(x: Numbers): Numbers {
  const [n, c, height, width] = sizes(x);
  return fill([n, c, 2 * height, 2 * width], (b, o, y, col) => at(x, b, o, Math.floor(y / 2), Math.floor(col / 2)));
}

/** The mean of each run of `group` consecutive channels. */
export function averageChannels(x: Numbers, group: number): Numbers {
  const [n, c, height, width] = sizes(x);
  return fill([n, c / group, height, width], (b, o, y, col) => {
    let sum = 0;
    for (let i = 0; i < group; i++) sum += at(x, b, o * group + i, y, col);
    return sum / group;
  });
}

/** Each channel `repeats` times in a row. */
export function repeatChannels(x: Numbers, repeats: number): Numbers {
  const [n, c, height, width] = sizes(x);
  return fill([n, c * repeats, height, width], (b, o, y, col) => at(x, b, Math.floor(o / repeats), y, col));
}

/** The graph's `ChannelShuffle`, step by step. */
export function channelShuffle(
  x: Numbers,
  { upsampleNearest: nearest, pixelUnshuffle: unshuffle, group, repeats, pixelShuffle: shuffle }: ChannelShuffle,
): Numbers {
  let y = x;
  if (nearest) y = nearestUp2(y);
  if (unshuffle) y = pixelUnshuffle(y);
  y = repeatChannels(averageChannels(y, group), repeats);
  return shuffle ? pixelShuffle(y) : y;
}

/** The channels of several tensors, one after the other. */
export function concat(parts: readonly Numbers[]): Numbers {
  const [n, , height, width] = sizes(parts[0]!);
  const owners = parts.flatMap((part) => Array.from({ length: sizes(part)[1] }, (_, channel) => ({ part, channel })));
  return fill([n, owners.length, height, width], (b, c, y, col) => {
    const { part, channel } = owners[c]!;
    return at(part, b, channel, y, col);
  });
}

/**
 * ReLU attention over pixels in quadratic form. `qkv`: for each head, `headDim` channels of q, of k, of v. The linear
 * form is the same function: (sum over keys of relu(q).relu(k) v) / (sum over keys of relu(q).relu(k) + 1e-15).
 */
export function attend(qkv: Numbers, headDim: number): Numbers {
  const [n, channels, height, width] = sizes(qkv);
  const heads = channels / (3 * headDim);
  const tokens = height * width;
  const value = (b: number, c: number, token: number): number => qkv.data[(b * channels + c) * tokens + token]!;
  const data = new Float64Array(n * heads * headDim * tokens);
  for (let b = 0; b < n; b++)
    for (let head = 0; head < heads; head++) {
      const first = 3 * headDim * head;
      for (let t = 0; t < tokens; t++) {
        const sum = new Float64Array(headDim);
        let norm = 1e-15;
        for (let s = 0; s < tokens; s++) {
          let score = 0;
          for (let i = 0; i < headDim; i++)
            score += Math.max(value(b, first + i, t), 0) * Math.max(value(b, first + headDim + i, s), 0);
          for (let i = 0; i < headDim; i++) sum[i]! += score * value(b, first + 2 * headDim + i, s);
          norm += score;
        }
        for (let i = 0; i < headDim; i++) data[((b * heads + head) * headDim + i) * tokens + t] = sum[i]! / norm;
      }
    }
  return { shape: [n, heads * headDim, height, width], data };
}
