/**
 * The worker for all work on pixels and latents beside the model: reading picture files, the entropy coder, the other
 * codecs, and measuring. It keeps the picture at hand, so that pixels cross to the page only to be shown.
 */
import { packLatent, unpackLatent, type PlainLatent } from 'dc-ae-webgpu/codec';
import { connect, serve, type Remote } from '../worker_channel.ts';
import { browserEncoder, fitTo, type Encode } from './encoders.ts';
import { lossesOf } from './losses.ts';
import { difference, isOpaque, psnr } from './pixels.ts';
import type { AvifMethods, LatentOfModel, OpenedPicture, PictureMethods } from './protocol.ts';
import { heatMap, latentSheet } from './sheet.ts';
import { ssim } from './ssim.ts';
import type { Format, Likeness, Pixels } from './types.ts';

let original: Pixels | undefined;
let neural: Pixels | undefined;
let latentAtHand: LatentOfModel | undefined;
const compared = new Map<Format, { readonly file: Blob; readonly pixels: Pixels }>();
const encoders = new Map<Format, Encode>();
let avif: Remote<AvifMethods> | undefined;

serve<PictureMethods>({
  open: async ({ file, maxPixels, maxSide }, { transfer }) => {
    const opened = await openPicture(file, maxPixels, maxSide);
    transfer(opened.bitmap, opened.pixels.data.buffer);
    return opened;
  },

  setOriginal: (pixels) => {
    original = pixels;
    neural = latentAtHand = undefined;
    compared.clear();
    encoders.clear();
  },

  setLatent: async (latent, { transfer }) => {
    latentAtHand = latent;
    const sheet = await sheetOf(latent.latent);
    transfer(sheet);
    return sheet;
  },

  sheetOfFile: async (file, { transfer }) => {
    const { latent } = await unpackLatent(file);
    const sheet = await sheetOf(latent);
    transfer(sheet);
    return sheet;
  },

  pack: async ({ quality }, { signal, transfer }) => {
    const { latent, model, checkpointUrl } = present(latentAtHand);
    const started = performance.now();
    const { bytes, stats } = await packLatent(latent, { model, quality, checkpointUrl, signal });
    const { bitsPerPixel, count, zeros, bitsPerPosition } = stats;
    const [, , height, width] = latent.shape;
    const heat = await createImageBitmap(heatMap(bitsPerPosition, width, height));
    const mostBits = bitsPerPosition.reduce((a, b) => Math.max(a, b), 0);
    transfer(bytes.buffer, heat);
    return { bytes, bitsPerPixel, written: { ms: performance.now() - started, count, zeros, mostBits }, heat };
  },

  packOther: async ({ latent, ...options }, { signal, transfer }) => {
    const { bytes } = await packLatent(latent, { ...options, signal });
    transfer(bytes.buffer);
    return bytes;
  },

  fitQuality: async ({ target }, { signal }) => {
    const { latent, model, checkpointUrl } = present(latentAtHand);
    let low = 1;
    let high = 100;
    while (low < high) {
      const quality = Math.ceil((low + high) / 2);
      const { bytes } = await packLatent(latent, { model, quality, checkpointUrl, signal });
      if (bytes.length <= target) low = quality;
      else high = quality - 1;
    }
    return low;
  },

  setNeural: (pixels) => {
    neural = pixels;
    return original && likeness(original, pixels);
  },

  psnrOf: (pixels) => psnr(present(original).data, pixels.data),

  compare: async ({ format, target }, { signal, transfer }) => {
    const reference = present(original);
    const { file, quality, tooLarge } = await fitTo(target, await encoderOf(format), signal);
    const { bitmap, pixels } = await decodeFile(file);
    signal.throwIfAborted();
    compared.set(format, { file, pixels });
    transfer(bitmap);
    return { format, bytes: file.size, quality, tooLarge, bitmap, ...likeness(reference, pixels) };
  },

  curvePoint: async ({ format, quality }, { signal }) => {
    const reference = present(original);
    const file = await (await encoderOf(format))(quality);
    signal.throwIfAborted();
    const { bitmap, pixels } = await decodeFile(file);
    bitmap.close();
    return { bytes: file.size, psnr: psnr(reference.data, pixels.data) };
  },

  differenceTo: async (side, { transfer }) => {
    const other = present(side === 'original' ? original : compared.get(side)?.pixels);
    const bitmap = await createImageBitmap(difference(other.data, present(neural).data, other.width, other.height));
    transfer(bitmap);
    return bitmap;
  },

  comparedFile: (format) => present(compared.get(format)).file,

  // Pixels in memory survive a lost GPU; canvases may not.
  neuralPng: async () => await pngOf(present(neural)),

  pngOf,
});

