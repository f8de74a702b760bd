import type { Gpu } from '../gpu/gpu.ts';
import { BufferUsage } from '../gpu/usage.ts';
import { intersection, rectOf } from '../graph/rects.ts';
import { pixelBytes, tensorBytes, type Tensor } from '../graph/tensor.ts';
import { maxBindingBytes } from '../plan/budget.ts';

/** Rows of an image on the GPU. */
export interface Band {
  readonly tensor: Tensor;
  readonly buffer: GPUBuffer;
}

/**
 * Room for a tensor: one buffer, or bands of rows where that would outgrow a binding.
 *
 * @throws DeviceError `limits` when memory runs out
 */
export async function makeBands(gpu: Gpu, label: string, tensor: Tensor): Promise<Band[]> {
  const { STORAGE, COPY_SRC, COPY_DST } = BufferUsage;
  const rowBytes = tensorBytes(tensor) / tensor.height;
  const rows = Math.max(1, Math.floor(maxBindingBytes(gpu.device.limits) / rowBytes));
  const bands: Band[] = [];
  try {
    for (let y = 0; y < tensor.height; y += rows) {
      const height = Math.min(rows, tensor.height - y);
      const part = { ...tensor, height, origin: { y, x: 0 } };
      const buffer = await gpu.checked(label, () =>
        gpu.device.createBuffer({ label, size: tensorBytes(part), usage: STORAGE | COPY_SRC | COPY_DST }),
      );
      bands.push({ tensor: part, buffer });
    }
  } catch (error) {
    for (const { buffer } of bands) buffer.destroy();
    throw error;
  }
  return bands;
}

/**
 * Copies the pixels that two bands have in common.
 *
 * @param samples - the first picture of a batch that is read, and the one that it becomes; the batch of the smaller of both is copied
 */
export function copyCommon(
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
  const whole = width === from.tensor.width && width === to.tensor.width;
  const [runs, rows] = whole ? [1, height] : [height, 1];
  for (let n = 0; n < Math.min(from.tensor.n, to.tensor.n); n++) {
    for (let i = 0; i < runs; i++) {
      const source = offset(from, samples.from + n, y + i);
      const target = offset(to, samples.to + n, y + i);
      encoder.copyBufferToBuffer(from.buffer, source, to.buffer, target, rows * width * bytes);
    }
  }
}
