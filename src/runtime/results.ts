import { DisposedError, InputError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { BufferUsage } from '../gpu/usage.ts';
import type { Tensor } from '../graph/tensor.ts';
import { nchwOut } from '../kernels/image.ts';
import { readBack } from '../gpu/submit.ts';
import { runSingleDispatch } from '../session/single_dispatch.ts';
import type { Band, BandedTensor } from './bands.ts';
import { drawPicture, readPixels, type DrawablePicture } from './draw.ts';
import type { ModelLatent, ModelResult, ModelSample, Size } from './model_results.ts';

/** Crops a size, or returns it if `to` is absent. */
export function cropSize(size: Size, to: Size | undefined): Size {
  const { height, width } = to ?? size;
  return { height: Math.min(height, size.height), width: Math.min(width, size.width) };
}

/** A result on the GPU. Free it with `dispose()` or `using`. */
export class GpuTensor implements ModelResult {
  /** `[N, C, H, W]`. */
  readonly shape: readonly [number, number, number, number];
  /** @internal */
  protected readonly gpu: Gpu;
  readonly #tensor: BandedTensor;
  #disposed = false;

  /** @internal */
  constructor(gpu: Gpu, tensor: BandedTensor, size: Size) {
    const [first] = tensor.bands;
    if (!first) throw new RangeError('a result has no band');
    this.gpu = gpu;
    this.#tensor = tensor;
    this.shape = [first.tensor.n, first.tensor.layout.channels, size.height, size.width];
  }

  /**
   * Keeps Vue from wrapping the object in a proxy, which private fields do not survive: `ref(latent)` holds the object
   * itself.
   *
   * @internal
   */
  readonly __v_skip = true;

  /**
   * The buffer with the numbers: `[N, H, W, C]` f32, with channels padded by zeros to a multiple of 4. The buffer
   * belongs to this object.
   *
   * @throws DisposedError after `dispose()`; InputError if the result lies in several buffers (see `bands`)
   */
  get buffer(): GPUBuffer {
    const [first, ...others] = this.bands;
    if (first && others.length === 0) return first.buffer;
    throw new InputError(
      `This result lies in ${others.length + 1} buffers, because it exceeds the largest binding of this ` +
        'device. Use its bands.',
    );
  }

  /**
   * The buffers with the numbers. Each holds whole rows of the image from row `y` on, `[N, height, W, C]` as in
   * `buffer`. Rows and columns of padding may follow the result's own.
   *
   * @throws DisposedError after `dispose()`
   */
  get bands(): readonly { readonly buffer: GPUBuffer; readonly y: number; readonly height: number }[] {
    return this.bandTensors.map(({ tensor, buffer }) => ({ buffer, y: tensor.origin.y, height: tensor.height }));
  }

  /** The device of the result's buffers. */
  get device(): GPUDevice {
    return this.gpu.device;
  }

  /**
   * The bands, each with the tensor that it holds.
   *
   * @internal
   */
  get bandTensors(): readonly Band[] {
    if (this.#disposed) throw new DisposedError('result');
    return this.#tensor.bands;
  }

  /**
   * Reads the numbers, `[N, C, H, W]`.
   *
   * @throws DisposedError after `dispose()`; DeviceError if the GPU is out of memory or lost
   */
  async toArray(): Promise<Float32Array> {
    const [n, c, height, width] = this.shape;
    const numbers = new Float32Array(n * c * height * width);
    for (const { tensor, buffer } of this.bandTensors) {
      const rows = Math.min(tensor.height, height - tensor.origin.y);
      if (rows <= 0) continue;
      const planes = await this.#planes(tensor, buffer, rows, width);
      for (let plane = 0; plane < n * c; plane++) {
        const from = planes.subarray(plane * rows * width, (plane + 1) * rows * width);
        numbers.set(from, (plane * height + tensor.origin.y) * width);
      }
    }
    return numbers;
  }

  /** Frees the GPU memory. Repeated calls do nothing. */
  dispose(): void {
    if (!this.#disposed) this.#tensor.dispose();
    this.#disposed = true;
  }

  /** Calls `dispose()` at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  async #planes(tensor: Tensor, buffer: GPUBuffer, rows: number, cols: number): Promise<Float32Array> {
    const { gpu } = this;
    const size = 4 * tensor.n * tensor.layout.channels * rows * cols;
    const usage = BufferUsage.STORAGE | BufferUsage.COPY_SRC;
    const planar = await gpu.checked('a result', () =>
      gpu.device.createBuffer({ label: 'result, channels first', size, usage }),
    );
    try {
      await runSingleDispatch(gpu, nchwOut(tensor, rows, cols), [{ buffer }, { buffer: planar }]);
      const bytes = await readBack(gpu, size, (encoder, target) => {
        encoder.copyBufferToBuffer(planar, 0, target, 0, size);
      });
      return new Float32Array(bytes);
    } finally {
      planar.destroy();
    }
  }
}

/**
 * An encoded image, `[N, latentChannels, h, w]`. Not scaled by `config.scalingFactor`; diffusion pipelines multiply by
 * it themselves.
 */
export class Latent extends GpuTensor implements ModelLatent {
  /** The picture's size in pixels before padding. Decoding crops to it. */
  readonly imageSize: Size;

  /** @internal */
  constructor(gpu: Gpu, tensor: BandedTensor, size: Size, imageSize: Size) {
    super(gpu, tensor, size);
    this.imageSize = imageSize;
  }
}

/** A picture of a batch as 8-bit RGBA. */
export interface Pixels {
  /** `4 * width * height` bytes, row by row, sRGB, opaque unless the model has four channels. */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

/** A decoded image, `[N, inChannels, H, W]`, nominally in [-1, 1] and not clamped. */
export class Sample extends GpuTensor implements ModelSample {
  /**
   * Reads a picture of the batch as 8-bit RGBA in sRGB, clamped.
   *
   * @param index - the picture's index in the batch
   * @throws InputError if there is no such picture or the channels are no colours; DisposedError after `dispose()`
   */
  async toPixels(index = 0): Promise<Pixels> {
    return await readPixels(this.gpu, this.#picture(index));
  }

  /**
   * Reads a picture of the batch as ImageData: sRGB, 8 bits, clamped.
   *
   * @param index - the picture's index in the batch
   * @throws as `toPixels`; InputError if the environment has no ImageData (Node)
   */
  async toImageData(index = 0): Promise<ImageData> {
    const picture = this.#picture(index);
    if (typeof ImageData === 'undefined') {
      throw new InputError('This environment has no ImageData. Use toPixels(): { data, width, height }.');
    }
    const { data, width, height } = await readPixels(this.gpu, picture);
    return new ImageData(data, width, height);
  }

  /**
   * Reads a picture of the batch as ImageBitmap.
   *
   * @param index - the picture's index in the batch
   * @throws as `toImageData`
   */
  async toImageBitmap(index = 0): Promise<ImageBitmap> {
    return await createImageBitmap(await this.toImageData(index), { premultiplyAlpha: 'none' });
  }

  /**
   * Draws a picture of the batch on a canvas, which takes the picture's size.
   *
   * A canvas without a context gets a WebGPU one, and the picture stays on the GPU. The picture goes through memory to
   * a canvas with a 2D context, and to any canvas on a software adapter or if the picture exceeds the device's
   * textures.
   *
   * @param index - the picture's index in the batch
   * @throws as `toPixels`; InputError if the canvas has another context or is not a canvas
   */
  async drawTo(canvas: HTMLCanvasElement | OffscreenCanvas, index = 0): Promise<void> {
    await drawPicture(this.gpu, this.#picture(index), canvas);
  }

  #picture(index: number): DrawablePicture {
    const [n, channels, height, width] = this.shape;
    if (!Number.isInteger(index) || index < 0 || index >= n) {
      throw new InputError(`index must be an integer from 0 to ${n - 1}, a picture of the batch; it was ${index}.`);
    }
    if (channels !== 1 && channels !== 3 && channels !== 4) {
      throw new InputError(`A sample of ${channels} channels is not a picture. Use toArray().`);
    }
    return { bands: this.bandTensors, index, height, width };
  }
}
