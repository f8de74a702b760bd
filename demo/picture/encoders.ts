/** Encoders of other codecs, and the search for the file that fits a number of bytes. */
import type { Format } from './types.ts';

/** Writes a file of a picture; `quality` is a whole number from 0 to `TOP_QUALITY`. */
export type Encode = (quality: number) => Promise<Blob>;

/** A file that fits, or the smallest that the encoder makes. */
export interface Fitted {
  readonly file: Blob;
  readonly quality: number;
  /** Even the lowest quality is larger than the target. */
  readonly tooLarge: boolean;
}

/** The highest quality that is tried. From 100 on, some encoders are lossless. */
export const TOP_QUALITY = 99;

/**
 * Finds the best file of at most `target` bytes by bisection: an encoder's size grows with its quality.
 *
 * @throws the signal's reason when aborted
 */
export async function fitTo(target: number, encode: Encode, signal: AbortSignal): Promise<Fitted> {
  let best = await encode(0);
  if (best.size > target) return { file: best, quality: 0, tooLarge: true };
  let low = 0;
  let high = TOP_QUALITY;
  while (low < high) {
    signal.throwIfAborted();
    const middle = Math.ceil((low + high) / 2);
    const file = await encode(middle);
    if (file.size <= target) {
      best = file;
      low = middle;
    } else high = middle - 1;
  }
  return { file: best, quality: low, tooLarge: false };
}

/** Returns the browser's own encoder for a format; `undefined` if it has none. */
export async function browserEncoder(picture: ImageData, format: Format): Promise<Encode | undefined> {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext('2d')?.putImageData(picture, 0, 0);
  const type = `image/${format}`;
  const encode: Encode = (quality) => canvas.convertToBlob({ type, quality: quality / 100 });
  return (await canEncode(type)) ? encode : undefined;
}

/** Browsers write a PNG in place of a format that they cannot encode. */
async function canEncode(type: string): Promise<boolean> {
  const canvas = new OffscreenCanvas(1, 1);
  canvas.getContext('2d');
  return (await canvas.convertToBlob({ type })).type === type;
}
