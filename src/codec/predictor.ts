/**
 * Predicts an integer as a weighted sum: of four neighbours in its own channel, and of the integers of a few leading
 * channels at the neighbours and at the same position. The weights adapt by least mean squares; the more energy an
 * input has had, the slower its weight adapts. All integers have 32 bits and wrap around, so that the sums are the same
 * on every machine. An input that all channels share is added to all sums at once, and costs nothing if it is zero.
 */

/** Fractional bits of predictions. */
export const FRACTION = 6;
/** Limits of the factors of products: a prediction's error in 64ths, an integer, and the speeds of weights. */
const MAX_ERROR = 2 ** 15 - 1;
const MAX_INPUT = 2 ** 11 - 1;
const MAX_SPEED = 2 ** 15 - 1;
const MAX_STEP = 2 ** 19 - 1;
/** Weights adapt as if this many integers of average energy had come before the first. */
const PRIOR = 48;
const FIRST_PRIOR = 160;
const FIRST_RATE = 2 ** 26;

/** Inputs from the integer's own channel. */
const OWN = 4;
/** Channels with the most energy so far. Their left, upper and present integers are inputs to all channels. */
const LEADERS = 6;

/** Offsets of a position's neighbours in the picture's integers; negative at the first position. */
export interface Neighbours {
  readonly left: number;
  readonly upper: number;
  /** Left and right of the upper one. */
  readonly upperLeft: number;
  readonly upperRight: number;
}

/** Predicts the integers of a position, one channel after another. */
export class Predictor {
  readonly #channels: number;
  /** Weights of each channel's own four inputs, in 65536ths. */
  readonly #own: Int32Array;
  /** Weights of shared inputs to each channel, in 65536ths: of all left, then all upper, then all present integers. */
  readonly #shared: Int32Array;
  /** The energy of each channel: the sum of the squares of its integers so far. */
  readonly #energies: Float64Array;
  /** 2^30 divided by each energy plus the prior. */
  readonly #rates: Int32Array;
  readonly #leaders: Int32Array;
  readonly #leads: Uint8Array;
  /** For each channel of the position: the weighted sum of the shared inputs so far, and the prediction's error. */
  readonly #sums: Int32Array;
  readonly #errors: Int32Array;
  /** For each shared input that is not zero: the offset of its weights, its first channel, and its weights' speed. */
  readonly #bases = new Int32Array(3 * LEADERS);
  readonly #firsts = new Int32Array(3 * LEADERS);
  readonly #speeds = new Int32Array(3 * LEADERS);
  #count = 0;
  #energy = 0;
  #seen = 0;

  constructor(channels: number) {
    this.#channels = channels;
    this.#own = new Int32Array(OWN * channels);
    this.#shared = new Int32Array(3 * channels * channels);
    this.#energies = new Float64Array(channels);
    this.#rates = new Int32Array(channels).fill(FIRST_RATE);
    this.#leaders = Int32Array.from({ length: Math.min(LEADERS, channels) }, (_, k) => k);
    this.#leads = new Uint8Array(channels);
    this.#sums = new Int32Array(channels);
    this.#errors = new Int32Array(channels);
  }

