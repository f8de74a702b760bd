import { DeviceError, InputError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { BufferUsage } from '../gpu/usage.ts';
import type { InputSize } from '../graph/build.ts';
import { tensorBytes } from '../graph/tensor.ts';
import { imageIn, nchwIn } from '../kernels/image.ts';
import { runDispatch } from './compute.ts';
import { checkImage, checkTensor, isTensorInput, uploadPicture, type ImageInput, type TensorInput } from './image.ts';
import { Latent, type Size } from './results.ts';
import type { Session } from './session.ts';

/** A latent from elsewhere: `[N, latentChannels, h, w]`, not scaled (a pipeline's latents divided by `config.scalingFactor`). */
export interface LatentInput extends TensorInput {
  /** The size to crop the decoded picture to. */
  readonly imageSize?: Size | undefined;
}

/** An input on the GPU that has still to be laid out for a session. */
export interface StagedInput extends InputSize {
  /** The network may pad it by repeating its edge: a picture. A raw tensor must fit. */
  readonly padded: boolean;
  /** Writes it into the session's input. */
  into(session: Session): Promise<void>;
  /** Frees what was staged. */
  dispose(): void;
}

/**
 * Brings an image to the GPU.
 *
 * @throws InputError for what isn't an image that a model of `channels` channels takes
 */
export async function stageImage(gpu: Gpu, image: ImageInput, channels: number): Promise<StagedInput> {
  checkImage(image);
  if (isTensorInput(image)) return await stageTensor(gpu, 'image', image, channels);
  if (channels !== 3) {
    throw new InputError(
      `This model takes ${channels} channels; hand in a tensor { data, shape: [N, ${channels}, H, W] }.`,
    );
  }
  const picture = await uploadPicture(gpu, image);
  const { texture, height, width } = picture;
  return {
    n: 1,
    height,
    width,
    padded: true,
    into: async (session) => {
      const dispatch = imageIn(session.plan.graph.input, height, width);
      try {
        await runDispatch(gpu, dispatch, [texture.createView(), { buffer: session.input }]);
      } catch (cause) {
        if (texture === image && cause instanceof DeviceError && cause.code === 'gpu') throw unreadable(cause);
        throw cause;
      }
    },
    dispose: () => picture.dispose(),
  };
}

function unreadable(cause: DeviceError): InputError {
  return new InputError(
    'The GPUTexture could not be read. It must be on the same device as the model (ae.device), two-dimensional and without layers, ' +
      'of a float format such as rgba8unorm, made with TEXTURE_BINDING, and not yet destroyed.',
    { cause },
  );
}

/**
 * Brings a latent to where a session can take it.
 *
 * @throws InputError for what isn't a latent of a model with `channels` latent channels
 */
export async function stageLatent(gpu: Gpu, latent: Latent | LatentInput, channels: number): Promise<StagedInput> {
  if (!(latent instanceof Latent)) return await stageTensor(gpu, 'latent', checkLatent(latent), channels);
  const [n, found, height, width] = latent.shape;
  const { buffer } = latent;
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
  const into = (session: Session): Promise<void> => {
    const encoder = gpu.device.createCommandEncoder({ label: 'latent in' });
    encoder.copyBufferToBuffer(buffer, 0, session.input, 0, tensorBytes(session.plan.graph.input));
    gpu.device.queue.submit([encoder.finish()]);
    return Promise.resolve();
  };
  return { n, height, width, padded: false, into, dispose: () => undefined };
}

async function stageTensor(gpu: Gpu, what: string, input: TensorInput, channels: number): Promise<StagedInput> {
  const [n, , height, width] = checkTensor(what, input, channels);
  const { data } = input;
  const { STORAGE, COPY_DST } = BufferUsage;
  const planar = await gpu.checked(`the ${what}`, () =>
    gpu.device.createBuffer({ label: what, size: data.byteLength, usage: STORAGE | COPY_DST }),
  );
  gpu.device.queue.writeBuffer(planar, 0, data.buffer, data.byteOffset, data.byteLength);
  return {
    n,
    height,
    width,
    padded: false,
    into: (session) =>
      runDispatch(gpu, nchwIn(session.plan.graph.input), [{ buffer: planar }, { buffer: session.input }]),
    dispose: () => planar.destroy(),
  };
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
