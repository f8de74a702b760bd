import { InputError } from '../errors.ts';
import { classNameOf } from '../brand.ts';
import { isTensorInput, type ImageInput, type PictureInput } from '../runtime/image.ts';
import type { SentImage } from './protocol.ts';

/** An image that is ready to be sent. */
export interface Parcel {
  readonly image: SentImage;
  /** Objects that are moved instead of copied. */
  readonly transfer: readonly Transferable[];
}

/**
 * Makes an image ready for the worker. An ImageBitmap is moved and is empty afterwards; everything else stays intact.
 * Numbers are read when the caller posts the parcel, elements and canvases when this function is called.
 *
 * @throws InputError if the image cannot be sent to a worker
 */
export function sendImage(image: ImageInput): Parcel | Promise<Parcel> {
  if (typeof image !== 'object' || image === null) return { image, transfer: [] }; // The worker says what is wrong.
  if (isTensorInput(image)) {
    const { data, shape } = image;
    // Plain copies, because reactive proxies cannot be cloned.
    return { image: { data: Array.isArray(data) ? Float32Array.from(data) : data, shape: [...shape] }, transfer: [] };
  }
  if (isBrand(image, 'ImageBitmap')) return { image, transfer: [image] };
  if (isBrand(image, 'Blob', 'File', 'ImageData')) return { image, transfer: [] };
  if (isBrand(image, 'VideoFrame')) {
    const frame = image.clone(); // The caller keeps the original.
    return { image: frame, transfer: [frame] };
  }
  if (isBrand(image, 'GPUTexture')) {
    throw new InputError(
      'A GPUTexture cannot be sent to a worker. Pass an ImageBitmap, or load the model on the page with AutoencoderDC.',
    );
  }
  if ('data' in image) {
    const { data, width, height, colorSpace } = image;
    return { image: { data, width, height, colorSpace }, transfer: [] };
  }
  return snapshot(image);
}

interface Brands {
  ImageBitmap: ImageBitmap;
  Blob: Blob;
  File: File;
  ImageData: ImageData;
  VideoFrame: VideoFrame;
  GPUTexture: GPUTexture;
}

/** Whether the image is one of these platform objects, of this page or of another frame. */
function isBrand<B extends keyof Brands>(image: PictureInput, ...brands: B[]): image is Brands[B] & PictureInput {
  const found = classNameOf(image);
  return brands.some((brand) => brand === found);
}

async function snapshot(
  image: HTMLImageElement | HTMLVideoElement | HTMLCanvasElement | OffscreenCanvas,
): Promise<Parcel> {
  try {
    const bitmap = await createImageBitmap(image, { premultiplyAlpha: 'none' });
    return { image: bitmap, transfer: [bitmap] };
  } catch (cause) {
    throw new InputError(
      'The image could not be read: it is empty, not loaded yet, or from another origin that does not allow ' +
        'it. Wait for img.decode() ' +
        'or the video\'s "loadeddata" event; for another origin set crossorigin="anonymous".',
      { cause },
    );
  }
}
