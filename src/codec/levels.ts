/** The model of a quantised latent: how likely each integer is, given those around it. Integers only, so that it is the same everywhere. */
import { Mixer } from './mixer.ts';
import type { Pace } from './pace.ts';
import { FRACTION, Predictor, type Neighbours } from './predictor.ts';
import type { BitCoder } from './range_coder.ts';

/** Integers `[height, width, channels]` of one picture. */
export interface Levels {
  readonly data: Int32Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Where the bits of an encoder go: called for every integer with its position, its channel and what it took. */
export type Spend = (position: number, channel: number, bits: number) => void;

/** One level, in the units of predictions and errors. */
const ONE = 2 ** FRACTION;
/** Errors are taken to be no larger than this. */
const MAX_ERROR = 4095;
/** A mean follows the n-th error by 1 / (n + 1.5), until n has reached this. */
const SLOWEST = 60;
/** 2048 / (2n + 3), so 1 / (n + 1.5) in 1024ths. */
const MEAN_RATES = /* @__PURE__ */ Uint16Array.from({ length: SLOWEST + 1 }, (_, n) => Math.floor(2048 / (2 * n + 3)));
/** What a channel's mean error is taken to be before there is one: half a level. */
const FIRST_MEAN = 256 * 32;
/** Errors as multiples of their channel's mean: the unit, and the most that is counted. */
const ONE_SHARE = 256;
const MAX_SHARE = 16383;
/** Classes of magnitude. */
const CLASSES = 24;
/** Magnitudes up to this are told one by one. */
const UNARY = 20;

/** Kinds of decision: 0, is it zero; 1 to 5, is it larger than 1, 2, 3, 4, and more. */
const SIZE_KINDS = 6;
/** What the weights of the mixes start with, in 65536ths. */
const SIZE_WEIGHT = 18432;
const SIGN_WEIGHT = 20480;

/** The class of a magnitude in 64ths, 0 to 4095: two for each doubling. */
const CLASS = /* @__PURE__ */ Uint8Array.from({ length: MAX_ERROR + 1 }, (_, n) => {
  if (n === 0) return 0;
  const doublings = 31 - Math.clz32(n);
  return Math.min(CLASSES - 1, 2 * doublings + (5 * n >= 7 << doublings ? 1 : 0) + 1);
});

/** What is kept of a picture while its integers are coded. */
interface Field extends Levels {
  /** Of each integer how far it was from its prediction, in 64ths. */
  readonly errors: Int32Array;
  /** Of each position the sum of these, each as a multiple of its channel's mean, in 256ths. */
  readonly energies: Int32Array;
}

/** The model of one file's integers; it learns from picture to picture of a batch. */
export class LevelModel {
  readonly #predictor: Predictor;
  readonly #sizes: Mixer;
  readonly #signs: Mixer;
  /** The mean error of each channel, in 256ths of 64ths, and how many errors it has seen. */
  readonly #means: Int32Array;
  readonly #counts: Uint8Array;

  constructor(channels: number) {
    this.#predictor = new Predictor(channels);
    this.#sizes = new Mixer(
      [CLASSES * CLASSES, CLASSES * 6, channels * CLASSES, CLASSES * CLASSES],
      SIZE_KINDS,
      SIZE_WEIGHT,
    );
    this.#signs = new Mixer([12 * CLASSES, 12 * channels, 9 * channels, 9 * channels], 1, SIGN_WEIGHT);
    this.#means = new Int32Array(channels).fill(FIRST_MEAN);
    this.#counts = new Uint8Array(channels);
  }

  /**
   * Codes a picture's integers, in either direction: an encoder reads `data`, a decoder fills it.
   *
   * @param spend - hears of every integer's bits
   */
  async code(coder: BitCoder, levels: Levels, pace: Pace, spend?: Spend): Promise<void> {
    const { height, width } = levels;
    const field = {
      ...levels,
      errors: new Int32Array(levels.data.length),
      energies: new Int32Array(height * width),
    };
    for (let y = 0; y < height; y++) {
      this.#predictor.row();
      for (let x = 0; x < width; x++) this.#position(coder, field, y, x, spend);
      await pace((y + 1) / height);
    }
  }

