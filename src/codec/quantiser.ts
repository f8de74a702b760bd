/** Quantisation. The header holds all that a reader needs; steps and rounding are the writer's choice. */
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { ModelFingerprint, PlainLatent } from './types.ts';

/** The quantiser in a header. */
export interface CodedQuantiser {
  /** The quality that the writer was asked for, 1 to 100. Decoding does not use it. */
  readonly quality: number;
  /**
   * Reconstruction offsets of integers of size 1, of size 2, and of larger ones: added to the size, away from zero, in
   * 256ths of a step, -128 to 127.
   */
  readonly offsets: readonly number[];
  /** The step of each coded channel, as an index for `stepOf`. */
  readonly steps: readonly number[];
}

const OFFSETS = 3;
/** Larger integers are clipped to this. */
const MAX_LEVEL = 2 ** 20;

/** Added before rounding down. Below 0.5, because smaller integers take fewer bits; the best of measured values. */
const ROUNDING = 0.42;
/**
 * Channels with large and smooth content get finer steps: an error there is seen over a large area. On the nano
 * checkpoint, the picture's squared error per squared error of a channel is 4 for channels without correlation between
 * neighbours. It grows with the channel's correlation and size, up to 33.
 */
const SMOOTHNESS = 5;
/** The finest step, as a factor. */
const FINEST = 1 / 4;

/** 2^(i/8) in f32. */
const EIGHTHS = [1, 1.0905077, 1.1892071, 1.2968396, 1.4142135, 1.5422108, 1.6817929, 1.8340081].map(Math.fround);

/** Returns the step with an index from 0 to 255: 2^((index - 160) / 8), from 1e-6 to 3700. */
export function stepOf(index: number): number {
  return Math.fround((EIGHTHS[index % 8] ?? 1) * 2 ** (Math.floor(index / 8) - 20));
}

function indexOf(step: number): number {
  return Math.min(255, Math.max(0, Math.round(8 * Math.log2(step)) + 160));
}

/** Writes a quantiser. Steps that are all the same are written once. */
export function writeQuantiser(body: ByteWriter, { quality, offsets, steps }: CodedQuantiser): void {
  body.u8(quality);
  for (const offset of offsets) body.u8(offset & 255);
  const isUniform = steps.every((step) => step === steps[0]);
  body.block(Uint8Array.from(isUniform ? steps.slice(0, 1) : steps));
}

/**
 * Reads a quantiser.
 *
 * @param coded - the number of coded channels
 * @param version - version 1 has a step for each channel
 */
export function readQuantiser(body: ByteReader, coded: number, version: number): CodedQuantiser {
  const quality = body.u8();
  if (quality < 1 || quality > 100) throw body.damaged(`quality is ${quality}; it must be 1 to 100`);
  const offsets = Array.from(body.raw(OFFSETS), (byte) => (byte << 24) >> 24);
  const steps = version === 1 ? body.raw(coded) : body.block('the steps', coded);
  if (steps.length === coded) return { quality, offsets, steps: Array.from(steps) };
  const [step] = steps;
  if (steps.length !== 1 || step === undefined) {
    throw body.damaged(`there are ${steps.length} steps for ${coded} channels`);
  }
  return { quality, offsets, steps: Array.from({ length: coded }, () => step) };
}

/** The numbers of a latent, `[N, C, h, w]`. */
type Planes = Pick<PlainLatent, 'shape'> & { readonly data: Float32Array };

/** A quantised latent. */
export interface QuantisedLatent {
  readonly quantiser: CodedQuantiser;
  /** The channels with an integer that is not zero, in ascending order. */
  readonly coded: readonly number[];
  /** The integers of these channels, `[N, h, w, coded]`. */
  readonly levels: Int32Array;
}

/**
 * Quantises the first channels of a latent.
 *
 * @param quality - 1 to 100
 * @param config - of the model that encoded it
 * @param kept - the number of first channels
 */
