/** How likely a decision is: four adaptive models, each with a context of its own, mixed by weights that are learnt as well. */
import { RANGE, SQUASH, STRETCH } from './logistic.ts';
import type { BitCoder } from './range_coder.ts';

/** An adaptive probability follows the n-th decision by 1 / (n + 1.5), until n has reached this. */
const SLOWEST = 255;
/** 65536 / (2n + 3), so 1 / (n + 1.5) in 32768ths. */
const RATES = /* @__PURE__ */ Uint16Array.from({ length: SLOWEST + 1 }, (_, n) => Math.floor(65536 / (2 * n + 3)));
/** A state is a probability of 1 in 65536ths, times 256, plus the number of decisions it has seen. This one has seen none. */
const FIRST = 32768 * 256;

/** How many contexts each of the four models has. */
export type Sizes = readonly [number, number, number, number];

/** Codes decisions, each under the mix of what four adaptive probabilities say. */
export class Mixer {
  readonly #kinds: number;
  /** Where the states of each model begin, and of its present context: a context has a state for every kind of decision. */
  readonly #bases: Sizes;
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;
  readonly #states: Int32Array;
  /** For each kind of decision four, in 65536ths. */
  readonly #weights: Int32Array;

  /**
   * @param sizes - how many contexts each model has
   * @param kinds - how many kinds of decision there are
   * @param weight - what all weights start with, in 65536ths
   */
  constructor(sizes: Sizes, kinds: number, weight: number) {
    const [a, b, c, d] = sizes;
    this.#kinds = kinds;
    this.#bases = [0, a * kinds, (a + b) * kinds, (a + b + c) * kinds];
    this.#states = new Int32Array((a + b + c + d) * kinds).fill(FIRST);
    this.#weights = new Int32Array(4 * kinds).fill(weight);
  }

  /** The contexts of the decisions that come next. */
  select(a: number, b: number, c: number, d: number): void {
    const kinds = this.#kinds;
    this.#a = a * kinds;
    this.#b = this.#bases[1] + b * kinds;
    this.#c = this.#bases[2] + c * kinds;
    this.#d = this.#bases[3] + d * kinds;
  }

  /** Codes a decision of a kind. */
  code(coder: BitCoder, kind: number, bit: number): number {
    const states = this.#states;
    const a = this.#a + kind;
    const b = this.#b + kind;
    const c = this.#c + kind;
    const d = this.#d + kind;
    const stateA = states[a] ?? 0;
    const stateB = states[b] ?? 0;
    const stateC = states[c] ?? 0;
    const stateD = states[d] ?? 0;
    const inputA = STRETCH[stateA >> 12] ?? 0;
    const inputB = STRETCH[stateB >> 12] ?? 0;
    const inputC = STRETCH[stateC >> 12] ?? 0;
    const inputD = STRETCH[stateD >> 12] ?? 0;

    const weights = this.#weights;
    const w = 4 * kind;
    const weightA = weights[w] ?? 0;
    const weightB = weights[w + 1] ?? 0;
    const weightC = weights[w + 2] ?? 0;
    const weightD = weights[w + 3] ?? 0;
    const sum =
      (Math.imul(weightA, inputA) +
        Math.imul(weightB, inputB) +
        Math.imul(weightC, inputC) +
        Math.imul(weightD, inputD)) |
      0;
    const p = SQUASH[Math.max(-RANGE, Math.min(RANGE, sum >> 16)) + 2048] ?? 0;
    const coded = coder.code(p, bit);

    const error = (coded << 16) - p;
    weights[w] = weightA + ((Math.imul(error, inputA) + 32768) >> 16);
    weights[w + 1] = weightB + ((Math.imul(error, inputB) + 32768) >> 16);
    weights[w + 2] = weightC + ((Math.imul(error, inputC) + 32768) >> 16);
    weights[w + 3] = weightD + ((Math.imul(error, inputD) + 32768) >> 16);
    states[a] = next(stateA, coded);
    states[b] = next(stateB, coded);
    states[c] = next(stateC, coded);
    states[d] = next(stateD, coded);
    return coded;
  }
}

/** A state after one more decision. */
function next(state: number, coded: number): number {
  const p = state >> 8;
  const n = state & 255;
  const moved = p + (Math.imul(coded * 65535 - p, RATES[n] ?? 0) >> 15);
  return (moved << 8) | Math.min(SLOWEST, n + 1);
}
