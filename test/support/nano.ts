// The small trained checkpoint of the demo, and images for it.
import { AutoencoderDC, type ByteSource, type LoadOptions, type PixelInput } from '../../src/index.ts';
import { folderSource } from './sources.ts';

/** Pixels of an image's side for each of its latent's. */
export const NANO_RATIO = 8;

/** The checkpoint's folder. */
export const NANO = 'demo/models/nano';

/** The files, fetched once for a whole test file. */
export const nanoSource: ByteSource = folderSource(NANO);

/** Loads the checkpoint. */
export function loadNano(options: LoadOptions = {}): Promise<AutoencoderDC> {
  return AutoencoderDC.fromPretrained(nanoSource, options);
}

/** A smooth opaque image with a few edges. */
export function testPicture(width: number, height: number): PixelInput & { data: Uint8ClampedArray<ArrayBuffer> } {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const wave = 127 + 120 * Math.sin(x / 7 + 2 * Math.cos(y / 5));
      data.set([wave, (255 * x) / width, x > width / 2 === y > height / 3 ? 200 : 40, 255], 4 * (y * width + x));
    }
  }
  return { data, width, height };
}

/** The same as a tensor, its edge repeated up to multiples of `ratio`. */
export function asTensor(
  { data, width, height }: PixelInput,
  ratio = NANO_RATIO,
): { data: Float32Array<ArrayBuffer>; shape: readonly [1, 3, number, number] } {
  const [rows, cols] = [height, width].map((side) => Math.ceil(side / ratio) * ratio) as [number, number];
  const values = new Float32Array(3 * rows * cols);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < cols; x++) {
        const nearest = Math.min(y, height - 1) * width + Math.min(x, width - 1);
        values[(c * rows + y) * cols + x] = data[4 * nearest + c]! / 127.5 - 1;
      }
    }
  }
  return { data: values, shape: [1, 3, rows, cols] };
}

/** A source that counts the bytes read of each file. */
export function countingSource(
  source: ByteSource,
): ByteSource & { readonly read: ByteSource['read']; bytes(path: string): number } {
  const counts = new Map<string, number>();
  return {
    ...source,
    size: (path, signal) => source.size(path, signal),
    read: (path, start, end, signal) => {
      counts.set(path, (counts.get(path) ?? 0) + end - start);
      return source.read(path, start, end, signal);
    },
    bytes: (path) => counts.get(path) ?? 0,
  };
}
