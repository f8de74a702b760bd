/** The model of exact numbers: each is told by how far its bits lie from a neighbour's, which keeps all of them. */
import type { Levels, Spend } from './levels.ts';
import type { Pace } from './pace.ts';
import type { BitCoder } from './range_coder.ts';

/**
 * Codes the bits of floats, in either direction: an encoder reads `data`, a decoder fills it.
 *
 * @param levels - `data` holds the floats' bits, 32 or 16 for each
 * @param bits - 32 or 16
 * @param spend - hears of every number's bits
 */
export async function codeWords(
  coder: BitCoder,
  levels: Levels,
  bits: 16 | 32,
  pace: Pace,
  spend?: Spend,
): Promise<void> {
  const { data, channels, height, width } = levels;
  const area = height * width;
  const classes = bits + 1;
  const trees = new Uint16Array(classes * 64).fill(32768);
  for (let c = 0; c < channels; c++) {
    let last = 0;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const start = coder.spent;
        const index = c * area + y * width + x;
        const near = x > 0 ? data[index - 1] : y > 0 ? data[index - width] : 0;
        const guess = ordered(near ?? 0, bits);
        const delta = shortest(ordered(data[index] ?? 0, bits) - guess, bits);
        const folded = ((delta << 1) ^ (delta >> 31)) >>> 0;
        const length = codeTree(coder, trees, last, 32 - Math.clz32(folded));
        let coded = length > 0 ? 1 : 0;
        for (let i = length - 2; i >= 0; i--) coded = ((coded << 1) | coder.code(32768, (folded >>> i) & 1)) >>> 0;
        last = length;
        const back = (coded >>> 1) ^ -(coded & 1);
        data[index] = unordered(guess + back, bits);
        spend?.(y * width + x, c, coder.spent - start);
      }
      await pace((c * height + y + 1) / (channels * height));
    }
  }
}

/** A float's bits as an integer that grows as the float does. */
function ordered(word: number, bits: 16 | 32): number {
  const sign = bits === 32 ? word < 0 : (word & 0x8000) !== 0;
  const size = bits === 32 ? word & 0x7fffffff : word & 0x7fff;
  return sign ? ~size : size;
}

function unordered(value: number, bits: 16 | 32): number {
  const word = bits === 32 ? value | 0 : (value << 16) >> 16;
  if (bits === 32) return word < 0 ? ~word | 0x80000000 : word;
  return word < 0 ? (~word & 0x7fff) | 0x8000 : word & 0x7fff;
}

/** A difference as the number of 32 or 16 bits that it is congruent to. */
function shortest(delta: number, bits: 16 | 32): number {
  return bits === 32 ? delta | 0 : (delta << 16) >> 16;
}

function codeTree(coder: BitCoder, trees: Uint16Array, tree: number, value: number): number {
  let node = 1;
  for (let i = 5; i >= 0; i--) {
    const slot = tree * 64 + node;
    const p = trees[slot] ?? 0;
    const bit = coder.code(Math.min(65500, Math.max(36, p)), (value >>> i) & 1);
    trees[slot] = bit === 1 ? p + ((65535 - p) >> 5) : p - (p >> 5);
    node = 2 * node + bit;
  }
  return Math.min(node - 64, 32);
}
