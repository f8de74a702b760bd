/**
 * The statistical model of a quantised latent: the probability of each integer, given its neighbours. It computes with
 * integers only, so that it is the same on every machine.
 */
import { Mixer } from './mixer.ts';
import type { Pace } from './pace.ts';
import { FRACTION, Predictor, type Neighbours } from './predictor.ts';
import type { BitCoder } from './range_coder.ts';

/** The integers of one picture, `[height, width, channels]`. */
export interface Levels {
  readonly data: Int32Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Bits that an encoder spends, summed for each position of a picture and for each channel. */
export interface Spent {
  readonly positions: Float32Array;
  readonly channels: Float64Array;
}

/** One level, in the units of predictions and errors. */
const ONE = 2 ** FRACTION;
/** Larger errors count as this. */
const MAX_ERROR = 4095;
/** A mean follows the n-th error by 1 / (n + 1.5). The count n stops here. */
const MAX_SEEN = 200;
/** 2048 / (2n + 3), so 1 / (n + 1.5) in 1024ths. */
const MEAN_RATES = /* @__PURE__ */ Uint16Array.from({ length: MAX_SEEN + 1 }, (_, n) => Math.floor(2048 / (2 * n + 3)));
/** A channel's first mean error: half a level, in 256ths of 64ths. */
const FIRST_MEAN = 256 * 32;
/** Errors as multiples of their channel's mean: the unit, and the largest multiple. */
const ONE_SHARE = 256;
const MAX_SHARE = 16383;
/** The energy around the first position, in these units. */
const FIRST_SHARES = 4;
/** Classes of errors by their number of bits, 0 to 12. */
const CLASSES = 13;
/** Classes of the distance between a prediction and the nearest integer. */
const FRACTION_CLASSES = 4;
/** Of a magnitude that is expected to be large, only this many leading bits are modelled; lower bits are noise. */
const MODELLED_BITS = 4;
/** The leading bits are coded in unary up to this value. */
const MAX_UNARY = 20;

/**
 * Kinds of decisions about the difference between an integer and its rounded prediction. Kind 0: is it non-zero? Kinds
 * 1 to 3: is it larger than 1, than 2, than 3 or more? SIDE: is it on the side of the prediction's fraction?
 */
const SIDE = 4;
const KINDS = 5;

/** The state of a picture while its integers are coded. */
interface Field extends Levels {
  /** The prediction error of each integer, in 64ths. */
  readonly errors: Int32Array;
  /** The sum of errors of each position, each as a multiple of its channel's mean, in 256ths. */
  readonly energies: Int32Array;
}

/** The model of one file's integers. It keeps learning from picture to picture of a batch. */
export class LevelModel {
  readonly #predictor: Predictor;
  readonly #mixer: Mixer;
  /** The mean error of each channel, in 256ths of 64ths. */
  readonly #means: Int32Array;
  /** Positions so far, counted to MAX_SEEN. */
  #seen = 0;

  constructor(channels: number) {
    this.#predictor = new Predictor(channels | 0);
    this.#mixer = new Mixer([CLASSES * CLASSES, CLASSES * FRACTION_CLASSES, channels * CLASSES], KINDS);
    this.#means = new Int32Array(channels).fill(FIRST_MEAN);
  }

  /**
   * Codes a picture's integers in either direction: an encoder reads `data`, a decoder fills it.
   *
   * @param spent - receives the bits of every integer
   */
  async code(coder: BitCoder, levels: Levels, pace: Pace, spent?: Spent): Promise<void> {
    // V8 keeps a whole number that came from a division as a float; `| 0` makes it an integer, which is faster.
    const [channels, height, width] = [levels.channels | 0, levels.height | 0, levels.width | 0];
    const errors = new Int32Array(levels.data.length);
    const energies = new Int32Array(height * width);
    const field = { data: levels.data, channels, height, width, errors, energies };
    for (let y = 0; y < height; y++) {
      this.#predictor.row();
      for (let x = 0; x < width; x++) this.#position(coder, field, y, x, spent);
      await pace((y + 1) / height);
    }
  }

