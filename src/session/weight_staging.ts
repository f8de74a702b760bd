import type { Gpu } from '../gpu/gpu.ts';
import { BufferUsage } from '../gpu/usage.ts';

const STAGING_BUFFER_BYTES = 16 * 2 ** 20;
const STAGING_BUFFER_COUNT = 3;

/** A staging buffer. `free` resolves once the GPU has finished with its contents. */
interface Stage {
  readonly buffer: GPUBuffer;
  free: Promise<unknown>;
}

/**
 * Buffers for raw weights on their way to being packed. One buffer is filled while the GPU packs the contents of the
 * others: a write into a buffer in use would make the browser allocate and clear a copy.
 */
export class WeightStaging {
  readonly #gpu: Gpu;
  readonly #waiting: Stage[];
  #filling: Stage;
  #filled = 0;

  /** @param maxBinding - the device's largest binding, in bytes */
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

  /** The buffer being filled. */
  get buffer(): GPUBuffer {
    return this.#filling.buffer;
  }

  /** Bytes left in the buffer being filled. */
  get freeBytes(): number {
    return this.buffer.size - this.#filled;
  }

  /** Reserves bytes in the buffer being filled; returns their offset, aligned so that a binding may begin there. */
  take(bytes: number): number {
    if (bytes > this.freeBytes) throw new RangeError(`${bytes} bytes exceed the staging buffer`);
    const offset = this.#filled;
    this.#filled = Math.min(this.buffer.size, Math.ceil((offset + bytes) / 256) * 256);
    return offset;
  }

  /**
   * Switches to the next buffer once the GPU has finished with it. All commands that read the present buffer must have
   * been submitted.
   *
   * @param accepted - resolves once the driver has accepted these commands
   * @throws what `accepted` rejected with, when the buffer is needed again
   */
  async nextBuffer(accepted: Promise<unknown>): Promise<void> {
    const free = Promise.all([accepted, this.#gpu.guard(this.#gpu.device.queue.onSubmittedWorkDone())]);
    free.catch(() => undefined); // nextBuffer() awaits it later and throws
    this.#waiting.push({ buffer: this.buffer, free });
    this.#filling = this.#waiting.shift() ?? this.#filling;
    this.#filled = 0;
    await this.#filling.free;
  }

  /** Writes bytes at an offset that is a multiple of 4. Up to three zero bytes may follow. */
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

  /** Frees the buffers. */
  dispose(): void {
    for (const { buffer } of [this.#filling, ...this.#waiting]) buffer.destroy();
  }
}