  /** Begins a row and chooses the leading channels: those with the most energy, of two equal ones the lower. */
  row(): void {
    this.#leads.fill(0);
    for (let k = 0; k < this.#leaders.length; k++) {
      let best = -1;
      let most = -1;
      for (let c = 0; c < this.#channels; c++) {
        const energy = this.#energies[c] ?? 0;
        if (this.#leads[c] === 1 || energy <= most) continue;
        best = c;
        most = energy;
      }
      this.#leaders[k] = best;
      this.#leads[best] = 1;
    }
  }

  /** Begins a position of the picture whose integers are `data`. */
  position(data: Int32Array, { left, upper }: Neighbours): void {
    this.#count = 0;
    this.#sums.fill(0);
    if (left < 0) return;
    for (const c of this.#leaders) {
      this.#share(c, 0, data[left + c] ?? 0, 0);
      this.#share(c, this.#channels, data[upper + c] ?? 0, 0);
    }
  }

  /** Returns the prediction for a channel of the position, in 64ths. */
  predict(data: Int32Array, { left, upper, upperLeft, upperRight }: Neighbours, channel: number): number {
    let sum = this.#sums[channel] ?? 0;
    if (left >= 0) {
      const own = this.#own;
      const w = OWN * channel;
      sum =
        (sum +
          Math.imul(own[w] ?? 0, input(data, left + channel)) +
          Math.imul(own[w + 1] ?? 0, input(data, upper + channel)) +
          Math.imul(own[w + 2] ?? 0, input(data, upperLeft + channel)) +
          Math.imul(own[w + 3] ?? 0, input(data, upperRight + channel))) |
        0;
    }
    return sum >> (16 - FRACTION);
  }

  /** Receives the integer whose prediction was asked for last. */
  tell(channel: number, value: number, prediction: number): void {
    this.#errors[channel] = clip(value * 2 ** FRACTION - prediction, MAX_ERROR);
    if (this.#leads[channel] === 1) this.#share(channel, 2 * this.#channels, value, channel + 1);
  }

  /** Adapts the weights to the position, whose integers begin at `at`. */
  learn(data: Int32Array, { left, upper, upperLeft, upperRight }: Neighbours, at: number): void {
    const channels = this.#channels;
    const errors = this.#errors;
    const energies = this.#energies;
    const rates = this.#rates;
    const prior = (PRIOR / 8) * Math.floor((8 * this.#energy) / Math.max(1, this.#seen)) + FIRST_PRIOR;
    const own = this.#own;
    for (let c = 0; c < channels; c++) {
      if (left >= 0) {
        const step = clip(Math.floor(((errors[c] ?? 0) * (rates[c] ?? 0)) / 2 ** 13), MAX_STEP);
        const w = OWN * c;
        own[w] = (own[w] ?? 0) + ((Math.imul(step, input(data, left + c)) + 32) >> 6);
        own[w + 1] = (own[w + 1] ?? 0) + ((Math.imul(step, input(data, upper + c)) + 32) >> 6);
        own[w + 2] = (own[w + 2] ?? 0) + ((Math.imul(step, input(data, upperLeft + c)) + 32) >> 6);
        own[w + 3] = (own[w + 3] ?? 0) + ((Math.imul(step, input(data, upperRight + c)) + 32) >> 6);
      }
      const value = input(data, at + c);
      const square = value * value;
      const energy = (energies[c] ?? 0) + square;
      this.#energy += square;
      energies[c] = energy;
      rates[c] = 2 ** 30 / (energy + prior);
    }
    this.#seen += channels;
    const shared = this.#shared;
    for (let i = 0; i < this.#count; i++) {
      const base = this.#bases[i] ?? 0;
      const speed = this.#speeds[i] ?? 0;
      for (let c = this.#firsts[i] ?? 0; c < channels; c++) {
        shared[base + c] = (shared[base + c] ?? 0) + ((Math.imul(errors[c] ?? 0, speed) + 512) >> 10);
      }
    }
  }

  /** Adds a shared input to the sums of the channels from `first` on. */
  #share(channel: number, kind: number, value: number, first: number): void {
    if (value === 0) return;
    const channels = this.#channels;
    const sums = this.#sums;
    const shared = this.#shared;
    const size = clip(value, MAX_INPUT);
    const base = (kind + channel) * channels;
    const i = this.#count++;
    this.#bases[i] = base;
    this.#firsts[i] = first;
    this.#speeds[i] = clip(Math.floor((size * (this.#rates[channel] ?? 0)) / 1024), MAX_SPEED);
    for (let c = first; c < channels; c++) sums[c] = (sums[c] ?? 0) + Math.imul(shared[base + c] ?? 0, size);
  }
}

function input(data: Int32Array, at: number): number {
  return clip(data[at] ?? 0, MAX_INPUT);
}

function clip(value: number, size: number): number {
  return Math.max(-size, Math.min(size, value));
}
