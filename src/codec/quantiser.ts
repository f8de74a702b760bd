/** Numbers to integers and back. Encoders decide freely how to round; what the integers mean is in the header. */
import type { ByteReader, ByteWriter } from './bytes.ts';

/** A quantiser as a header has it. */
export interface CodedQuantiser {
  /** 1 to 100: what the writer asked for; nothing depends on it. */
  readonly quality: number;
  /** For each channel the step, as its index in the scale of `stepOf`. */
  readonly steps: readonly number[];
}

/** Integers are kept to this size. */
export const MAX_LEVEL = 2 ** 20;

/** 2^(i/8) in f32. */
const EIGHTHS = [1, 1.0905077, 1.1892071, 1.2968396, 1.4142135, 1.5422108, 1.6817929, 1.8340081].map(Math.fround);

/** The step with this index, 0 to 255: 2^((index - 160) / 8), from 1e-6 to 3700. */
export function stepOf(index: number): number {
  return Math.fround((EIGHTHS[index % 8] ?? 1) * 2 ** (Math.floor(index / 8) - 20));
}

/** The index of the step that is nearest to `step`. */
export function stepIndex(step: number): number {
  return Math.min(255, Math.max(0, Math.round(8 * Math.log2(step)) + 160));
}

/** Writes a quantiser. */
export function writeQuantiser(body: ByteWriter, { quality, steps }: CodedQuantiser): void {
  body.u8(quality);
  for (const step of steps) body.u8(step);
}

/** Reads the quantiser of so many channels. */
export function readQuantiser(body: ByteReader, channels: number): CodedQuantiser {
  const quality = body.u8();
  if (quality < 1 || quality > 100) throw body.damaged(`quality is ${quality}, and may be 1 to 100`);
  return { quality, steps: Array.from(body.raw(channels)) };
}

/**
 * The quantiser for a quality.
 *
 * @param quality - 1 to 100
 * @param scalingFactor - the checkpoint's: 1 over the root mean square of its latents
 */
export function chooseQuantiser(quality: number, scalingFactor: number, channels: number): CodedQuantiser {
  const step = 2 ** ((50 - quality) / 20 - 1) / scalingFactor;
  return { quality, steps: Array.from({ length: channels }, () => stepIndex(step)) };
}

/** Rounds a plane. */
export function quantise(plane: Float32Array, stepIndex: number, levels: Int32Array): void {
  const step = stepOf(stepIndex);
  for (let i = 0; i < plane.length; i++) {
    const scaled = (plane[i] ?? 0) / step;
    const level = Math.floor(Math.abs(scaled) + 0.42);
    levels[i] = Math.sign(scaled) * Math.min(level, MAX_LEVEL);
  }
}

/** The numbers that integers stand for. */
export function dequantise(levels: Int32Array, stepIndex: number, plane: Float32Array): void {
  const step = stepOf(stepIndex);
  for (let i = 0; i < levels.length; i++) plane[i] = (levels[i] ?? 0) * step;
}
