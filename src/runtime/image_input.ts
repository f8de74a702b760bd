import { InputError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Rgb } from './background.ts';
import { checkImage, isTensorInput, type ImageInput } from './image.ts';
import { checkShape, copyNumbers } from './numbers.ts';
import { readPicture } from './picture.ts';
import type { InputSnapshot } from './staged_input.ts';
import { stageNumbers } from './tensor_input.ts';

/**
 * Reads an image as it is now.
 *
 * @param channels - the model's image channels
 * @param background - the colour under transparent pixels
 * @throws InputError if the model does not take the image
 */
export function readImage(gpu: Gpu, image: ImageInput, channels: number, background: Rgb): InputSnapshot {
  checkImage(image);
  if (isTensorInput(image)) {
    const shape = checkShape('image', image.shape, channels);
    const staged = stageNumbers(gpu, 'image', copyNumbers('image', image.data, shape), shape);
    return { stage: () => Promise.resolve(staged), dispose: () => undefined };
  }
  if (channels === 3) return readPicture(gpu, image, background);
  throw new InputError(
    `This model takes ${channels} channels. Hand in a tensor { data, shape: [N, ${channels}, H, W] }.`,
  );
}
