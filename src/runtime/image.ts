import { InputError } from '../errors.ts';
import type { TensorInput } from './numbers.ts';

/** Pixels as a canvas has them: RGBA with straight alpha, row by row from the top. An `ImageData` is one. */
export interface PixelInput {
  /**
   * `4 * width * height` values: bytes, or a Float16Array with 1 as the maximum (`ImageData` with `pixelFormat:
   * "rgba-float16"`). Float16 values are clamped to [0, 1] and rounded to bytes.
   */
  readonly data: Uint8ClampedArray | Uint8Array | Float16Pixels;
  /** Pixels, a positive integer. */
  readonly width: number;
  /** Pixels, a positive integer. */
  readonly height: number;
  /** `"srgb"` if absent. Display P3 is converted to sRGB, clipped, as a canvas does. */
  readonly colorSpace?: 'srgb' | 'display-p3' | undefined;
}

/** A `Float16Array`, described by its shape because older TypeScript does not know the class. */
export interface Float16Pixels extends ArrayLike<number> {
  readonly [Symbol.toStringTag]: 'Float16Array';
}

/**
 * A picture that `encode` takes besides a raw tensor. Colours are converted to sRGB. Transparent pixels are composited
 * on white, or on the option `background`. A GPUTexture holds sRGB values with straight alpha.
 */
export type PictureInput =
  | PixelInput
  | ImageData
  | ImageBitmap
  | HTMLImageElement
  | HTMLVideoElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | VideoFrame
  | Blob
  | GPUTexture;

/** An input of `encode`. */
export type ImageInput = TensorInput | PictureInput;

const ACCEPTED =
  'an ImageData, ImageBitmap, <img>, <video>, <canvas>, OffscreenCanvas, VideoFrame, Blob, GPUTexture, or a tensor ' +
  '{ data, shape: [N, C, H, W] } with values in [-1, 1]';

/** Whether an input is a raw tensor. */
export function isTensorInput(input: object): input is TensorInput {
  return 'shape' in input && Array.isArray(input.shape);
}

/**
 * Checks that an image is an object, so that other checks may look at its properties.
 *
 * @throws InputError if it is not
 */
export function checkImage(image: unknown): asserts image is ImageInput {
  if (typeof image !== 'object' || image === null) {
    throw new InputError(`encode takes ${ACCEPTED}; it was given ${String(image)}.`);
  }
}

/**
 * The size of a picture in its own pixels.
 *
 * @throws InputError if the object is not a picture, or is empty
 */
export function pictureSize(image: Exclude<PictureInput, Blob>): { width: number; height: number } {
  const [width, height] = sidesOf(image);
  if (Number.isSafeInteger(width) && Number.isSafeInteger(height) && width > 0 && height > 0) return { width, height };
  throw new InputError(
    `The image is ${width} x ${height} pixels; both sides must be positive integers. ${emptyRemedy(image)}`,
  );
}

function sidesOf(image: Exclude<PictureInput, Blob>): [number, number] {
  if ('naturalWidth' in image) return [image.naturalWidth, image.naturalHeight];
  if ('videoWidth' in image) return [image.videoWidth, image.videoHeight];
  if ('displayWidth' in image) return [image.displayWidth, image.displayHeight];
  if ('width' in image && 'height' in image) return [image.width, image.height];
  throw new InputError(`encode takes ${ACCEPTED}; this object is none of them.`);
}

function emptyRemedy(image: object): string {
  if ('naturalWidth' in image) {
    return 'Wait until an <img> has loaded (img.decode()), and give an SVG a width and a height.';
  }
  if ('videoWidth' in image) return 'Wait for the video\'s event "loadeddata".';
  if ('displayWidth' in image) return 'Encode a VideoFrame before close().';
  return 'An ImageBitmap is empty after close() or a transfer.';
}
