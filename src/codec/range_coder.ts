/**
 * A binary range coder with 32-bit arithmetic, 16-bit probabilities and carry propagation, as in LZMA with finer
 * probabilities. Encoder and decoder have the same interface, so that one function runs a model in both directions.
 */

/** Codes decisions with given probabilities. */
export interface BitCoder {
  /**
   * Codes one decision.
   *
   * @param p - the probability of 1, in 65536ths, from 1 to 65535
   * @param bit - 0 or 1; a decoder ignores it
   * @returns the decision
   */
  code(p: number, bit: number): number;
  /** Bits of all decisions so far, for statistics. A decoder does not count. */
  readonly spent: number;
}

/** The bits of a decision by its probability in 4096ths. */
const COST = /* @__PURE__ */ Float32Array.from({ length: 4096 }, (_, p) => -Math.log2((p + 0.5) / 4096));

/** A range below this is scaled up by a byte. */
const MIN_RANGE = 2 ** 24;

/** Writes decisions. */
export class BitEncoder implements BitCoder {
  #bytes = new Uint8Array(4096);
  #length = 0;
  #low = 0;
  #range = 0xffffffff;
  /** The last byte, or -1. It waits, with the bytes 255 that follow it, because a carry may still change it. */
  #held = -1;
  #full = 0;
  spent = 0;

  /** Codes one decision. */
  code(p: number, bit: number): number {
    const bound = (this.#range >>> 16) * p;
    this.spent += COST[(bit === 1 ? p : 65536 - p) >>> 4] ?? 0;
    if (bit === 1) {
      this.#range = bound;
    } else {
      this.#low += bound;
      this.#range -= bound;
    }
    while (this.#range < MIN_RANGE) {
      this.#range = (this.#range << 8) >>> 0;
      this.#shift();
    }
    return bit;
  }

  /** Returns the bytes when all is coded. A decoder reads zeros after the last byte, so trailing zeros are left out. */
  finish(): Uint8Array<ArrayBuffer> {
    // Of all numbers that decode to these decisions, the one with the most trailing zeros.
    for (let unit = 2 ** 32; unit >= 1; unit /= 2) {
      const round = Math.ceil(this.#low / unit) * unit;
      if (round < this.#low + this.#range) {
        this.#low = round;
        break;
      }
    }
    for (let i = 0; i < 5; i++) this.#shift();
    let end = this.#length;
    while (end > 0 && this.#bytes[end - 1] === 0) end--;
    return this.#bytes.slice(0, end);
  }

  #shift(): void {
    if (this.#low < 0xff000000 || this.#low >= 2 ** 32) {
      const carry = this.#low >= 2 ** 32 ? 1 : 0;
      if (this.#held >= 0) this.#put(this.#held + carry);
      for (; this.#full > 0; this.#full--) this.#put(255 + carry);
      this.#held = (this.#low >>> 24) & 255;
    } else {
      this.#full++;
    }
    this.#low = (this.#low & 0xffffff) * 256;
  }

  #put(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = byte;
  }
}

/**
 * Reads decisions. It never reads past the bytes and never fails; from damaged bytes it returns arbitrary decisions.
 */
export class BitDecoder implements BitCoder {
  readonly spent = 0;
  readonly #bytes: Uint8Array;
  #at = 4;
  #code: number;
  #range = 0xffffffff;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    const [a = 0, b = 0, c = 0, d = 0] = bytes;
    this.#code = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  }

  /** Codes one decision. */
  code(p: number): number {
    const bound = (this.#range >>> 16) * p;
    const bit = this.#code < bound ? 1 : 0;
    if (bit === 1) {
      this.#range = bound;
    } else {
      this.#code -= bound;
      this.#range -= bound;
    }
    while (this.#range < MIN_RANGE) {
      this.#range = (this.#range << 8) >>> 0;
      this.#code = ((this.#code << 8) | (this.#bytes[this.#at++] ?? 0)) >>> 0;
    }
    return bit;
  }
}
