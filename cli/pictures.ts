/** Picture files, read and written with sharp. */
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import type sharpFunction from 'sharp';
import { embed, type Embedded } from './embed.ts';
import { SetupError, UsageError } from './failure.ts';
import { optionalPackage } from './packages.ts';

/** Pixels, RGBA with straight alpha, row by row from the top, in sRGB. */
export interface Picture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A picture that was read, upright. */
export interface ReadPicture extends Picture {
  /** The EXIF orientation of the file, 1 to 8, which has been applied. */
  readonly orientation: number;
  /** The EXIF block, as the file has it. */
  readonly exif: Uint8Array | undefined;
  /** Changes that the reader should know of, in words. */
  readonly notes: readonly string[];
}

const FORMATS = {
  '.png': 'png',
  '.jpg': 'jpeg',
  '.jpeg': 'jpeg',
  '.webp': 'webp',
  '.avif': 'avif',
  '.tif': 'tiff',
  '.tiff': 'tiff',
} as const;

/**
 * Reads a picture: upright, in sRGB, its first page if it has several.
 *
 * @throws SetupError if sharp is not installed, or if the file is no picture
 */
export async function readPicture(path: string): Promise<ReadPicture> {
  const sharp = await loadSharp();
  await checkFile(path);
  try {
    const { orientation = 1, pages = 1, hasAlpha, exif } = await sharp(path).metadata();
    const { data, info } = await sharp(path)
      .rotate() // by the EXIF orientation
      .toColourspace('srgb')
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const notes = [];
    if (pages > 1) notes.push(`the first of ${pages} frames`);
    if (hasAlpha && isTransparent(data)) notes.push('transparent pixels on white');
    return { data, width: info.width, height: info.height, orientation, exif, notes };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SetupError(`${path} does not open as a picture (${why}). Convert it to PNG or JPEG first.`, { cause });
  }
}

/**
 * Encodes a picture in a format by its extension, with metadata if the format is PNG or JPEG. JPEG, WebP and AVIF have
 * sharp's default quality.
 *
 * @throws UsageError if no format has this extension
 */
export async function encodePicture(
  { data, width, height }: Picture,
  path: string,
  metadata: Embedded,
): Promise<{ bytes: Uint8Array; notes: readonly string[] }> {
  const format = pictureFormat(path);
  const sharp = await loadSharp();
  const bytes = await sharp(data, { raw: { width, height, channels: 4 } })
    .removeAlpha()
    .toFormat(format)
    .toBuffer();
  if (metadata.exif === undefined && metadata.icc === undefined) return { bytes, notes: [] };
  const whole = embed(bytes, format, metadata);
  return whole ? { bytes: whole, notes: [] } : { bytes, notes: ['EXIF and ICC profile left out: PNG can hold them'] };
}

/**
 * Returns the format of a file to write.
 *
 * @throws UsageError if no format has this extension
 */
export function pictureFormat(path: string): (typeof FORMATS)[keyof typeof FORMATS] {
  const extension = extname(path).toLowerCase();
  const [, format] = Object.entries(FORMATS).find(([name]) => name === extension) ?? [];
  if (format !== undefined) return format;
  throw new UsageError(`${path}: no format has the extension "${extension}". Use ${Object.keys(FORMATS).join(', ')}.`);
}

/**
 * Checks that a file can be read.
 *
 * @throws SetupError if it does not exist or is a folder
 */
export async function checkFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new SetupError(`There is no file ${path}.`);
  if (found.isDirectory()) throw new SetupError(`${path} is a folder. Name the files in it.`);
}

async function loadSharp(): Promise<typeof sharpFunction> {
  return (await optionalPackage('sharp', 'reads and writes pictures', () => import('sharp'))).default;
}

function isTransparent(rgba: Uint8Array): boolean {
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i] !== 255) return true;
  return false;
}