  #position(coder: BitCoder, field: Field, y: number, x: number, spent: Spent | undefined): void {
    const { data, errors, energies, channels, width } = field;
    const position = y * width + x;
    const at = position * channels;
    const near = neighbours(y, x, width, channels);
    const { left, upper, upperLeft, upperRight } = near;
    const isFirst = left < 0;
    const means = this.#means;
    const predictor = this.#predictor;
    predictor.position(data, near);
    const around = isFirst
      ? FIRST_SHARES * ONE_SHARE
      : ((4 * ((energies[left / channels] ?? 0) + (energies[upper / channels] ?? 0))) / channels) | 0;
    let energy = 0;
    const before = coder.spent;
    for (let c = 0; c < channels; c++) {
      const start = coder.spent;
      const prediction = predictor.predict(data, near, c);
      const whole = (prediction + ONE / 2) >> FRACTION;
      const part = prediction - whole * ONE;

      // The expected error: from other channels at this position, and from this channel at the neighbours.
      const mean = means[c] ?? 0;
      const share = Math.min(MAX_SHARE, ((energy + around) / (c + 8)) | 0);
      const byEnergy = Math.min(MAX_ERROR, Math.imul(mean >> 6, share) >> 10);
      const nearby = isFirst
        ? byEnergy
        : (5 * ((errors[left + c] ?? 0) + (errors[upper + c] ?? 0)) +
            3 * ((errors[upperLeft + c] ?? 0) + (errors[upperRight + c] ?? 0))) >>
          4;
      const expected = (nearby + byEnergy) >> 1;
      this.#mixer.select(
        classOf(nearby) * CLASSES + classOf(byEnergy),
        classOf(expected) * FRACTION_CLASSES +
          Math.min(FRACTION_CLASSES - 1, (2 * FRACTION_CLASSES * Math.abs(part)) >> FRACTION),
        c * CLASSES + classOf(byEnergy),
      );

      const difference = (data[at + c] ?? 0) - whole;
      const noise = Math.max(0, classOf(expected >> FRACTION) - MODELLED_BITS);
      const magnitude = this.#magnitude(coder, Math.abs(difference), noise);
      let value = whole;
      if (magnitude > 0) {
        const side = part < 0 ? 0 : 1;
        const isAbove = this.#mixer.code(coder, SIDE, difference > 0 ? side : 1 - side) === side;
        value = isAbove ? whole + magnitude : whole - magnitude;
      }
      data[at + c] = value;
      predictor.tell(c, value, prediction);
      const error = Math.min(MAX_ERROR, Math.abs(value * ONE - prediction));
      errors[at + c] = error;
      energy += Math.min(MAX_SHARE, ((error << 16) / Math.max(ONE_SHARE, mean)) | 0);
      if (spent) spent.channels[c] = (spent.channels[c] ?? 0) + coder.spent - start;
    }
    energies[position] = energy;
    if (spent) spent.positions[position] = coder.spent - before;
    predictor.learn(data, near, at);
    this.#learn(errors, at);
  }

  /** Updates the means with the errors of a position, which begin at `at`. */
  #learn(errors: Int32Array, at: number): void {
    const means = this.#means;
    const rate = MEAN_RATES[this.#seen] ?? 0;
    for (let c = 0; c < means.length; c++) {
      const mean = means[c] ?? 0;
      means[c] = mean + (Math.imul(256 * (errors[at + c] ?? 0) - mean, rate) >> 10);
    }
    this.#seen = Math.min(MAX_SEEN, this.#seen + 1);
  }

  /** Codes a magnitude: its leading bits in unary, beyond 20 in Exp-Golomb, and its lowest `shift` bits as they are. */
  #magnitude(coder: BitCoder, size: number, shift: number): number {
    const high = size >>> shift;
    let coded = 0;
    while (coded < MAX_UNARY && this.#mixer.code(coder, Math.min(coded, SIDE - 1), high > coded ? 1 : 0) === 1) coded++;
    if (coded === MAX_UNARY) coded += codeRest(coder, high - MAX_UNARY);
    for (let i = shift - 1; i >= 0; i--) coded = 2 * coded + coder.code(32768, (size >>> i) & 1);
    return coded;
  }
}

/** Offsets of a position's neighbours. The nearest neighbour replaces a missing one; the first position has none. */
function neighbours(y: number, x: number, width: number, channels: number): Neighbours {
  const at = y * width + x;
  const left = x > 0 ? at - 1 : at - width;
  const upper = y > 0 ? at - width : at - 1;
  return {
    left: left * channels,
    upper: upper * channels,
    upperLeft: (x > 0 && y > 0 ? upper - 1 : left) * channels,
    upperRight: (y === 0 ? left : x + 1 < width ? upper + 1 : upper) * channels,
  };
}

/** Returns the class of an error: its number of bits. */
function classOf(error: number): number {
  return 32 - Math.clz32(error);
}

/** Codes a rare large value in Exp-Golomb. */
function codeRest(coder: BitCoder, value: number): number {
  let bits = 0;
  while (bits < 24 && coder.code(32768, (value + 1) >>> (bits + 1) > 0 ? 1 : 0) === 1) bits++;
  let coded = 1;
  for (let i = bits - 1; i >= 0; i--) coded = 2 * coded + coder.code(32768, ((value + 1) >>> i) & 1);
  return coded - 1;
}
