// Rate and distortion of .dcae files with the nano checkpoint on photographs that it never saw, beside other codecs at
// the same bytes.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { packLatent, unpackLatent } from '../../src/codec/index.ts';
import { AutoencoderDC } from '../../src/index.ts';
import { folder } from './folder.ts';
import { psnr, ssim, type Rgb } from '../support/picture_quality.ts';

/** The qualities of the table. */
const QUALITIES = [10, 20, 30, 40, 50, 60];

const rivals = {
  JPEG: (image: Sharp, quality: number) => image.jpeg({ quality, mozjpeg: false }),
  WebP: (image: Sharp, quality: number) => image.webp({ quality, effort: 4 }),
  AVIF: (image: Sharp, quality: number) => image.avif({ quality, effort: 4 }),
};
type Rival = keyof typeof rivals;
const names = Object.keys(rivals) as Rival[];

interface Point {
  readonly bytes: number;
  readonly psnr: number;
  readonly ssim: number;
}

/** One photograph at one quality. */
interface Row {
  readonly photo: string;
  readonly quality: number;
  readonly pixels: number;
  readonly ours: Point;
  /** Missing where the rival can't make a file so small: its smallest is more than 5 % larger. */
  readonly rivals: Partial<Record<Rival, Point>>;
}

/** Files that were written on the way, by name. */
export type Files = Map<string, Uint8Array>;

/** Measures all photographs. */
export async function measure(
  device: GPUDevice,
  root: string,
  files: Files,
  progress: (text: string) => void,
): Promise<readonly Row[]> {
  const ae = await AutoencoderDC.fromPretrained(folder(join(root, 'demo/models/nano')), { device });
  const rows: Row[] = [];
  for (const name of readdirSync(join(root, 'demo/samples')).filter((file) => file.endsWith('.png'))) {
    const photo = name.replace('.png', '');
    const { data, info } = await sharp(join(root, 'demo/samples', name))
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const original: Rgb = { data, width: info.width, height: info.height, bytes: 3 };
    const rgba = await sharp(data, { raw: { width: info.width, height: info.height, channels: 3 } })
      .ensureAlpha()
      .raw()
      .toBuffer();
    const { latent } = await ae.encode({ data: new Uint8Array(rgba), width: info.width, height: info.height });
    const plain = { data: await latent.toArray(), shape: latent.shape, imageSize: latent.imageSize };
    latent.dispose();
    const curves = Object.fromEntries(names.map((rival) => [rival, new Map<number, Buffer>()]));
    for (const quality of QUALITIES) {
      const { bytes } = await packLatent(plain, { model: ae, quality });
      files.set(`${photo}.q${quality}.dcae`, bytes);
      const { sample } = await ae.decode((await unpackLatent(bytes)).latent);
      const ours = { ...(await sample.toPixels()), bytes: 4 };
      sample.dispose();
      const row: Row = {
        photo,
        quality,
        pixels: info.width * info.height,
        ours: point(bytes.length, original, ours),
        rivals: {},
      };
      for (const rival of names) {
        const made = await nearest(original, rival, bytes.length, curves[rival]!);
        if (made.length > 1.05 * bytes.length) continue;
        const decoded = await sharp(made).removeAlpha().raw().toBuffer();
        row.rivals[rival] = point(made.length, original, { ...original, data: decoded });
      }
      rows.push(row);
    }
    progress(photo);
  }
  ae.dispose();
  return rows;
}

/** The file whose size is nearest to `target`, by bisection over the rival's quality. */
async function nearest(original: Rgb, rival: Rival, target: number, made: Map<number, Buffer>): Promise<Buffer> {
  const { width, height } = original;
  const at = async (quality: number): Promise<Buffer> => {
    const known = made.get(quality);
    if (known) return known;
    const image = sharp(original.data, { raw: { width, height, channels: 3 } });
    const file = await rivals[rival](image, quality).toBuffer();
    made.set(quality, file);
    return file;
  };
  let [low, high] = [1, 100];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((await at(middle)).length > target) high = middle;
    else low = middle;
  }
  const [below, above] = [await at(low), await at(high)];
  return Math.abs(below.length - target) <= Math.abs(above.length - target) ? below : above;
}

