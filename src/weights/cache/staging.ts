import type { BorrowedBuffer } from '../sources/buffer_pool.ts';

/** A fixed number of buffers for bytes that wait to be stored. Waiting for a free one bounds memory. */
export class Staging {
  readonly #free: BorrowedBuffer[] = [];
  readonly #waiting: ((lent: BorrowedBuffer) => void)[] = [];
  readonly #size: number;
  #unallocated: number;

  constructor(count: number, size: number) {
    this.#unallocated = count;
    this.#size = size;
  }

  /** Waits for a free buffer. */
  async take(): Promise<BorrowedBuffer> {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#unallocated > 0) {
      this.#unallocated--;
      return { buffer: new ArrayBuffer(this.#size) };
    }
    return await new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Returns a buffer. A lost one is replaced. */
  put(lent: BorrowedBuffer): void {
    const whole = lent.buffer.byteLength > 0 ? lent : { buffer: new ArrayBuffer(this.#size) };
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(whole);
    else next(whole);
  }
}
