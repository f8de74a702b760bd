import type { BorrowedBuffer } from '../read/buffer_pool.ts';

/** A few buffers that windows of a file wait in until they are stored. Waiting for one to become free keeps memory bounded. */
export class Staging {
  readonly #free: BorrowedBuffer[] = [];
  readonly #waiting: ((lent: BorrowedBuffer) => void)[] = [];
  readonly #size: number;
  #unmade: number;

  constructor(count: number, size: number) {
    this.#unmade = count;
    this.#size = size;
  }

  /** A buffer, as soon as there is one. */
  async take(): Promise<BorrowedBuffer> {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#unmade > 0) {
      this.#unmade--;
      return { buffer: new ArrayBuffer(this.#size) };
    }
    return await new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Gives a buffer back; for one that was lost, another is made. */
  put(lent: BorrowedBuffer): void {
    const whole = lent.buffer.byteLength > 0 ? lent : { buffer: new ArrayBuffer(this.#size) };
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(whole);
    else next(whole);
  }
}
