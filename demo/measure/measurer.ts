/** The page's end of the worker that measures. */
import { Caller } from '../rpc.ts';
import type { Likeness, MeasureMethods, Pixels, Rival, Side } from './protocol.ts';
import type { Format } from './rivals.ts';

/** Compares pictures, and runs the other codecs, in a worker of its own. */
export class Measurer {
  readonly #caller = new Caller<MeasureMethods>(
    new Worker(new URL('./measure_worker.ts', import.meta.url), { type: 'module' }),
  );

  /** Sets what all others are measured against. The pixels are handed over. */
  async original(pixels: Pixels): Promise<void> {
    await this.#caller.call('original', pixels, { transfer: [pixels.data.buffer] });
  }

  /**
   * How near our picture comes to the original. The pixels are handed over.
   *
   * @throws CallError; the signal's reason when aborted
   */
  async ours(pixels: Pixels, signal: AbortSignal): Promise<Likeness> {
    return await this.#caller.call('ours', pixels, { signal, transfer: [pixels.data.buffer] });
  }

  /** Another codec's best at so many bytes; as `ours`. */
  async rival(format: Format, target: number, signal: AbortSignal): Promise<Rival> {
    return await this.#caller.call('rival', { format, target }, { signal });
  }

  /**
   * What sets ours apart from another picture.
   *
   * @throws CallError
   */
  async difference(side: Side): Promise<ImageBitmap> {
    return await this.#caller.call('difference', side);
  }
}
