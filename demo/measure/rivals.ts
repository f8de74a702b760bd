/** Other codecs, each made to fit the bytes that ours took. */

/** A codec to compare with. */
export type Format = 'jpeg' | 'webp' | 'avif';

/** Makes a file of a picture; `quality` is a whole number from 0 to `TOP`. */
export type Encode = (quality: number) => Promise<Blob>;

/** A file that fits, or the smallest that the encoder makes. */
export interface Fitted {
  readonly file: Blob;
  readonly quality: number;
  /** Even the lowest quality took more than was allowed. */
  readonly overweight: boolean;
}

/** The highest quality that is tried. From 100 on, some encoders are lossless. */
export const TOP = 99;

/**
 * The best file of at most `target` bytes: the encoder's size grows with its quality, so its quality is searched for by
 * halves.
 *
 * @throws the signal's reason when aborted
 */
export async function fitTo(target: number, encode: Encode, signal: AbortSignal): Promise<Fitted> {
  let best = await encode(0);
  if (best.size > target) return { file: best, quality: 0, overweight: true };
  let low = 0;
  let high = TOP;
  while (low < high) {
    signal.throwIfAborted();
    const middle = Math.ceil((low + high) / 2);
    const file = await encode(middle);
    if (file.size <= target) {
      best = file;
      low = middle;
    } else high = middle - 1;
  }
  return { file: best, quality: low, overweight: false };
}

/** The browser's own encoder for a format; `undefined` where it has none. */
export async function browserEncoder(picture: ImageData, format: Format): Promise<Encode | undefined> {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext('2d')?.putImageData(picture, 0, 0);
  const type = `image/${format}`;
  const encode: Encode = (quality) => canvas.convertToBlob({ type, quality: quality / 100 });
  return (await encodes(type)) ? encode : undefined;
}

/** Whether the browser encodes a type. It returns a PNG for types that it cannot encode. */
async function encodes(type: string): Promise<boolean> {
  const canvas = new OffscreenCanvas(1, 1);
  canvas.getContext('2d');
  return (await canvas.convertToBlob({ type })).type === type;
}