export function quantise(
  latent: Planes,
  quality: number,
  config: ModelFingerprint['config'],
  kept: number,
): QuantisedLatent {
  const { data, shape } = latent;
  const [n, channels, height, width] = shape;
  const area = height * width;
  const indices = Array.from({ length: kept }, (_, c) => indexOf(stepFor(latent, c, quality, config)));
  const coded = [...indices.keys()].filter((c) => largest(latent, c) / stepOf(indices[c] ?? 0) + ROUNDING >= 1);
  const steps = coded.map((c) => indices[c] ?? 0);
  const levels = new Int32Array(n * area * coded.length);
  const sums = new Float64Array(OFFSETS);
  const counts = new Float64Array(OFFSETS);
  coded.forEach((c, j) => {
    const step = stepOf(steps[j] ?? 0);
    for (let i = 0; i < n; i++) {
      const plane = (i * channels + c) * area;
      for (let k = 0; k < area; k++) {
        const scaled = (data[plane + k] ?? 0) / step;
        const size = Math.min(MAX_LEVEL, Math.floor(Math.abs(scaled) + ROUNDING));
        if (size === 0) continue;
        const group = Math.min(size, OFFSETS) - 1;
        sums[group] = (sums[group] ?? 0) + Math.abs(scaled) - size;
        counts[group] = (counts[group] ?? 0) + 1;
        levels[(i * area + k) * coded.length + j] = scaled < 0 ? -size : size;
      }
    }
  });
  // Each group of integers is reconstructed at the mean of the numbers that were rounded to it.
  const offsets = Array.from(sums, (sum, group) => {
    const mean = sum / Math.max(1, counts[group] ?? 0);
    return Math.max(-128, Math.min(127, Math.round(256 * mean)));
  });
  return { quantiser: { quality, offsets, steps }, coded, levels };
}

/** Returns the step of a channel. */
function stepFor(latent: Planes, channel: number, quality: number, config: ModelFingerprint['config']): number {
  const { scalingFactor, uniformQuantiserStep } = config;
  const factor = 2 ** ((50 - quality) / 20);
  if (uniformQuantiserStep !== undefined) return factor * uniformQuantiserStep;
  const { correlation, deviation } = statistics(latent, channel);
  const detail = 1 + SMOOTHNESS * Math.max(0, correlation) * deviation * scalingFactor;
  return (factor / 2 / scalingFactor) * Math.max(FINEST, detail ** -0.5);
}

/** Returns the largest size of a channel's numbers. */
function largest({ data, shape: [n, channels, height, width] }: Planes, channel: number): number {
  const area = height * width;
  let size = 0;
  for (let i = 0; i < n; i++) {
    const plane = (i * channels + channel) * area;
    for (let k = plane; k < plane + area; k++) size = Math.max(size, Math.abs(data[k] ?? 0));
  }
  return size;
}

/**
 * Turns integers, `[h, w, coded]`, into numbers, `[C, h, w]`. Channels that are not coded stay as they are.
 *
 * @param coded - the channels of the integers
 */
export function dequantise(
  levels: Int32Array,
  { offsets, steps }: CodedQuantiser,
  coded: readonly number[],
  planes: Float32Array,
): void {
  const area = levels.length / coded.length;
  coded.forEach((c, j) => {
    const step = stepOf(steps[j] ?? 0);
    for (let k = 0; k < area; k++) {
      const level = levels[k * coded.length + j] ?? 0;
      const size = Math.abs(level);
      const value = size === 0 ? 0 : (size + (offsets[Math.min(size, OFFSETS) - 1] ?? 0) / 256) * step;
      planes[c * area + k] = level < 0 ? -value : value;
    }
  });
}

/** Returns the correlation between neighbours of a channel, and its standard deviation. */
function statistics({ data, shape }: Planes, channel: number): { correlation: number; deviation: number } {
  const [n, channels, height, width] = shape;
  const area = height * width;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const plane = (i * channels + channel) * area;
    for (let k = plane; k < plane + area; k++) sum += data[k] ?? 0;
  }
  const mean = sum / (n * area);
  let squares = 0;
  let products = 0;
  for (let i = 0; i < n; i++) {
    let k = (i * channels + channel) * area;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, k++) {
        const value = (data[k] ?? 0) - mean;
        squares += value * value;
        if (x > 0) products += value * ((data[k - 1] ?? 0) - mean);
        if (y > 0) products += value * ((data[k - width] ?? 0) - mean);
      }
    }
  }
  const pairs = n * (height * (width - 1) + (height - 1) * width);
  const variance = squares / (n * area);
  return {
    correlation: variance > 0 && pairs > 0 ? products / pairs / variance : 0,
    deviation: Math.sqrt(variance),
  };
}
