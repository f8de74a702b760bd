import { DeviceError, InputError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { BufferUsage } from '../gpu/usage.ts';
import { intersection, rectOf, type Rect } from '../graph/rects.ts';
import type { Tensor } from '../graph/tensor.ts';
import { imageIn, nchwIn } from '../kernels/image.ts';
import { copyOverlap, type Band } from './bands.ts';
import { runSingleDispatch, submitCommands } from '../session/single_dispatch.ts';
import { checkImage, checkTensor, isTensorInput, openPicture, type ImageInput, type TensorInput } from './image.ts';
import { Latent, type Size } from './results.ts';
import type { StagedInput } from './staged_input.ts';

/** A latent from elsewhere: `[N, latentChannels, h, w]`, not scaled (a pipeline's latents divided by `config.scalingFactor`). */
export interface LatentInput extends TensorInput {
  /** The size to crop the decoded picture to. */
  readonly imageSize?: Size | undefined;
}

/**
 * Looks at an image that is to be encoded.
 *
 * @throws InputError for what isn't an image that a model of `channels` channels takes
 */
export async function stageImage(gpu: Gpu, image: ImageInput, channels: number): Promise<StagedInput> {
  checkImage(image);
  if (isTensorInput(image)) return stageTensor(gpu, 'image', image, channels);
  if (channels !== 3) {
    throw new InputError(
      `This model takes ${channels} channels; hand in a tensor { data, shape: [N, ${channels}, H, W] }.`,
    );
  }
  const picture = await openPicture(gpu, image);
  const { height, width } = picture;
  const whole = { y: 0, x: 0, height, width };
  return {
    n: 1,
    height,
    width,
    isPadded: true,
    write: async ({ tensor, buffer }) => {
      const { texture, corner, dispose } = await picture.texture(nearest(rectOf(tensor), whole));
      try {
        await runSingleDispatch(gpu, imageIn(tensor, picture, corner), [texture.createView(), { buffer }]);
      } catch (cause) {
        if (texture === image && cause instanceof DeviceError && cause.code === 'gpu') throw unreadable(cause);
        throw cause;
      } finally {
        dispose();
      }
    },
    dispose: () => picture.dispose(),
  };
}

/** What `rect` has in common with the picture, the padding that repeats its last row and column being those. */
function nearest(rect: Rect, picture: Rect): Rect {
  const y = Math.min(rect.y, picture.height - 1);
  const x = Math.min(rect.x, picture.width - 1);
  return intersection(picture, { y, x, height: rect.y + rect.height - y, width: rect.x + rect.width - x });
}

function unreadable(cause: DeviceError): InputError {
  return new InputError(
    'The GPUTexture could not be read. It must be on the same device as the model (ae.device), two-dimensional and without layers, ' +
      'of a float format such as rgba8unorm, made with TEXTURE_BINDING, and not yet destroyed.',
    { cause },
  );
}

/**
 * Looks at a latent that is to be decoded.
 *
 * @throws InputError for what isn't a latent of a model with `channels` latent channels
 */
export function stageLatent(gpu: Gpu, latent: Latent | LatentInput, channels: number): StagedInput {
  if (!(latent instanceof Latent)) return stageTensor(gpu, 'latent', checkLatent(latent), channels);
  const [n, found, height, width] = latent.shape;
  const { bandTensors } = latent;
  if (found !== channels) {
    throw new InputError(
      `This model's latents have ${channels} channels; this one has ${found} and belongs to another model.`,
    );
  }
  if (latent.device !== gpu.device) {
    throw new InputError(
      'This latent lives on another device: hand in { data: await latent.toArray(), shape: latent.shape }.',
    );
  }
  const write = (band: Band, first: number): Promise<void> => {
    return submitCommands(gpu, 'latent in', (encoder) => {
      for (const part of bandTensors) copyOverlap(encoder, part, band, { from: first, to: 0 });
    });
  };
  return { n, height, width, isPadded: false, write, dispose: () => undefined };
}

/**
 * Looks at raw numbers.
 *
 * @throws InputError for what isn't a tensor of `channels` channels
 */
export function stageTensor(gpu: Gpu, what: string, input: TensorInput, channels: number): StagedInput {
  const [n, , height, width] = checkTensor(what, input, channels);
  const write = async ({ tensor, buffer }: Band, first: number): Promise<void> => {
    const data = planes(input.data, { channels, height, width }, tensor, first);
    const { STORAGE, COPY_DST } = BufferUsage;
    const planar = await gpu.checked(`the ${what}`, () =>
      gpu.device.createBuffer({ label: what, size: data.byteLength, usage: STORAGE | COPY_DST }),
    );
    try {
      gpu.device.queue.writeBuffer(planar, 0, data.buffer, data.byteOffset, data.byteLength);
      await runSingleDispatch(gpu, nchwIn(tensor), [{ buffer: planar }, { buffer }]);
    } finally {
      planar.destroy();
    }
  };
  return { n, height, width, isPadded: false, write, dispose: () => undefined };
}

/** The rectangle that a tensor holds of `[N, C, H, W]` numbers; no copy where that is all of some pictures. */
function planes(
  data: Float32Array,
  { channels, height, width }: { readonly channels: number; readonly height: number; readonly width: number },
  part: Tensor,
  first: number,
): Float32Array {
  const size = channels * height * width;
  if (part.height === height && part.width === width) return data.subarray(first * size, (first + part.n) * size);
  const { y, x } = part.origin;
  const result = new Float32Array(part.n * channels * part.height * part.width);
  for (let plane = 0; plane < part.n * channels; plane++) {
    for (let row = 0; row < part.height; row++) {
      const from = ((first * channels + plane) * height + y + row) * width + x;
      result.set(data.subarray(from, from + part.width), (plane * part.height + row) * part.width);
    }
  }
  return result;
}

function checkLatent(latent: unknown): TensorInput {
  if (typeof latent === 'object' && latent !== null && 'data' in latent && isTensorInput(latent)) {
    if ('imageSize' in latent) checkSize(latent.imageSize);
    return latent;
  }
  throw new InputError('decode takes what encode gave, or { data: Float32Array, shape: [N, C, h, w] }.');
}

function checkSize(size: unknown): void {
  if (size === undefined) return;
  const sides =
    typeof size === 'object' && size !== null && 'height' in size && 'width' in size ? [size.height, size.width] : [];
  if (sides.length === 2 && sides.every((side) => Number.isSafeInteger(side) && Number(side) > 0)) return;
  throw new InputError(
    `latent.imageSize must be { height, width } of positive integers, the picture's size in pixels; it was ${JSON.stringify(size)}. ` +
      'Leave it out where the whole picture is wanted.',
  );
}
