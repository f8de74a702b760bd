/**
 * What the integers around one say of its value: a weighted sum for each channel, its weights learnt along the way (least mean squares; a weight
 * learns the slower the more energy its input has had). Integers of 32 bits that wrap around, so that the sums are the same everywhere.
 */

/** Fractional bits of predictions. */
export const FRACTION = 6;
/** A prediction's error is taken to be no larger than this, in 64ths. */
const MAX_ERROR = 32767;
const MAX_SPEED = 32767;
const MAX_INPUT = 2047;
/** Weights learn as if so many integers of average energy had come before the first. */
const PRIOR = 200;
const FIRST_PRIOR = 40;
const FIRST_RATE = 2 ** 26;

/** Inputs from the integer's own channel besides the left and the upper neighbour. */
const OWN = 4;
/** Channels that are an input to all: those with the most energy so far. */
const LEADERS = 8;

/** Where a position's neighbours begin in a picture's integers; `left` is below 0 where there are none. */
export interface Neighbours {
  readonly left: number;
  readonly upper: number;
  /** Left and right of the upper one, and one further in each direction. */
  readonly upperLeft: number;
  readonly upperRight: number;
  readonly farLeft: number;
  readonly farUpper: number;
}

/** Predicts the integers of a position, one channel after another. */
export class Predictor {
  readonly #channels: number;
  /** For each channel, in 65536ths: of all channels' left, upper and present integers, then of its own four others. */
  readonly #weights: Int32Array;
  /** The squares of each channel's integers so far, summed, and 2^30 over that. */
  readonly #energies: Float64Array;
  readonly #rates: Float64Array;
  readonly #leaders: Int32Array;
  readonly #leads: Uint8Array;
  /** The inputs that aren't zero: their places in a channel's weights, what they are, and how fast their weights learn. */
  readonly #places: Int32Array;
  readonly #inputs: Int32Array;
  readonly #speeds: Int32Array;
  /** How many there are for all channels, and for the one that was predicted last. */
  #shared = 0;
  #all = 0;
  #energy = 0;
  #seen = 0;
  #prior = FIRST_PRIOR;

  constructor(channels: number) {
    const places = 3 * channels + OWN;
    const inputs = 3 * LEADERS + 2 + OWN;
    this.#channels = channels;
    this.#weights = new Int32Array(channels * places);
    this.#energies = new Float64Array(channels);
    this.#rates = new Float64Array(channels).fill(FIRST_RATE);
    this.#leaders = Int32Array.from({ length: Math.min(LEADERS, channels) }, (_, k) => k);
    this.#leads = new Uint8Array(channels);
    this.#places = new Int32Array(inputs);
    this.#inputs = new Int32Array(inputs);
    this.#speeds = new Int32Array(inputs);
  }

  /** A new row: the channels with the most energy lead, of two with as much the lower one. */
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

  /** A new position of the picture whose integers are `data`. */
  position(data: Int32Array, { left, upper }: Neighbours): void {
    this.#shared = 0;
    this.#prior = (PRIOR / 8) * Math.floor((8 * this.#energy) / Math.max(1, this.#seen)) + FIRST_PRIOR;
    if (left < 0) return;
    for (const c of this.#leaders) {
      this.#shared = this.#add(this.#shared, c, c, data[left + c] ?? 0);
      this.#shared = this.#add(this.#shared, this.#channels + c, c, data[upper + c] ?? 0);
    }
  }

  /** The prediction for a channel of the position, in 64ths. */
  predict(data: Int32Array, near: Neighbours, channel: number): number {
    const first = 3 * this.#channels;
    let all = this.#shared;
    if (near.left >= 0) {
      if (this.#leads[channel] === 0) {
        all = this.#add(all, channel, channel, data[near.left + channel] ?? 0);
        all = this.#add(all, this.#channels + channel, channel, data[near.upper + channel] ?? 0);
      }
      all = this.#add(all, first, channel, data[near.upperLeft + channel] ?? 0);
      all = this.#add(all, first + 1, channel, data[near.upperRight + channel] ?? 0);
      all = this.#add(all, first + 2, channel, data[near.farLeft + channel] ?? 0);
      all = this.#add(all, first + 3, channel, data[near.farUpper + channel] ?? 0);
    }
    this.#all = all;
    const base = channel * (first + OWN);
    const weights = this.#weights;
    const places = this.#places;
    const inputs = this.#inputs;
    let sum = 0;
    for (let i = 0; i < all; i++) sum = (sum + Math.imul(weights[base + (places[i] ?? 0)] ?? 0, inputs[i] ?? 0)) | 0;
    return sum >> (16 - FRACTION);
  }

  /** What the integer was that was predicted last. */
  learn(channel: number, value: number, prediction: number): void {
    const base = channel * (3 * this.#channels + OWN);
    const error = Math.max(-MAX_ERROR, Math.min(MAX_ERROR, value * 2 ** FRACTION - prediction));
    const all = this.#all;
    const weights = this.#weights;
    const places = this.#places;
    const speeds = this.#speeds;
    for (let i = 0; i < all; i++) {
      const slot = base + (places[i] ?? 0);
      weights[slot] = (weights[slot] ?? 0) + ((Math.imul(error, speeds[i] ?? 0) + 512) >> 10);
    }
    const input = Math.max(-MAX_INPUT, Math.min(MAX_INPUT, value));
    const energy = (this.#energies[channel] ?? 0) + input * input;
    this.#energy += input * input;
    this.#seen++;
    this.#energies[channel] = energy;
    this.#rates[channel] = Math.floor(2 ** 30 / (energy + this.#prior));
    if (this.#leads[channel] === 1)
      this.#shared = this.#add(this.#shared, 2 * this.#channels + channel, channel, value);
  }

  /** Puts an input at the end of the first `count`. */
  #add(count: number, place: number, channel: number, value: number): number {
    if (value === 0) return count;
    const input = Math.max(-MAX_INPUT, Math.min(MAX_INPUT, value));
    const speed = Math.floor((input * (this.#rates[channel] ?? 0)) / 1024);
    this.#places[count] = place;
    this.#inputs[count] = input;
    this.#speeds[count] = Math.max(-MAX_SPEED, Math.min(MAX_SPEED, speed));
    return count + 1;
  }
}
