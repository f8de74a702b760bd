/**
 * A binary range coder: 32-bit arithmetic, probabilities of 16 bits, carries propagated (as in LZMA, with finer probabilities). Encoder and decoder
 * have the same face, so that a model is walked by one function in both directions.
 */

/** Codes decisions under probabilities. */
export interface BitCoder {
  /**
   * Codes one decision.
   *
   * @param p - the probability of 1, in 65536ths, from 1 to 65535
   * @param bit - 0 or 1; a decoder doesn't look at it
   * @returns the decision
   */
  code(p: number, bit: number): number;
  /** Bits that the decisions so far took, for statistics; a decoder doesn't count. */
  readonly spent: number;
}

/** Bits that a decision takes, by its probability in 4096ths. */
const COST = /* @__PURE__ */ Float32Array.from({ length: 4096 }, (_, p) => -Math.log2((p + 0.5) / 4096));

/** Below this the range is made larger by a byte. */
const SMALLEST = 2 ** 24;

/** Writes decisions. */
export class BitEncoder implements BitCoder {
  #bytes = new Uint8Array(4096);
  #length = 0;
  #low = 0;
  #range = 0xffffffff;
  /** The last byte isn't written before it is known whether a carry reaches it; nor are the bytes 255 behind it. */
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
    while (this.#range < SMALLEST) {
      this.#range = (this.#range << 8) >>> 0;
      this.#shift();
    }
    return bit;
  }

  /** The bytes, once all is coded. A decoder reads zeros after the last, so zeros at the end are left out. */
  finish(): Uint8Array<ArrayBuffer> {
    // Of all numbers that lead a decoder to these decisions, the one with most zeros at its end.
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

/** Reads decisions. Whatever the bytes, it never reads past them and never stops: what it says of damaged ones means nothing. */
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
    while (this.#range < SMALLEST) {
      this.#range = (this.#range << 8) >>> 0;
      this.#code = ((this.#code << 8) | (this.#bytes[this.#at++] ?? 0)) >>> 0;
    }
    return bit;
  }
}
