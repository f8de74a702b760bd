/** The model of a quantised latent: how likely each integer is, given those around it. Integers only, so that it is the same everywhere. */
import type { BitCoder } from './range_coder.ts';
import type { Pace } from './pace.ts';

/** Integers `[channels, height, width]` of one picture. */
export interface Levels {
  readonly data: Int32Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Where the bits of an encoder go: called for every integer with its position, its channel and what it took. */
export type Spend = (position: number, channel: number, bits: number) => void;

const CONTEXTS = 12;
const UNARY = 14;

/**
 * Codes a picture's integers, in either direction: an encoder reads `data`, a decoder fills it.
 *
 * @param spend - hears of every integer's bits
 */
export async function codeLevels(coder: BitCoder, levels: Levels, pace: Pace, spend?: Spend): Promise<void> {
  const { data, channels, height, width } = levels;
  const area = height * width;
  const model = new Uint16Array((channels + 1) * CONTEXTS * (UNARY + 1)).fill(32768);
  const bit = (own: number, all: number, value: number): number => {
    const a = model[own] ?? 0;
    const b = model[all] ?? 0;
    const p = Math.min(65500, Math.max(36, (a + b) >>> 1));
    const coded = coder.code(p, value);
    model[own] = coded === 1 ? a + ((65535 - a) >> 4) : a - (a >> 4);
    model[all] = coded === 1 ? b + ((65535 - b) >> 5) : b - (b >> 5);
    return coded;
  };
  const at = (c: number, y: number, x: number): number =>
    y < 0 || x < 0 || x >= width || c < 0 ? 0 : Math.abs(data[c * area + y * width + x] ?? 0);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const index = c * area + y * width + x;
        const start = coder.spent;
        const sum = 2 * at(c, y, x - 1) + 2 * at(c, y - 1, x) + at(c, y - 1, x - 1) + at(c, y - 1, x + 1);
        const context = Math.min(CONTEXTS - 1, sum < 6 ? sum : 3 + Math.floor(Math.log2(sum)));
        const own = ((c + 1) * CONTEXTS + context) * (UNARY + 1);
        const all = context * (UNARY + 1);
        const value = data[index] ?? 0;
        const magnitude = Math.abs(value);
        let coded = 0;
        while (coded < UNARY && bit(own + coded, all + coded, magnitude > coded ? 1 : 0) === 1) coded++;
        if (coded === UNARY) coded += codeRest(coder, magnitude - UNARY);
        if (coded > 0) data[index] = coder.code(32768, value < 0 ? 1 : 0) === 1 ? -coded : coded;
        else data[index] = 0;
        spend?.(y * width + x, c, coder.spent - start);
      }
    }
    await pace((y + 1) / height);
  }
}

/** Exp-Golomb, for what is too rare to be learnt. */
function codeRest(coder: BitCoder, value: number): number {
  let bits = 0;
  while (bits < 24 && coder.code(32768, (value + 1) >>> (bits + 1) > 0 ? 1 : 0) === 1) bits++;
  let coded = 1;
  for (let i = bits - 1; i >= 0; i--) coded = 2 * coded + coder.code(32768, ((value + 1) >>> i) & 1);
  return coded - 1;
}
