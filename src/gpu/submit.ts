import { DeviceError } from '../errors.ts';
import type { Gpu } from './gpu.ts';
import { BufferUsage, MapMode } from './usage.ts';

/** The time in which the loss of a device is reported after the first call has failed because of it. */
const LOSS_REPORT_MS = 100;

/**
 * Encodes commands and submits them at once. Resolves when the driver has accepted them, not when they have run.
 *
 * @param label - names the commands, and the work in error messages
 * @throws DeviceError if the driver refuses the commands, the GPU is out of memory, or the device is lost
 */
export async function submitCommands(
  gpu: Gpu,
  label: string,
  encode: (encoder: GPUCommandEncoder) => void,
): Promise<void> {
  await gpu.checked(label, () => {
    const encoder = gpu.device.createCommandEncoder({ label });
    encode(encoder);
    gpu.device.queue.submit([encoder.finish()]);
  });
}

/**
 * Copies bytes from the GPU to JavaScript.
 *
 * @param encodeCopy - encodes a copy of `size` bytes into the buffer that it is given
 * @throws DeviceError if the GPU is out of memory, refuses the copy, or is lost
 */
export async function readBack(
  gpu: Gpu,
  size: number,
  encodeCopy: (encoder: GPUCommandEncoder, target: GPUBuffer) => void,
): Promise<ArrayBuffer> {
  const usage = BufferUsage.MAP_READ | BufferUsage.COPY_DST;
  const target = await gpu.checked('a readback', () => gpu.device.createBuffer({ label: 'readback', size, usage }));
  try {
    await submitCommands(gpu, 'a readback', (encoder) => {
      encodeCopy(encoder, target);
    });
    await mapForReading(gpu, target);
    return target.getMappedRange().slice(0);
  } finally {
    target.destroy();
  }
}

async function mapForReading(gpu: Gpu, buffer: GPUBuffer): Promise<void> {
  try {
    await gpu.guard(buffer.mapAsync(MapMode.READ));
  } catch (cause) {
    // A lost device may be the reason, and its loss may be reported later than this.
    await Promise.race([gpu.lost, new Promise((resolve) => setTimeout(resolve, LOSS_REPORT_MS))]);
    throw new DeviceError('gpu', 'The GPU could not hand a result to JavaScript. Try again, or load the model again.', {
      cause,
    });
  }
}
