/**
 * Probabilities of decisions: three adaptive models, each with its own context, are mixed by weights that adapt, too.
 */
import { RANGE, SQUASH, STRETCH } from './logistic.ts';
import type { BitCoder } from './range_coder.ts';

/** An adaptive probability follows the n-th decision by 1 / (n + 1.5). The count n stops here. */
const MAX_SEEN = 255;
/** 65536 / (2n + 3), so 1 / (n + 1.5) in 32768ths. */
const RATES = /* @__PURE__ */ Uint16Array.from({ length: MAX_SEEN + 1 }, (_, n) => Math.floor(65536 / (2 * n + 3)));
/** The first state. A state is a probability of 1 in 65536ths, times 256, plus the number of decisions so far. */
const FIRST = 32768 * 256;
/** The first value of a weight, in 65536ths: a third. */
const FIRST_WEIGHT = 21845;

/** The number of contexts of each of the three models. */
export type Sizes = readonly [number, number, number];

/** Codes decisions, each with a mix of three adaptive probabilities. */
export class Mixer {
  readonly #kinds: number;
  /** Offsets of each model's states. A context has one state for each kind of decision. */
  readonly #bases: Sizes;
  /** Offsets of the states of each model's selected context. */
  readonly #chosen = new Int32Array(3);
  readonly #states: Int32Array;
  /** Three weights for each kind of decision, in 65536ths. */
  readonly #weights: Int32Array;

  /**
   * @param sizes - the number of contexts of each model
   * @param kinds - the number of kinds of decisions
   */
  constructor(sizes: Sizes, kinds: number) {
    const [a, b, c] = sizes;
    this.#kinds = kinds;
    this.#bases = [0, a * kinds, (a + b) * kinds];
    this.#states = new Int32Array((a + b + c) * kinds).fill(FIRST);
    this.#weights = new Int32Array(3 * kinds).fill(FIRST_WEIGHT);
  }

  /** Selects the contexts of the next decisions. */
  select(a: number, b: number, c: number): void {
    const kinds = this.#kinds;
    const chosen = this.#chosen;
    chosen[0] = a * kinds;
    chosen[1] = this.#bases[1] + b * kinds;
    chosen[2] = this.#bases[2] + c * kinds;
  }

  /** Codes a decision of one kind. */
  code(coder: BitCoder, kind: number, bit: number): number {
    const states = this.#states;
    const chosen = this.#chosen;
    const a = (chosen[0] ?? 0) + kind;
    const b = (chosen[1] ?? 0) + kind;
    const c = (chosen[2] ?? 0) + kind;
    const stateA = states[a] ?? 0;
    const stateB = states[b] ?? 0;
    const stateC = states[c] ?? 0;
    const inputA = STRETCH[stateA >> 12] ?? 0;
    const inputB = STRETCH[stateB >> 12] ?? 0;
    const inputC = STRETCH[stateC >> 12] ?? 0;

    const weights = this.#weights;
    const w = 3 * kind;
    const weightA = weights[w] ?? 0;
    const weightB = weights[w + 1] ?? 0;
    const weightC = weights[w + 2] ?? 0;
    const sum = (Math.imul(weightA, inputA) + Math.imul(weightB, inputB) + Math.imul(weightC, inputC)) | 0;
    const p = SQUASH[Math.max(-RANGE, Math.min(RANGE, sum >> 16)) + 2048] ?? 0;
    const coded = coder.code(p, bit);

    const error = (coded << 16) - p;
    weights[w] = weightA + ((Math.imul(error, inputA) + 32768) >> 16);
    weights[w + 1] = weightB + ((Math.imul(error, inputB) + 32768) >> 16);
    weights[w + 2] = weightC + ((Math.imul(error, inputC) + 32768) >> 16);
    states[a] = next(stateA, coded);
    states[b] = next(stateB, coded);
    states[c] = next(stateC, coded);
    return coded;
  }
}

/** Returns a state after one more decision. */
function next(state: number, coded: number): number {
  const p = state >> 8;
  const n = state & 255;
  const moved = p + (Math.imul(coded * 65535 - p, RATES[n] ?? 0) >> 15);
  return (moved << 8) | Math.min(MAX_SEEN, n + 1);
}