  #position(coder: BitCoder, field: Field, y: number, x: number, spend: Spend | undefined): void {
    const { data, errors, energies, channels, width } = field;
    const position = y * width + x;
    const at = position * channels;
    const near = neighbours(y, x, width, channels);
    const { left, upper, upperLeft, upperRight, farLeft, farUpper } = near;
    const isFirst = left < 0;
    this.#predictor.position(data, near);
    const around = isFirst
      ? 4 * ONE_SHARE
      : ((2 * ((energies[left / channels] ?? 0) + (energies[upper / channels] ?? 0))) / channels) | 0;
    let energy = 0;
    let last = 0;
    for (let c = 0; c < channels; c++) {
      const start = coder.spent;
      const prediction = this.#predictor.predict(data, near, c);
      const whole = (prediction + ONE / 2) >> FRACTION;
      const part = prediction - whole * ONE;

      // How large the error will be: as the other channels' here, and as this channel's around.
      const mean = this.#means[c] ?? 0;
      const share = Math.min(MAX_SHARE, ((energy + around) / (c + 4)) | 0);
      const byEnergy = Math.imul(mean >> 6, share) >> 10;
      let expected = byEnergy;
      let nearby = byEnergy;
      if (!isFirst) {
        const sum =
          4 * ((errors[left + c] ?? 0) + (errors[upper + c] ?? 0)) +
          2 * ((errors[upperLeft + c] ?? 0) + (errors[upperRight + c] ?? 0)) +
          (errors[farLeft + c] ?? 0) +
          (errors[farUpper + c] ?? 0);
        nearby = (37 * sum) >> 9;
        expected = ((2 * nearby + 3 * byEnergy) * 13) >> 6;
      }
      const size = classOf(expected);
      this.#sizes.select(
        classOf(nearby) * CLASSES + classOf(byEnergy),
        size * 6 + Math.min(5, (12 * Math.abs(part)) >> FRACTION),
        c * CLASSES + size,
        classOf(mean >> 8) * CLASSES + classOf(last),
      );
      const difference = (data[at + c] ?? 0) - whole;
      const noise = Math.max(0, 31 - Math.clz32(expected >> FRACTION) - 3);
      const magnitude = this.#magnitude(coder, Math.abs(difference), noise);
      let value = whole;
      if (magnitude > 0) {
        const slope = (12 * (part + ONE / 2)) >> FRACTION;
        this.#signs.select(
          slope * CLASSES + size,
          slope * channels + c,
          9 * c + (isFirst ? 4 : 3 * signOf(data[left + c] ?? 0) + signOf(data[upper + c] ?? 0)),
          9 * c + (c > 1 ? 3 * signOf(data[at + c - 1] ?? 0) + signOf(data[at + c - 2] ?? 0) : 4),
        );
        const positive = this.#signs.code(coder, 0, difference > 0 ? 1 : 0);
        value = positive === 1 ? whole + magnitude : whole - magnitude;
      }
      data[at + c] = value;
      this.#predictor.learn(c, value, prediction);
      const error = Math.min(MAX_ERROR, Math.abs(value * ONE - prediction));
      errors[at + c] = error;
      last = error;
      const n = this.#counts[c] ?? 0;
      const next = mean + (Math.imul(256 * error - mean, MEAN_RATES[n] ?? 0) >> 10);
      this.#means[c] = next;
      if (n < SLOWEST) this.#counts[c] = n + 1;
      energy += Math.min(MAX_SHARE, ((error << 16) / Math.max(256, next)) | 0);
      spend?.(position, c, coder.spent - start);
    }
    energies[position] = energy;
  }

  /** Its lowest `shift` bits are noise; what is above them is told in ones, and beyond 20 by Exp-Golomb. */
  #magnitude(coder: BitCoder, size: number, shift: number): number {
    const high = size >>> shift;
    let coded = 0;
    while (coded < UNARY && this.#sizes.code(coder, Math.min(coded, SIZE_KINDS - 1), high > coded ? 1 : 0) === 1)
      coded++;
    if (coded === UNARY) coded += codeRest(coder, high - UNARY);
    for (let i = shift - 1; i >= 0; i--) coded = 2 * coded + coder.code(32768, (size >>> i) & 1);
    return coded;
  }
}

/** Where a neighbour is missing, the nearest that is there stands for it; the first position has none. */
function neighbours(y: number, x: number, width: number, channels: number): Neighbours {
  const at = y * width + x;
  const left = x > 0 ? at - 1 : at - width;
  const upper = y > 0 ? at - width : at - 1;
  return {
    left: left * channels,
    upper: upper * channels,
    upperLeft: (x > 0 && y > 0 ? upper - 1 : left) * channels,
    upperRight: (y === 0 ? left : x + 1 < width ? upper + 1 : upper) * channels,
    farLeft: (x > 1 ? at - 2 : left) * channels,
    farUpper: (y > 1 ? upper - width : upper) * channels,
  };
}

/** The class of a magnitude in 64ths. */
function classOf(size: number): number {
  return CLASS[Math.min(MAX_ERROR, size)] ?? 0;
}

/** 0, 1, 2 for below, at and above zero. */
function signOf(value: number): number {
  return value > 0 ? 2 : value < 0 ? 0 : 1;
}

/** Exp-Golomb: what is too rare to be learnt. */
function codeRest(coder: BitCoder, value: number): number {
  let bits = 0;
  while (bits < 24 && coder.code(32768, (value + 1) >>> (bits + 1) > 0 ? 1 : 0) === 1) bits++;
  let coded = 1;
  for (let i = bits - 1; i >= 0; i--) coded = 2 * coded + coder.code(32768, ((value + 1) >>> i) & 1);
  return coded - 1;
}
