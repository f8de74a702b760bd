import { DeviceError, DisposedError, InputError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { BufferUsage, TextureUsage } from '../gpu/usage.ts';
import type { Tensor } from '../graph/tensor.ts';
import { imageOut, nchwOut } from '../kernels/image.ts';
import type { Band, BandedTensor } from './bands.ts';
import { readBack, runSingleDispatch } from '../session/single_dispatch.ts';

/** Height and width in pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** Crops a size, or returns it if `to` is absent. */
export function cropSize(size: Size, to: Size | undefined): Size {
  const { height, width } = to ?? size;
  return { height: Math.min(height, size.height), width: Math.min(width, size.width) };
}

/** A result on the GPU. Free it with `dispose()` or `using`. */
export class GpuTensor {
  /** `[N, C, H, W]`. */
  readonly shape: readonly [number, number, number, number];
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
   * The buffer with the numbers: `[N, H, W, C]` f32, channels padded with zeros to a multiple of 4. It belongs to this object.
   *
   * @throws DisposedError after `dispose()`; InputError where the result outgrew a binding and lies in several buffers: see `bands`
   */
  get buffer(): GPUBuffer {
    const [first, ...others] = this.bands;
    if (first && others.length === 0) return first.buffer;
    throw new InputError(
      `This result lies in ${others.length + 1} buffers, because one would outgrow a binding of this device. Take its \`bands\`.`,
    );
  }

  /**
   * The buffers with the numbers, each with some whole rows of the image: `[N, height, W, C]` as in `buffer`, from row `y` on. Padding that the
   * picture's own size leaves out may follow behind its last row and column.
   *
   * @throws DisposedError after `dispose()`
   */
  get bands(): readonly { readonly buffer: GPUBuffer; readonly y: number; readonly height: number }[] {
    return this.bandTensors.map(({ tensor, buffer }) => ({ buffer, y: tensor.origin.y, height: tensor.height }));
  }

  /** The device that the result lives on. */
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
   * The numbers as `[N, C, H, W]`.
   *
   * @throws DisposedError after `dispose()`; DeviceError if the device is lost
   */
  async toArray(): Promise<Float32Array> {
    const [n, c, height, width] = this.shape;
    const result = new Float32Array(n * c * height * width);
    for (const { tensor, buffer } of this.bandTensors) {
      const rows = Math.min(tensor.height, height - tensor.origin.y);
      if (rows <= 0) continue;
      const planes = await this.#planes(tensor, buffer, rows, width);
      for (let plane = 0; plane < n * c; plane++) {
        const from = planes.subarray(plane * rows * width, (plane + 1) * rows * width);
        result.set(from, (plane * height + tensor.origin.y) * width);
      }
    }
    return result;
  }

  /** Frees the GPU memory. Calling it again does nothing. */
  dispose(): void {
    if (!this.#disposed) this.#tensor.dispose();
    this.#disposed = true;
  }

  /** `using` frees it at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  async #planes(tensor: Tensor, buffer: GPUBuffer, rows: number, cols: number): Promise<Float32Array> {
    const { gpu } = this;
    const size = 4 * tensor.n * tensor.layout.channels * rows * cols;
    const { STORAGE, COPY_SRC } = BufferUsage;
    const planar = await gpu.checked('a result', () =>
      gpu.device.createBuffer({ label: 'result, channels first', size, usage: STORAGE | COPY_SRC }),
    );
    try {
      await runSingleDispatch(gpu, nchwOut(tensor, rows, cols), [{ buffer }, { buffer: planar }]);
      return new Float32Array(
        await readBack(gpu, size, (encoder, target) => encoder.copyBufferToBuffer(planar, 0, target, 0, size)),
      );
    } finally {
      planar.destroy();
    }
  }
}

/** An encoded image, `[N, latentChannels, h, w]`, not scaled: pipelines multiply by `config.scalingFactor` themselves, as in diffusers. */
export class Latent extends GpuTensor {
  /** The true size of the picture, before it was padded to what the network takes; decoding crops back to it. */
  readonly imageSize: Size;

  /** @internal */
  constructor(gpu: Gpu, tensor: BandedTensor, size: Size, imageSize: Size) {
    super(gpu, tensor, size);
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
    const data = new Uint8ClampedArray(4 * width * height);
    const bytesPerRow = Math.ceil((4 * width) / 256) * 256;
    await this.#draw(index, async (texture, top) => {
      const bytes = new Uint8Array(
        await readBack(this.gpu, bytesPerRow * texture.height, (encoder, buffer) =>
          encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow }, [width, texture.height]),
        ),
      );
      for (let y = 0; y < texture.height; y++) {
        data.set(bytes.subarray(y * bytesPerRow, y * bytesPerRow + 4 * width), 4 * width * (top + y));
      }
    });
    return { data, width, height };
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
      const { device } = this.gpu;
      const drawn: { texture: GPUTexture; top: number }[] = [];
      // The canvas's texture lives until this task ends: nothing is awaited between getting it and submitting.
      const show = (): void => {
        canvas.width = width;
        canvas.height = height;
        context.configure({ device, format: 'rgba8unorm', usage: TextureUsage.COPY_DST, alphaMode: 'opaque' });
        const encoder = device.createCommandEncoder({ label: 'draw' });
        const target = context.getCurrentTexture();
        for (const { texture, top } of drawn) {
          encoder.copyTextureToTexture({ texture }, { texture: target, origin: [0, top] }, [width, texture.height]);
        }
        device.queue.submit([encoder.finish()]);
      };
      await this.#draw(index, (texture, top, last) => {
        drawn.push({ texture, top });
        if (last) show();
      });
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

  /** Draws the bands of a picture into textures, one after another; they live until all are done. */
  async #draw(
    index: number,
    use: (texture: GPUTexture, top: number, last: boolean) => Promise<void> | void,
  ): Promise<void> {
    const [n, channels, height, width] = this.shape;
    if (!Number.isInteger(index) || index < 0 || index >= n) {
      throw new InputError(`index must be from 0 to ${n - 1}, the batch's pictures; it was ${index}.`);
    }
    if (channels !== 1 && channels !== 3 && channels !== 4) {
      throw new InputError(`A sample of ${channels} channels is no picture; use toArray().`);
    }
    const { gpu } = this;
    const { STORAGE_BINDING, COPY_SRC } = TextureUsage;
    const most = gpu.device.limits.maxTextureDimension2D;
    if (width > most) {
      throw new DeviceError(
        'limits',
        `The picture is ${width} pixels wide, and this device's textures end at ${most}. Use toArray(), or decode in strips.`,
      );
    }
    // A band's texture must fit, too; a picture of one band is drawn whole where it does.
    const pieces = this.bandTensors.flatMap(({ tensor, buffer }) => {
      const rows = Math.min(tensor.height, height - tensor.origin.y);
      return Array.from({ length: Math.ceil(rows / most) }, (_, i) => {
        const first = i * most;
        return { tensor, buffer, first, rows: Math.min(most, rows - first) };
      });
    });
    const textures: GPUTexture[] = [];
    try {
      for (const [i, { tensor, buffer, first, rows }] of pieces.entries()) {
        const texture = await gpu.checked('a picture', () =>
          gpu.device.createTexture({
            label: 'decoded picture',
            size: [width, rows],
            format: 'rgba8unorm',
            usage: STORAGE_BINDING | COPY_SRC,
          }),
        );
        textures.push(texture);
        await runSingleDispatch(gpu, imageOut(tensor, index, first, rows, width), [{ buffer }, texture.createView()]);
        await use(texture, tensor.origin.y + first, i + 1 === pieces.length);
      }
    } finally {
      for (const texture of textures) texture.destroy();
    }
  }
}
