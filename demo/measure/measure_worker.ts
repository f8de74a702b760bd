/**
 * The thread that measures: it runs the other codecs and compares pictures, beside the model's thread and out of the
 * page's way.
 */
import { Caller, failureOf, serve } from '../rpc.ts';
import type { AvifMethods } from './avif_worker.ts';
import { difference, psnr } from './pixels.ts';
import type { Likeness, MeasureMethods, Pixels, Side } from './protocol.ts';
import { browserEncoder, fitTo, type Encode, type Format } from './rivals.ts';
import { ssim } from './ssim.ts';

let original: Pixels | undefined;
let ours: Pixels | undefined;
const rivals = new Map<Format, Pixels>();
let avif: Caller<AvifMethods> | undefined;

serve<MeasureMethods>(
  {
    original: (pixels) => {
      original = pixels;
      ours = undefined;
      rivals.clear();
      return Promise.resolve(undefined);
    },

    ours: (pixels) => {
      ours = pixels;
      return Promise.resolve(likeness(there(original), pixels));
    },

    rival: async ({ format, target }, { signal, handOver }) => {
      const reference = there(original);
      const picture = new ImageData(reference.data, reference.width, reference.height);
      const encode = (await browserEncoder(picture, format)) ?? libraryEncoder(picture, format);
      const { file, quality, overweight } = await fitTo(target, encode, signal);
      const decoded = await createImageBitmap(file);
      const pixels = pixelsOf(decoded);
      rivals.set(format, pixels);
      handOver(decoded);
      return { format, bytes: file.size, quality, overweight, picture: decoded, ...likeness(reference, pixels) };
    },

    difference: async (side, { handOver }) => {
      const a = there(pictureOf(side));
      const bitmap = await createImageBitmap(difference(a.data, there(ours).data, a.width, a.height));
      handOver(bitmap);
      return bitmap;
    },
  },
  failureOf,
);

function there(pixels: Pixels | undefined): Pixels {
  if (!pixels) throw new TypeError('That picture isn’t there yet.');
  return pixels;
}

function pictureOf(side: Side): Pixels | undefined {
  return side === 'original' ? original : rivals.get(side);
}

function likeness(a: Pixels, b: Pixels): Likeness {
  return { psnr: psnr(a.data, b.data), ssim: ssim(a.data, b.data, a.width, a.height) };
}

function pixelsOf(bitmap: ImageBitmap): Pixels {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw new TypeError('This browser gave no canvas to read a picture with.');
  context.drawImage(bitmap, 0, 0);
  return { data: context.getImageData(0, 0, width, height).data, width, height };
}

/**
 * libavif, where the browser can decode AVIF but not encode it. It is a thread of its own, for it alone needs
 * WebAssembly.
 */
function libraryEncoder({ data, width, height }: ImageData, format: Format): Encode {
  if (format !== 'avif') throw new TypeError(`This browser encodes no ${format}.`);
  avif ??= new Caller<AvifMethods>(new Worker(new URL('./avif_worker.ts', import.meta.url), { type: 'module' }));
  const caller = avif;
  return async (quality) => {
    const bytes = await caller.call('encode', { data: new Uint8ClampedArray(data), width, height, quality });
    return new Blob([bytes], { type: 'image/avif' });
  };
}
