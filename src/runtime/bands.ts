import type { Gpu } from '../gpu/gpu.ts';
import { BufferUsage } from '../gpu/usage.ts';
import { intersection, rectOf } from '../graph/rects.ts';
import { pixelBytes, tensorBytes, type Tensor } from '../graph/tensor.ts';
import { maxBindingBytes } from '../plan/budget.ts';
import { submitCommands } from '../gpu/submit.ts';

const BAND_USAGE = BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST;

/** A rectangle of a tensor in a GPU buffer; `tensor.origin` and its sides say which one. */
export interface Band {
  readonly tensor: Tensor;
  readonly buffer: GPUBuffer;
}

/**
 * A tensor on the GPU that owns its buffers: one, or bands of rows if one buffer would exceed the device's largest
 * binding.
 */
export class BandedTensor {
  readonly bands: readonly Band[];
  /** Height and width in pixels of the tensor. */
  readonly size: { readonly height: number; readonly width: number };
  readonly #gpu: Gpu;

  /** Takes ownership of bands, which together hold `size`. */
  constructor(
    gpu: Gpu,
    bands: readonly Band[],
    { height, width }: { readonly height: number; readonly width: number },
  ) {
    this.#gpu = gpu;
    this.bands = bands;
    this.size = { height, width };
  }

  /**
   * Allocates a tensor, uninitialised.
   *
   * @param label - names the buffers, and the tensor in error messages
   * @throws DeviceError `limits` if the GPU is out of memory
   */
  static async create(gpu: Gpu, label: string, tensor: Tensor): Promise<BandedTensor> {
    const rowBytes = tensorBytes(tensor) / tensor.height;
    const rows = Math.max(1, Math.floor(maxBindingBytes(gpu.device.limits) / rowBytes));
    const bands: Band[] = [];
    const created = new BandedTensor(gpu, bands, tensor);
    try {
      for (let y = 0; y < tensor.height; y += rows) {
        const height = Math.min(rows, tensor.height - y);
        bands.push(await createBand(gpu, label, { ...tensor, height, origin: { y, x: 0 } }));
      }
      return created;
    } catch (error) {
      created.dispose();
      throw error;
    }
  }

  /**
   * Copies bands as they are now: the copy is submitted before this returns.
   *
   * @param size - height and width that the bands hold together
   * @throws DeviceError `limits` if the GPU is out of memory
   */
  static async copyOf(
    gpu: Gpu,
    label: string,
    bands: readonly Band[],
    size: { readonly height: number; readonly width: number },
  ): Promise<BandedTensor> {
    const copies: Band[] = [];
    const copied = new BandedTensor(gpu, copies, size);
    try {
      await gpu.checked(`the ${label}`, () => {
        const { device } = gpu;
        const encoder = device.createCommandEncoder({ label });
        for (const { tensor, buffer } of bands) {
          const copy = device.createBuffer({ label, size: tensorBytes(tensor), usage: BAND_USAGE });
          copies.push({ tensor, buffer: copy });
          encoder.copyBufferToBuffer(buffer, 0, copy, 0, copy.size);
        }
        device.queue.submit([encoder.finish()]);
      });
      return copied;
    } catch (error) {
      copied.dispose();
      throw error;
    }
  }

  /**
   * Copies a region into all bands that it overlaps.
   *
   * @param first - the picture of this batch that the region's first picture becomes
   * @throws DeviceError if the driver refuses the copy
   */
  async copyFrom(region: Band, first = 0): Promise<void> {
    await submitCommands(this.#gpu, 'the result', (encoder) => {
      for (const band of this.bands) copyOverlap(encoder, region, band, { from: 0, to: first });
    });
  }

  /** Frees the buffers. */
  dispose(): void {
    for (const { buffer } of this.bands) buffer.destroy();
  }
}

/**
 * Allocates one buffer for a tensor.
 *
 * @throws DeviceError `limits` if the GPU is out of memory
 */
export async function createBand(gpu: Gpu, label: string, tensor: Tensor): Promise<Band> {
  const buffer = await gpu.checked(`a ${label}`, () =>
    gpu.device.createBuffer({ label, size: tensorBytes(tensor), usage: BAND_USAGE }),
  );
  return { tensor, buffer };
}

/**
 * Encodes a copy of the pixels that two bands share.
 *
 * @param samples - the first picture to read and the first to write; as many follow as the smaller batch holds
 */
export function copyOverlap(
  encoder: GPUCommandEncoder,
  from: Band,
  to: Band,
  samples: { readonly from: number; readonly to: number } = { from: 0, to: 0 },
): void {
  const { y, x, height, width } = intersection(rectOf(from.tensor), rectOf(to.tensor));
  if (height === 0 || width === 0) return;
  const bytes = pixelBytes(from.tensor);
  const offset = ({ tensor }: Band, n: number, row: number): number =>
    ((n * tensor.height + row - tensor.origin.y) * tensor.width + x - tensor.origin.x) * bytes;
  const isContiguous = width === from.tensor.width && width === to.tensor.width;
  const [copies, rows] = isContiguous ? [1, height] : [height, 1];
  for (let n = 0; n < Math.min(from.tensor.n, to.tensor.n); n++) {
    for (let i = 0; i < copies; i++) {
      const source = offset(from, samples.from + n, y + i);
      const target = offset(to, samples.to + n, y + i);
      encoder.copyBufferToBuffer(from.buffer, source, to.buffer, target, rows * width * bytes);
    }
  }
}
