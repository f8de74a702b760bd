import { DisposedError, InputError } from '../errors.ts';
import type { Size } from '../runtime/results.ts';
import type { Channel } from '../rpc/channel.ts';
import type { PageMethods, SentResult, WorkerMethods } from './protocol.ts';

/** Something that the worker owns for us. */
export class RemoteObject {
  /** @internal */
  protected readonly channel: Channel<WorkerMethods, PageMethods>;
  readonly #id: number;
  readonly #what: string;
  #disposed = false;

  /** @internal */
  constructor(channel: Channel<WorkerMethods, PageMethods>, id: number, what: string) {
    this.channel = channel;
    this.#id = id;
    this.#what = what;
  }

  /**
   * Its number in the worker.
   *
   * @internal
   */
  get id(): number {
    if (this.#disposed) throw new DisposedError(this.#what);
    return this.#id;
  }

  /** Frees its GPU memory. Calling it again does nothing. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    // Once the client is disposed of, so is everything in its worker.
    this.channel.call('release', { object: this.#id }).catch(() => undefined);
  }

  /** `using` frees it at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A result on the worker's GPU device. Free it with `dispose()` or `using`. */
export class WorkerResult extends RemoteObject {
  /** `[N, C, H, W]`. */
  readonly shape: readonly [number, number, number, number];

  /** @internal */
  constructor(channel: Channel<WorkerMethods, PageMethods>, { result, shape }: SentResult) {
    super(channel, result, 'result');
    this.shape = shape;
  }

  /**
   * The numbers as `[N, C, H, W]`.
   *
   * @throws DisposedError after `dispose()`; DeviceError if the device is lost
   */
  async toArray(): Promise<Float32Array> {
    return await this.channel.call('toArray', { result: this.id });
  }
}

/** An encoded image in the worker, `[N, latentChannels, h, w]`, not scaled. */
export class WorkerLatent extends WorkerResult {
  /** The true size of the picture, before it was padded to what the network takes; decoding crops back to it. */
  readonly imageSize: Size;

  /** @internal */
  constructor(channel: Channel<WorkerMethods, PageMethods>, sent: SentResult) {
    super(channel, sent);
    const [, , height, width] = sent.shape;
    this.imageSize = sent.imageSize ?? { height, width };
  }
}

/** A decoded image in the worker, `[N, inChannels, H, W]`, nominally in [-1, 1] and not clamped. */
export class WorkerSample extends WorkerResult {
  /**
   * A picture of the batch as 8-bit RGBA, clamped.
   *
   * @param index - which picture of the batch
   * @throws InputError if there is no such picture; DisposedError after `dispose()`
   */
  async toPixels(index = 0): Promise<{ data: Uint8ClampedArray<ArrayBuffer>; width: number; height: number }> {
    return await this.channel.call('toPixels', { result: this.id, index });
  }

  /**
   * A picture of the batch as ImageData, clamped, 8 bits, sRGB.
   *
   * @param index - which picture of the batch
   */
  async toImageData(index = 0): Promise<ImageData> {
    const { data, width, height } = await this.toPixels(index);
    return new ImageData(data, width, height);
  }

  /**
   * A picture of the batch as an ImageBitmap, made in the worker. It is the caller's to close.
   *
   * @param index - which picture of the batch
   */
  async toImageBitmap(index = 0): Promise<ImageBitmap> {
    return await this.channel.call('toImageBitmap', { result: this.id, index });
  }

  /**
   * Draws a picture of the batch on a canvas, which takes its size.
   *
   * @param index - which picture of the batch
   * @throws InputError if the canvas has a context that nothing can be drawn with
   */
  async drawTo(canvas: HTMLCanvasElement | OffscreenCanvas, index = 0): Promise<void> {
    const bitmap = await this.toImageBitmap(index);
    const { width, height } = bitmap;
    const context = canvas.getContext('bitmaprenderer');
    if (context !== null && 'transferFromImageBitmap' in context) {
      canvas.width = width;
      canvas.height = height;
      context.transferFromImageBitmap(bitmap);
      return;
    }
    const flat = canvas.getContext('2d');
    if (flat === null || !('drawImage' in flat)) {
      bitmap.close();
      throw new InputError('drawTo needs a canvas with no context yet, a "bitmaprenderer" or a "2d" one.');
    }
    canvas.width = width;
    canvas.height = height;
    flat.drawImage(bitmap, 0, 0);
    bitmap.close();
  }
}
