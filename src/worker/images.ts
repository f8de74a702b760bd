import { InputError } from '../errors.ts';
import { isTensorInput, type ImageInput } from '../runtime/image.ts';
import type { SentImage } from './protocol.ts';

/** An image that is ready to be sent, and what of it is handed over rather than copied. */
export interface Parcel {
  readonly image: SentImage;
  readonly transfer: readonly Transferable[];
}

/**
 * Makes an image ready for the worker. An ImageBitmap is handed over: it is empty afterwards. So is what an OffscreenCanvas holds, as
 * a bitmap; the canvas itself stays, for a canvas with a context can't be handed over. All else is copied.
 *
 * @throws InputError for what can't leave the page
 */
export async function transferImage(image: ImageInput): Promise<Parcel> {
  if (typeof image !== 'object' || image === null) return { image, transfer: [] }; // the worker says what is wrong with it
  if (isTensorInput(image)) return { image: { data: image.data, shape: [...image.shape] }, transfer: [] };
  if (image instanceof Blob) return { image, transfer: [] };
  if (image instanceof ImageBitmap) return { image, transfer: [image] };
  if (typeof VideoFrame !== 'undefined' && image instanceof VideoFrame) {
    const frame = image.clone(); // the caller goes on owning theirs
    return { image: frame, transfer: [frame] };
  }
  if ('data' in image) {
    const { data, width, height } = image;
    return { image: { data, width, height }, transfer: [] };
  }
  if (isTexture(image)) {
    throw new InputError(
      "A GPUTexture can't leave the page for a worker: hand in an ImageBitmap, or load the model on the page with AutoencoderDC.fromPretrained().",
    );
  }
  const bitmap = await snapshot(image);
  return { image: bitmap, transfer: [bitmap] };
}

function isTexture(image: object): image is GPUTexture {
  return typeof GPUTexture !== 'undefined' && image instanceof GPUTexture;
}

async function snapshot(image: Exclude<ImageInput, GPUTexture | { data: unknown }>): Promise<ImageBitmap> {
  try {
    // Alpha is left out by the model, so colours must not have been multiplied by it.
    return await createImageBitmap(image, { premultiplyAlpha: 'none' });
  } catch (cause) {
    throw new InputError(
      'The image is empty, not loaded yet, or from another origin that does not allow it. Wait for img.decode() or a video\'s "loadeddata"; ' +
        'for another origin set crossorigin="anonymous".',
      { cause },
    );
  }
}
