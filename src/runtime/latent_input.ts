import { InputError } from '../errors.ts';
import type { AutoencoderDCConfig } from '../config/config.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { submitCommands } from '../gpu/submit.ts';
import { BandedTensor, copyOverlap } from './bands.ts';
import { isTensorInput } from './image.ts';
import { checkShape, copyNumbers, type Shape4, type TensorInput } from './numbers.ts';
import { Latent } from './results.ts';
import type { Size } from './model_results.ts';
import type { InputSnapshot } from './staged_input.ts';
import { stageNumbers } from './tensor_input.ts';

/**
 * A latent as raw numbers: `[N, latentChannels, h, w]`, not scaled by `config.scalingFactor` unless the option `scaled`
 * says so.
 *
 * Models whose decoder has no in-shortcut (DC-AE 1.5) also take the first `k` channels of a latent, `[N, k, h, w]`; the
 * others are zero.
 */
export interface LatentInput extends TensorInput {
  /** Crops the decoded picture to this size in pixels, at most `h * ratio` by `w * ratio`. */
  readonly imageSize?: Size | undefined;
}

/**
 * Reads a latent as it is now.
 *
 * @param ratio - the model's spatial compression ratio
 * @param isScaled - whether to divide by `config.scalingFactor`
 * @throws InputError if the latent does not fit the model; DisposedError after its `dispose()`
 */
export function readLatent(
  gpu: Gpu,
  latent: Latent | LatentInput,
  config: AutoencoderDCConfig,
  ratio: number,
  isScaled: boolean,
): InputSnapshot {
  if (latent instanceof Latent) return readResult(gpu, latent, config, isScaled);
  const { data, shape, imageSize } = checkLatent(latent);
  const channels = config.latentChannels;
  const given = checkShape('latent', shape, channels, !config.decoderInShortcut);
  const [n, , height, width] = given;
  checkImageSize(imageSize, { height: height * ratio, width: width * ratio });
  const numbers = copyNumbers('latent', data, given, isScaled ? 1 / config.scalingFactor : 1);
  const full: Shape4 = [n, channels, height, width];
  const staged = stageNumbers(gpu, 'latent', addChannels(numbers, given, channels), full);
  return { stage: () => Promise.resolve(staged), dispose: () => undefined };
}

/** Copies a result of `encode` on the GPU. */
function readResult(
  gpu: Gpu,
  latent: Latent,
  { latentChannels }: AutoencoderDCConfig,
  isScaled: boolean,
): InputSnapshot {
  const { bandTensors } = latent;
  const [n, channels, height, width] = latent.shape;
  if (channels !== latentChannels) {
    throw new InputError(
      `This model's latents have ${latentChannels} channels; this latent has ${channels} and belongs to another model.`,
    );
  }
  if (latent.device !== gpu.device) {
    throw new InputError(
      'This latent is on another device. Hand in { data: await latent.toArray(), shape: latent.shape }.',
    );
  }
  if (isScaled) {
    throw new InputError(
      'options.scaled is for raw numbers { data, shape }. Leave it out: results of encode are not scaled.',
    );
  }
  const copy = BandedTensor.copyOf(gpu, 'latent', bandTensors, { height, width });
  copy.catch(() => undefined);
  return {
    async stage() {
      const { bands } = await copy;
      return {
        n,
        height,
        width,
        isPadded: false,
        write: (band, first) =>
          submitCommands(gpu, 'the latent', (encoder) => {
            for (const from of bands) copyOverlap(encoder, from, band, { from: first, to: 0 });
          }),
      };
    },
    dispose() {
      copy.then((tensor) => tensor.dispose()).catch(() => undefined);
    },
  };
}

/** Appends channels of zeros. */
function addChannels(numbers: Float32Array, [n, given, height, width]: Shape4, channels: number): Float32Array {
  if (given === channels) return numbers;
  const plane = height * width;
  const all = new Float32Array(n * channels * plane);
  for (let i = 0; i < n; i++)
    all.set(numbers.subarray(i * given * plane, (i + 1) * given * plane), i * channels * plane);
  return all;
}

function checkLatent(latent: unknown): LatentInput {
  if (typeof latent === 'object' && latent !== null && 'data' in latent && isTensorInput(latent)) return latent;
  throw new InputError('decode takes a latent of encode, or { data, shape: [N, C, h, w] }.');
}

function checkImageSize(size: unknown, limit: Size): void {
  if (size === undefined) return;
  const [height, width] =
    typeof size === 'object' && size !== null && 'height' in size && 'width' in size ? [size.height, size.width] : [];
  const fits = (side: unknown, most: number): boolean =>
    typeof side === 'number' && Number.isSafeInteger(side) && side > 0 && side <= most;
  if (fits(height, limit.height) && fits(width, limit.width)) return;
  throw new InputError(
    `latent.imageSize must be { height, width } in pixels, positive integers of at most ${limit.height} x ` +
      `${limit.width} for this latent; ` +
      `it was ${JSON.stringify(size)}. Leave it out to decode the whole picture.`,
  );
}
