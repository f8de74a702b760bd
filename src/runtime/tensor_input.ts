import type { Gpu } from '../gpu/gpu.ts';
import { BufferUsage } from '../gpu/usage.ts';
import type { Tensor } from '../graph/tensor.ts';
import { nchwIn } from '../kernels/image.ts';
import { runSingleDispatch } from '../session/single_dispatch.ts';
import type { Shape4 } from './numbers.ts';
import type { StagedInput } from './staged_input.ts';

/**
 * Stages checked numbers, `[N, C, H, W]`.
 *
 * @param what - the argument's name for labels and messages
 */
export function stageNumbers(gpu: Gpu, what: string, numbers: Float32Array, shape: Shape4): StagedInput {
  const [n, , height, width] = shape;
  return {
    n,
    height,
    width,
    isPadded: false,
    async write({ tensor, buffer }, first) {
      const data = cutRect(numbers, shape, tensor, first);
      const usage = BufferUsage.STORAGE | BufferUsage.COPY_DST;
      const planar = await gpu.checked(`the ${what}`, () => {
        const buffer = gpu.device.createBuffer({ label: what, size: data.byteLength, usage });
        gpu.device.queue.writeBuffer(buffer, 0, data.buffer, data.byteOffset, data.byteLength);
        return buffer;
      });
      try {
        await runSingleDispatch(gpu, nchwIn(tensor), [{ buffer: planar }, { buffer }]);
      } finally {
        planar.destroy();
      }
    },
  };
}

/** The numbers of the rectangle that a tensor holds; a view without a copy if that is all of some pictures. */
function cutRect(
  numbers: Float32Array,
  [, channels, height, width]: Shape4,
  rect: Tensor,
  first: number,
): Float32Array {
  const size = channels * height * width;
  if (rect.height === height && rect.width === width) return numbers.subarray(first * size, (first + rect.n) * size);
  const { y, x } = rect.origin;
  const cut = new Float32Array(rect.n * channels * rect.height * rect.width);
  for (let plane = 0; plane < rect.n * channels; plane++) {
    for (let row = 0; row < rect.height; row++) {
      const from = ((first * channels + plane) * height + y + row) * width + x;
      cut.set(numbers.subarray(from, from + rect.width), (plane * rect.height + row) * rect.width);
    }
  }
  return cut;
}
