import type { Gpu } from '../gpu/gpu.ts';
import { BufferUsage } from '../gpu/usage.ts';

const STAGING_BUFFER_BYTES = 16 * 2 ** 20;
const STAGING_BUFFER_COUNT = 3;

/** A buffer, and a promise that resolves when the GPU is done with all that was in it. */
interface Stage {
  readonly buffer: GPUBuffer;
  free: Promise<unknown>;
}

/**
 * Where raw bytes wait on the GPU to be packed: one buffer is filled while the GPU packs what is in the others. Where a GPU shares the processor's
 * memory, browsers write straight into a buffer that the GPU is done with; for one in use they make a copy first, in new memory that they clear.
 */
export class WeightStaging {
  readonly #gpu: Gpu;
  readonly #waiting: Stage[];
  #filling: Stage;
  #filled = 0;

  /** @param maxBinding - bytes of the largest binding that the device allows */
  constructor(gpu: Gpu, maxBinding: number) {
    this.#gpu = gpu;
    const size = Math.min(STAGING_BUFFER_BYTES, maxBinding);
    const usage = BufferUsage.STORAGE | BufferUsage.COPY_DST;
    const create = (i: number): Stage => ({
      buffer: gpu.device.createBuffer({ label: `staging ${i}`, size, usage }),
      free: Promise.resolve(),
    });
    this.#filling = create(0);
    this.#waiting = Array.from({ length: STAGING_BUFFER_COUNT - 1 }, (_, i) => create(i + 1));
  }

  /** The buffer that is being filled. */
  get buffer(): GPUBuffer {
    return this.#filling.buffer;
  }

  /** Bytes that it has room for. */
  get freeBytes(): number {
    return this.buffer.size - this.#filled;
  }

  /** Sets room aside; gives its first byte, which a binding may begin at. */
  take(bytes: number): number {
    if (bytes > this.freeBytes) throw new RangeError(`${bytes} bytes outgrow the staging buffer`);
    const offset = this.#filled;
    this.#filled = Math.min(this.buffer.size, Math.ceil((offset + bytes) / 256) * 256);
    return offset;
  }

  /** Turns to another buffer, once the GPU is done with what was last in it: all that reads the present one has been submitted. */
  async turn(): Promise<void> {
    const free = this.#gpu.guard(this.#gpu.device.queue.onSubmittedWorkDone());
    free.catch(() => undefined); // whoever waits for it hears of it
    this.#waiting.push({ buffer: this.buffer, free });
    this.#filling = this.#waiting.shift() ?? this.#filling;
    this.#filled = 0;
    await this.#filling.free;
  }

  /** Writes bytes at a multiple of 4; up to three more may be written behind them. */
  write(offset: number, bytes: Uint8Array): void {
    const whole = bytes.length & ~3;
    const { queue } = this.#gpu.device;
    if (whole > 0) queue.writeBuffer(this.buffer, offset, bytes, 0, whole);
    if (whole < bytes.length) {
      const rest = new Uint8Array(4);
      rest.set(bytes.subarray(whole));
      queue.writeBuffer(this.buffer, offset + whole, rest);
    }
  }

  /** Frees it. */
  destroy(): void {
    for (const { buffer } of [this.#filling, ...this.#waiting]) buffer.destroy();
  }
}