function point(bytes: number, original: Rgb, decoded: Rgb): Point {
  return { bytes, psnr: psnr(original, decoded), ssim: ssim(original, decoded) };
}

/** The page that is committed. */
export function report(rows: readonly Row[]): string {
  const lines = [
    '# Rate and distortion: .dcae with the nano checkpoint',
    '',
    `${new Set(rows.map(({ photo }) => photo)).size} photographs that the checkpoint was never trained on (demo/samples), whole files with headers, sRGB. PSNR over RGB, SSIM over luma. ` +
      `JPEG, WebP and AVIF (libjpeg-turbo, libwebp, libaom as in sharp ${sharp.versions.sharp ?? ''}; effort 4) at the quality whose file comes nearest to ours in bytes; where none comes within 5 %, because ` +
      'the smallest file is too large, the photograph is left out of *both* sides of that comparison, and the number left is in brackets. Made by `npm run bench:rd`.',
    '',
    'PSNR, ours − theirs, says who wins: the nano checkpoint is made to be small (0.9 MB), not to win, and a table that hid where it loses would be of no use.',
    '',
    '| quality | bpp | ours: PSNR / SSIM | JPEG | ours − JPEG | WebP | ours − WebP | AVIF | ours − AVIF |',
    '|---|---|---|---|---|---|---|---|---|',
  ];
  for (const quality of QUALITIES) {
    const these = rows.filter((row) => row.quality === quality);
    const cells = names.flatMap((rival) => {
      const both = these.flatMap((row) => {
        const theirs = row.rivals[rival];
        return theirs ? [{ ours: row.ours, theirs }] : [];
      });
      if (both.length === 0) return ['none so small', '–'];
      const mean = (pick: (pair: (typeof both)[number]) => number): number =>
        both.reduce((sum, pair) => sum + pick(pair), 0) / both.length;
      const count = both.length === these.length ? '' : ` (${both.length})`;
      return [
        `${mean(({ theirs }) => theirs.psnr).toFixed(2)} / ${mean(({ theirs }) => theirs.ssim).toFixed(3)}${count}`,
        `${signed(
          mean(({ ours, theirs }) => ours.psnr - theirs.psnr),
          2,
        )} / ${signed(
          mean(({ ours, theirs }) => ours.ssim - theirs.ssim),
          3,
        )}`,
      ];
    });
    const mean = (pick: (row: Row) => number): number => these.reduce((sum, row) => sum + pick(row), 0) / these.length;
    const bpp = mean((row) => (8 * row.ours.bytes) / row.pixels).toFixed(3);
    const own = `${mean((row) => row.ours.psnr).toFixed(2)} / ${mean((row) => row.ours.ssim).toFixed(3)}`;
    lines.push(`| ${[quality, bpp, own, ...cells].join(' | ')} |`);
  }
  lines.push('', '## Photograph by photograph', '', '| photograph | quality | bpp | ours | JPEG | WebP | AVIF |');
  lines.push('|---|---|---|---|---|---|---|');
  for (const { photo, quality, pixels, ours, rivals: others } of rows) {
    const show = (value: Point | undefined): string =>
      value ? `${value.psnr.toFixed(2)} / ${value.ssim.toFixed(3)}` : 'none so small';
    const cells = [ours, ...names.map((rival) => others[rival])].map(show);
    lines.push(`| ${[photo, quality, ((8 * ours.bytes) / pixels).toFixed(3), ...cells].join(' | ')} |`);
  }
  return `${lines.join('\n')}\n`;
}

function signed(value: number, digits: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;
}
