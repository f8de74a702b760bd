/** The model of exact numbers. Each is coded as the difference between its bits and a neighbour's, without loss. */
import { SQUASH } from './logistic.ts';
import type { Levels, Spent } from './levels.ts';
import type { Pace } from './pace.ts';
import type { BitCoder } from './range_coder.ts';

/** The length of a difference in bits, 0 to 32, takes six decisions. Each depends on those before it. */
const LENGTH_BITS = 6;
/** Adaptive probabilities follow a decision by 1/32 and have the same limits as the mixer's. */
const RATE = 5;
const [MIN_PROBABILITY, MAX_PROBABILITY] = [SQUASH[1] ?? 1, SQUASH[4095] ?? 65535];

/** The model of one file's numbers. It keeps learning from picture to picture of a batch. */
export class WordModel {
  readonly #bits: 16 | 32;
  /** The length of each channel's last difference. */
  readonly #last: Uint8Array;
  /** A tree of probabilities for each such length. */
  readonly #trees = new Uint16Array(33 << LENGTH_BITS).fill(32768);

  /** @param bits - bits of a number */
  constructor(channels: number, bits: 16 | 32) {
    this.#bits = bits;
    this.#last = new Uint8Array(channels);
  }

  /**
   * Codes a picture's numbers in either direction: an encoder reads `data`, a decoder fills it.
   *
   * @param words - the bits of the numbers
   * @param spent - receives the bits that every number takes
   */
  async code(coder: BitCoder, { data, channels, height, width }: Levels, pace: Pace, spent?: Spent): Promise<void> {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const position = y * width + x;
        const neighbour = x > 0 ? position - 1 : position - width;
        const before = coder.spent;
        for (let c = 0; c < channels; c++) {
          const start = coder.spent;
          const i = position * channels + c;
          const guess = neighbour < 0 ? 0 : ordered(data[neighbour * channels + c] ?? 0, this.#bits);
          const difference = wrap(ordered(data[i] ?? 0, this.#bits) - guess, this.#bits);
          const folded = ((difference << 1) ^ (difference >> 31)) >>> 0;
          const length = this.#length(coder, this.#last[c] ?? 0, 32 - Math.clz32(folded));
          this.#last[c] = length;
          let coded = length > 0 ? 1 : 0;
          for (let b = length - 2; b >= 0; b--) coded = ((coded << 1) | coder.code(32768, (folded >>> b) & 1)) >>> 0;
          data[i] = word(guess + ((coded >>> 1) ^ -(coded & 1)), this.#bits);
          if (spent) spent.channels[c] = (spent.channels[c] ?? 0) + coder.spent - start;
        }
        if (spent) spent.positions[position] = coder.spent - before;
      }
      await pace((y + 1) / height);
    }
  }

  #length(coder: BitCoder, last: number, length: number): number {
    let node = 1;
    for (let b = LENGTH_BITS - 1; b >= 0; b--) {
      const slot = (last << LENGTH_BITS) + node;
      const p = this.#trees[slot] ?? 0;
      const bit = coder.code(Math.max(MIN_PROBABILITY, Math.min(MAX_PROBABILITY, p)), (length >> b) & 1);
      this.#trees[slot] = bit === 1 ? p + ((65535 - p) >> RATE) : p - (p >> RATE);
      node = 2 * node + bit;
    }
    return Math.min(this.#bits, node - (1 << LENGTH_BITS));
  }
}

/** Maps the bits of a float to an integer that has the same order as the floats. */
function ordered(bits: number, count: 16 | 32): number {
  const signed = wrap(bits, count);
  return signed < 0 ? ~signed ^ (count === 32 ? -0x80000000 : -0x8000) : signed;
}

/** Inverts `ordered`: returns the bits of the float. */
function word(order: number, count: 16 | 32): number {
  const signed = wrap(order, count);
  const bits = signed < 0 ? ~signed ^ (count === 32 ? -0x80000000 : -0x8000) : signed;
  return count === 32 ? bits : bits & 0xffff;
}

/** Wraps a number to 32 or 16 bits, signed. */
function wrap(value: number, count: 16 | 32): number {
  return count === 32 ? value | 0 : (value << 16) >> 16;
}
