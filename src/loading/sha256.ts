/** SHA-256 (FIPS 180-4) of a stream of bytes. The browser's `crypto.subtle` needs all bytes at once. */

/** A hash of bytes that arrive in several calls. */
export class Sha256 {
  readonly #roundConstants: Int32Array;
  readonly #state: Int32Array<ArrayBuffer>;
  readonly #schedule = new Int32Array(64);
  readonly #block = new Uint8Array(64);
  #filled = 0;
  #length = 0;

  constructor() {
    [this.#roundConstants, this.#state] = constants();
  }

  /** Takes the next bytes. */
  update(bytes: Uint8Array): void {
    this.#length += bytes.length;
    let at = 0;
    if (this.#filled > 0) {
      at = Math.min(64 - this.#filled, bytes.length);
      this.#block.set(bytes.subarray(0, at), this.#filled);
      this.#filled += at;
      if (this.#filled < 64) return;
      this.#compress(this.#block, 0);
      this.#filled = 0;
    }
    for (; at + 64 <= bytes.length; at += 64) this.#compress(bytes, at);
    this.#block.set(bytes.subarray(at));
    this.#filled = bytes.length - at;
  }

  /** Returns the hash of all bytes in hex. Call it once, at the end. */
  hex(): string {
    const length = this.#length;
    this.update(Uint8Array.of(0x80));
    this.update(new Uint8Array((120 - this.#filled) % 64));
    const tail = new Uint8Array(8);
    new DataView(tail.buffer).setBigUint64(0, BigInt(length) * 8n);
    this.update(tail);
    return Array.from(new Uint32Array(this.#state.buffer), (word) => word.toString(16).padStart(8, '0')).join('');
  }

  #compress(bytes: Uint8Array, at: number): void {
    const w = this.#schedule;
    const state = this.#state;
    const roundConstants = this.#roundConstants;
    for (let i = 0; i < 16; i++) {
      const p = at + 4 * i;
      w[i] = (byte(bytes, p) << 24) | (byte(bytes, p + 1) << 16) | (byte(bytes, p + 2) << 8) | byte(bytes, p + 3);
    }
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15] ?? 0;
      const y = w[i - 2] ?? 0;
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = ((w[i - 16] ?? 0) + s0 + (w[i - 7] ?? 0) + s1) | 0;
    }
    // Not destructured: a typed array's iterator takes longer than the rounds.
    let a = state[0] ?? 0;
    let b = state[1] ?? 0;
    let c = state[2] ?? 0;
    let d = state[3] ?? 0;
    let e = state[4] ?? 0;
    let f = state[5] ?? 0;
    let g = state[6] ?? 0;
    let h = state[7] ?? 0;
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (roundConstants[i] ?? 0) + (w[i] ?? 0)) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    state[0] = (state[0] ?? 0) + a;
    state[1] = (state[1] ?? 0) + b;
    state[2] = (state[2] ?? 0) + c;
    state[3] = (state[3] ?? 0) + d;
    state[4] = (state[4] ?? 0) + e;
    state[5] = (state[5] ?? 0) + f;
    state[6] = (state[6] ?? 0) + g;
    state[7] = (state[7] ?? 0) + h;
  }
}

function byte(bytes: Uint8Array, i: number): number {
  return bytes[i] ?? 0;
}

/** The first 32 fractional bits of the cube roots of the first 64 primes, and of the square roots of the first 8. */
function constants(): [Int32Array, Int32Array<ArrayBuffer>] {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p !== 0)) primes.push(n);
  const fraction = (x: number): number => ((x - Math.floor(x)) * 2 ** 32) | 0;
  return [
    Int32Array.from(primes, (p) => fraction(Math.cbrt(p))),
    Int32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p))),
  ];
}
