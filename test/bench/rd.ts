// Rate and distortion of .dcae files on photographs that no model was trained on, beside other codecs at the same
// bytes and at the same PSNR.
import { readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import sharp from 'sharp';
import { packLatent, unpackLatent } from '../../src/codec/index.ts';
import { AutoencoderDC } from '../../src/index.ts';
import { psnr, ssim, type Rgb } from '../support/picture_quality.ts';
import { folder } from './folder.ts';
import { Rival, RIVALS } from './rd_rivals.ts';

/** The qualities of the tables. */
export const QUALITIES = [5, 10, 20, 30, 40, 50, 60];

/** A file of a codec, and its distance from the original. */
export interface Point {
  readonly bytes: number;
  readonly psnr: number;
  readonly ssim: number;
}

/** One photograph, model and quality. */
export interface Row {
  readonly model: string;
  readonly photo: string;
  readonly quality: number;
  readonly pixels: number;
  readonly ours: Point;
  /** By the rival's name. Missing where no file of the rival is within 5 % of ours: its smallest is too large. */
  readonly rivals: Readonly<Record<string, Point>>;
}

/** All measurements. */
export interface Measured {
  readonly rows: readonly Row[];
  /** All points of each rival's curve, by photograph and rival. */
  readonly curves: ReadonlyMap<string, ReadonlyMap<string, readonly Point[]>>;
}

/** The models and photographs to measure. */
export interface Request {
  readonly device: GPUDevice;
  /** Folders of checkpoints, by the models' names. */
  readonly models: Readonly<Record<string, string>>;
  /** The folder of the photographs. */
  readonly photos: string;
  readonly progress: (text: string) => void;
  /** Receives each .dcae file. */
  readonly onFile?: (model: string, name: string, bytes: Uint8Array) => void;
}

/** A picture that went through a model and a file. */
interface Decoded {
  readonly model: string;
  readonly quality: number;
  readonly bytes: number;
  readonly picture: Rgb;
}

/** Measures all photographs of a folder. The device has nothing left to do when other codecs begin. */
export async function measure({ device, models, photos, progress, onFile }: Request): Promise<Measured> {
  const files = readdirSync(photos).filter((file) => /\.(png|webp|tiff?|jpe?g)$/i.test(file));
  const pictures = new Map<string, Rgb>();
  for (const file of files.sort()) {
    pictures.set(file.slice(0, -extname(file).length), await readRgb(join(photos, file)));
  }
  const decoded = new Map<string, Decoded[]>([...pictures.keys()].map((photo) => [photo, []]));
  for (const [model, path] of Object.entries(models)) {
    const ae = await AutoencoderDC.fromPretrained(folder(path), { device });
    for (const [photo, original] of pictures) {
      for (const { quality, bytes, picture } of await throughFiles(ae, original)) {
        onFile?.(model, `${photo}.q${quality}.dcae`, bytes);
        decoded.get(photo)?.push({ model, quality, bytes: bytes.length, picture });
      }
      progress(`${model}: ${photo}`);
    }
    ae.dispose();
  }
  device.destroy();

  const rows: Row[] = [];
  const curves = new Map<string, Map<string, readonly Point[]>>();
  for (const [photo, original] of pictures) {
    const rivals = RIVALS.map((codec) => new Rival(codec, original));
    for (const { model, quality, bytes, picture } of decoded.get(photo) ?? []) {
      const near: Record<string, Point> = {};
      for (const rival of rivals) {
        const point = await rival.nearest(bytes);
        if (point.bytes <= 1.05 * bytes) near[rival.name] = point;
      }
      const ours = { bytes, psnr: psnr(original, picture), ssim: ssim(original, picture) };
      rows.push({ model, photo, quality, pixels: original.width * original.height, ours, rivals: near });
    }
    const whole = new Map<string, readonly Point[]>();
    for (const rival of rivals) whole.set(rival.name, await rival.curve());
    curves.set(photo, whole);
    progress(`other codecs: ${photo}`);
  }
  return { rows, curves };
}

/** Writes a picture to a file at each quality, and decodes it. */
async function throughFiles(ae: AutoencoderDC, original: Rgb) {
  const plain = await encode(ae, original);
  const results: { quality: number; bytes: Uint8Array; picture: Rgb }[] = [];
  for (const quality of QUALITIES) {
    const { bytes } = await packLatent(plain, { model: ae, quality });
    const { sample } = await ae.decode((await unpackLatent(bytes)).latent);
    results.push({ quality, bytes, picture: { ...(await sample.toPixels()), bytes: 4 } });
    sample.dispose();
  }
  return results;
}

async function readRgb(path: string): Promise<Rgb> {
  const { data, info } = await sharp(path)
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, bytes: 3 };
}

/** The latent of a picture. */
async function encode(ae: AutoencoderDC, { data, width, height }: Rgb) {
  const rgba = await sharp(data, { raw: { width, height, channels: 3 } })
    .ensureAlpha()
    .raw()
    .toBuffer();
  const { latent } = await ae.encode({ data: new Uint8Array(rgba), width, height });
  const { shape, imageSize } = latent;
  const numbers = { data: await latent.toArray(), shape, imageSize };
  latent.dispose();
  return numbers;
}
