import { DisposedError, InputError } from '../errors.ts';
import type { ModelLatent, ModelResult, ModelSample, Size } from '../runtime/model_results.ts';
import type { Channel } from '../rpc/channel.ts';
import type { PageMethods, SentResult, WorkerMethods } from './protocol.ts';

/** An object in the worker that the page refers to by its id. */
export class RemoteObject {
  /**
   * Keeps Vue from wrapping the object in a proxy, through which private fields cannot be read.
   *
   * @internal
   */
  readonly __v_skip = true;
  /** @internal */
  protected readonly channel: Channel<WorkerMethods, PageMethods>;
  readonly #id: number;
  readonly #name: string;
  #disposed = false;

  /** @internal */
  constructor(channel: Channel<WorkerMethods, PageMethods>, id: number, name: string) {
    this.channel = channel;
    this.#id = id;
    this.#name = name;
  }

  /**
   * The object's id in the worker.
   *
   * @internal
   */
  get id(): number {
    if (this.#disposed) throw new DisposedError(this.#name);
    return this.#id;
  }

  /** Frees the object's GPU memory. Calling it again does nothing. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    // Fails only if the client was disposed of, which has freed everything.
    this.channel.call('release', { object: this.#id }).catch(() => undefined);
  }

  /** `using` frees the object at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A result on the worker's GPU device. Free it with `dispose()` or `using`. */
export class WorkerResult extends RemoteObject implements ModelResult {
  /** `[N, C, H, W]`. */
  readonly shape: readonly [number, number, number, number];

  /** @internal */
  constructor(channel: Channel<WorkerMethods, PageMethods>, { result, shape }: SentResult) {
    super(channel, result, 'result');
    this.shape = shape;
  }

  /**
   * Returns the numbers as `[N, C, H, W]`.
   *
   * @throws DisposedError after `dispose()`; DeviceError if the device is lost
   */
  async toArray(): Promise<Float32Array> {
    return await this.channel.call('toArray', { result: this.id });
  }
}

/** An encoded image in the worker, `[N, latentChannels, h, w]`, not scaled. */
export class WorkerLatent extends WorkerResult implements ModelLatent {
  /** The size of the picture before padding; decoding crops to it. */
  readonly imageSize: Size;

  /** @internal */
  constructor(channel: Channel<WorkerMethods, PageMethods>, sent: SentResult) {
    super(channel, sent);
    const [, , height, width] = sent.shape;
    this.imageSize = sent.imageSize ?? { height, width };
  }
}

/** A decoded image in the worker, `[N, inChannels, H, W]`, nominally in [-1, 1] and not clamped. */
export class WorkerSample extends WorkerResult implements ModelSample {
  /**
   * Returns a picture of the batch as 8-bit RGBA, clamped.
   *
   * @param index - the picture's position in the batch
   * @throws InputError if the index is out of range; DisposedError after `dispose()`
   */
  async toPixels(index = 0): Promise<{ data: Uint8ClampedArray<ArrayBuffer>; width: number; height: number }> {
    return await this.channel.call('toPixels', { result: this.id, index });
  }

  /**
   * Returns a picture of the batch as ImageData: clamped, 8 bits, sRGB.
   *
   * @param index - the picture's position in the batch
   */
  async toImageData(index = 0): Promise<ImageData> {
    const { data, width, height } = await this.toPixels(index);
    return new ImageData(data, width, height);
  }

  /**
   * Returns a picture of the batch as an ImageBitmap, made in the worker. The caller closes it.
   *
   * @param index - the picture's position in the batch
   */
  async toImageBitmap(index = 0): Promise<ImageBitmap> {
    return await this.channel.call('toImageBitmap', { result: this.id, index });
  }

  /**
   * Draws a picture of the batch on a canvas and sets the canvas's size.
   *
   * @param index - the picture's position in the batch
   * @throws InputError if the canvas has a context of another kind than "bitmaprenderer" and "2d"
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
    const context2d = canvas.getContext('2d');
    if (context2d === null || !('drawImage' in context2d)) {
      bitmap.close();
      throw new InputError(
        'The canvas has a context that drawTo cannot use. Pass a canvas without a context, or with a ' +
          '"bitmaprenderer" or "2d" context.',
      );
    }
    canvas.width = width;
    canvas.height = height;
    context2d.drawImage(bitmap, 0, 0);
    bitmap.close();
  }
}