/** Reads a picture file, and makes the picture opaque, on white, and no larger than `maxPixels` and `maxSide`. */
async function openPicture(file: Blob, maxPixels: number, maxSide: number): Promise<OpenedPicture> {
  const decoded = await createImageBitmap(file);
  const originalSize = { width: decoded.width, height: decoded.height };
  const shrink = Math.min(
    1,
    Math.sqrt(maxPixels / (decoded.width * decoded.height)),
    maxSide / Math.max(decoded.width, decoded.height),
  );
  const width = scaled(decoded.width, shrink);
  const height = scaled(decoded.height, shrink);
  const context = contextOf(width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(decoded, 0, 0, width, height);
  decoded.close();
  const opaque = isOpaque(context.getImageData(0, 0, width, height).data);
  context.globalCompositeOperation = 'destination-over';
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  const image = context.getImageData(0, 0, width, height);
  const bitmap = await createImageBitmap(image);
  return { pixels: { data: image.data, width, height }, bitmap, originalSize, losses: await lossesOf(file, opaque) };
}

function scaled(length: number, share: number): number {
  return Math.max(1, Math.round(length * share));
}

async function sheetOf({ data, shape }: PlainLatent): Promise<ImageBitmap> {
  const [, channels, height, width] = shape;
  return await createImageBitmap(latentSheet(data, channels, height, width));
}

async function pngOf({ data, width, height }: Pixels): Promise<Blob> {
  const context = contextOf(width, height);
  context.putImageData(new ImageData(data, width, height), 0, 0);
  return await context.canvas.convertToBlob({ type: 'image/png' });
}

async function encoderOf(format: Format): Promise<Encode> {
  const known = encoders.get(format);
  if (known) return known;
  const pixels = present(original);
  const image = new ImageData(pixels.data, pixels.width, pixels.height);
  const encode = (await browserEncoder(image, format)) ?? libraryEncoder(pixels, format);
  if (pixels === original) encoders.set(format, encode);
  return encode;
}

/** Encodes AVIF by libavif, for browsers that decode AVIF but cannot encode it. */
function libraryEncoder(pixels: Pixels, format: Format): Encode {
  if (format !== 'avif') throw new TypeError(`This browser cannot encode ${format}.`);
  avif ??= connect<AvifMethods>(new Worker(new URL('./avif_worker.ts', import.meta.url), { type: 'module' }));
  const remote = avif;
  return async (quality) => new Blob([await remote.call('encode', { pixels, quality })], { type: 'image/avif' });
}

async function decodeFile(file: Blob): Promise<{ bitmap: ImageBitmap; pixels: Pixels }> {
  const bitmap = await createImageBitmap(file);
  const { width, height } = bitmap;
  const context = contextOf(width, height);
  context.drawImage(bitmap, 0, 0);
  return { bitmap, pixels: { data: context.getImageData(0, 0, width, height).data, width, height } };
}

function likeness(a: Pixels, b: Pixels): Likeness {
  return { psnr: psnr(a.data, b.data), ssim: ssim(a.data, b.data, a.width, a.height) };
}

function contextOf(width: number, height: number): OffscreenCanvasRenderingContext2D {
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw new TypeError('This browser cannot draw in a worker (OffscreenCanvas has no 2D context).');
  return context;
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('This step comes before the picture it needs.');
  return value;
}
