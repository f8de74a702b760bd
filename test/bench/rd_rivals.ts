// Other codecs, as sharp has them.
import sharp, { type Sharp } from 'sharp';
import { psnr, ssim, type Rgb } from '../support/picture_quality.ts';
import type { Point } from './rd.ts';

/** A codec to compare with. */
export interface Codec {
  readonly name: string;
  readonly encode: (image: Sharp, quality: number) => Sharp;
}

/** Whether this build of sharp writes JPEG XL; the ones on npm do not. */
const HAS_JPEG_XL = sharp.format.jxl.output.buffer;

/** All codecs. */
export const RIVALS: readonly Codec[] = [
  { name: 'JPEG', encode: (image, quality) => image.jpeg({ quality, mozjpeg: false }) },
  { name: 'WebP', encode: (image, quality) => image.webp({ quality, effort: 4 }) },
  { name: 'AVIF', encode: (image, quality) => image.avif({ quality, effort: 4 }) },
  ...(HAS_JPEG_XL
    ? [{ name: 'JPEG XL', encode: (image: Sharp, quality: number) => image.jxl({ quality, effort: 7 }) }]
    : []),
];

/** Qualities at which whole curves are measured. */
const CURVE_QUALITIES = [1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90];

/** The files of one codec and one picture, each made once. */
export class Rival {
  readonly name: string;
  readonly #codec: Codec;
  readonly #original: Rgb;
  readonly #files = new Map<number, Promise<Buffer>>();
  readonly #points = new Map<number, Promise<Point>>();

  constructor(codec: Codec, original: Rgb) {
    this.name = codec.name;
    this.#codec = codec;
    this.#original = original;
  }

  /** The point whose file is nearest to `bytes`, found by bisection over the quality. */
  async nearest(bytes: number): Promise<Point> {
    let [low, high] = [1, 100];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((await this.#file(middle)).length > bytes) high = middle;
      else low = middle;
    }
    const [below, above] = [(await this.#file(low)).length, (await this.#file(high)).length];
    return await this.#point(Math.abs(below - bytes) <= Math.abs(above - bytes) ? low : high);
  }

  /** The curve from the smallest file to a large one. */
  async curve(): Promise<readonly Point[]> {
    return await Promise.all(CURVE_QUALITIES.map((quality) => this.#point(quality)));
  }

  #file(quality: number): Promise<Buffer> {
    const { data, width, height } = this.#original;
    return remembered(this.#files, quality, () =>
      this.#codec.encode(sharp(data, { raw: { width, height, channels: 3 } }), quality).toBuffer(),
    );
  }

  #point(quality: number): Promise<Point> {
    return remembered(this.#points, quality, async () => {
      const file = await this.#file(quality);
      const decoded = { ...this.#original, data: await sharp(file).removeAlpha().raw().toBuffer() };
      return { bytes: file.length, psnr: psnr(this.#original, decoded), ssim: ssim(this.#original, decoded) };
    });
  }
}

function remembered<T>(known: Map<number, Promise<T>>, key: number, make: () => Promise<T>): Promise<T> {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}
