import { DisposedError, InputError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { BufferUsage, TextureUsage } from '../gpu/usage.ts';
import type { Tensor } from '../graph/tensor.ts';
import { imageOut, nchwOut } from '../kernels/image.ts';
import { readBack, runDispatch } from './compute.ts';

/** Height and width in pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** A result on the GPU. Free it with `dispose()` or `using`. */
export class GpuTensor {
  /** `[N, C, H, W]`. */
  readonly shape: readonly [number, number, number, number];
  protected readonly gpu: Gpu;
  protected readonly tensor: Tensor;
  readonly #buffer: GPUBuffer;
  #disposed = false;

  /** @internal */
  constructor(gpu: Gpu, tensor: Tensor, buffer: GPUBuffer, size: Size = tensor) {
    this.gpu = gpu;
    this.tensor = tensor;
    this.#buffer = buffer;
    this.shape = [tensor.n, tensor.layout.channels, size.height, size.width];
  }

  /**
   * The buffer with the numbers: `[N, H, W, C]` f32, channels padded with zeros to a multiple of 4. It belongs to this object.
   *
   * @throws DisposedError after `dispose()`
   */
  get buffer(): GPUBuffer {
    if (this.#disposed) throw new DisposedError('result');
    return this.#buffer;
  }

  /** The device that the result lives on. */
  get device(): GPUDevice {
    return this.gpu.device;
  }

  /**
   * The numbers as `[N, C, H, W]`.
   *
   * @throws DisposedError after `dispose()`; DeviceError if the device is lost
   */
  async toArray(): Promise<Float32Array> {
    const { gpu, buffer } = this;
    const [n, c, rows, cols] = this.shape;
    const size = 4 * n * c * rows * cols;
    const { STORAGE, COPY_SRC } = BufferUsage;
    const planar = await gpu.checked('a result', () =>
      gpu.device.createBuffer({ label: 'result, channels first', size, usage: STORAGE | COPY_SRC }),
    );
    try {
      await runDispatch(gpu, nchwOut(this.tensor, rows, cols), [{ buffer }, { buffer: planar }]);
      return new Float32Array(
        await readBack(gpu, size, (encoder, target) => encoder.copyBufferToBuffer(planar, 0, target, 0, size)),
      );
    } finally {
      planar.destroy();
    }
  }

  /** Frees the GPU memory. Calling it again does nothing. */
  dispose(): void {
    if (!this.#disposed) this.#buffer.destroy();
    this.#disposed = true;
  }

  /** `using` frees it at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** An encoded image, `[N, latentChannels, h, w]`, not scaled: pipelines multiply by `config.scalingFactor` themselves, as in diffusers. */
export class Latent extends GpuTensor {
  /** The true size of the picture, before it was padded to what the network takes; decoding crops back to it. */
  readonly imageSize: Size;

  /** @internal */
  constructor(gpu: Gpu, tensor: Tensor, buffer: GPUBuffer, imageSize: Size) {
    super(gpu, tensor, buffer);
    this.imageSize = imageSize;
  }
}

/** A decoded image, `[N, inChannels, H, W]`, nominally in [-1, 1] and not clamped. */
export class Sample extends GpuTensor {
  /**
   * A picture of the batch as 8-bit RGBA, clamped.
   *
   * @param index - which picture of the batch
   * @throws InputError if there is no such picture; DisposedError after `dispose()`
   */
  async toPixels(index = 0): Promise<{ data: Uint8ClampedArray<ArrayBuffer>; width: number; height: number }> {
    const [, , height, width] = this.shape;
    const texture = await this.#draw(index);
    try {
      const bytesPerRow = Math.ceil((4 * width) / 256) * 256;
      const bytes = new Uint8Array(
        await readBack(this.gpu, bytesPerRow * height, (encoder, buffer) =>
          encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow }, [width, height]),
        ),
      );
      const data = new Uint8ClampedArray(4 * width * height);
      for (let y = 0; y < height; y++) {
        data.set(bytes.subarray(y * bytesPerRow, y * bytesPerRow + 4 * width), 4 * width * y);
      }
      return { data, width, height };
    } finally {
      texture.destroy();
    }
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
   * Draws a picture of the batch on a canvas, which takes its size. A canvas without a context gets a WebGPU one and the picture never leaves
   * the GPU; one with a 2D context, or any on a software adapter, gets its pixels put.
   *
   * @param index - which picture of the batch
   * @throws InputError if the canvas can be drawn on in neither way
   */
  async drawTo(canvas: HTMLCanvasElement | OffscreenCanvas, index = 0): Promise<void> {
    const [, , height, width] = this.shape;
    // Headless Chromium loses its GPU process over a WebGPU canvas on a software adapter (seen in 156); 2D serves as well there.
    const context = this.gpu.software && canvas.getContext('2d') ? null : canvas.getContext('webgpu');
    if (context) {
      const texture = await this.#draw(index);
      canvas.width = width;
      canvas.height = height;
      const { device } = this.gpu;
      context.configure({ device, format: 'rgba8unorm', usage: TextureUsage.COPY_DST, alphaMode: 'opaque' });
      // The canvas's texture lives until this task ends: nothing is awaited between getting it and submitting.
      const encoder = device.createCommandEncoder({ label: 'draw' });
      encoder.copyTextureToTexture({ texture }, { texture: context.getCurrentTexture() }, [width, height]);
      device.queue.submit([encoder.finish()]);
      texture.destroy();
      return;
    }
    const flat = canvas.getContext('2d');
    if (!flat || !('putImageData' in flat)) {
      throw new InputError('drawTo needs a canvas with no context yet, a "webgpu" or a "2d" one.');
    }
    const image = await this.toImageData(index);
    canvas.width = width;
    canvas.height = height;
    flat.putImageData(image, 0, 0);
  }

  async #draw(index: number): Promise<GPUTexture> {
    const [n, channels, height, width] = this.shape;
    if (!Number.isInteger(index) || index < 0 || index >= n) {
      throw new InputError(`index must be from 0 to ${n - 1}, the batch's pictures; it was ${index}.`);
    }
    if (channels !== 1 && channels !== 3 && channels !== 4) {
      throw new InputError(`A sample of ${channels} channels is no picture; use toArray().`);
    }
    const { gpu, buffer } = this;
    const { STORAGE_BINDING, COPY_SRC } = TextureUsage;
    const texture = await gpu.checked('a picture', () =>
      gpu.device.createTexture({
        label: 'decoded picture',
        size: [width, height],
        format: 'rgba8unorm',
        usage: STORAGE_BINDING | COPY_SRC,
      }),
    );
    try {
      await runDispatch(gpu, imageOut(this.tensor, index, height, width), [{ buffer }, texture.createView()]);
    } catch (error) {
      texture.destroy();
      throw error;
    }
    return texture;
  }
}
