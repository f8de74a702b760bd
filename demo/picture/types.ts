/** The types that the page and its picture worker share. */

/** A codec of the browser or of a library, to compare with. */
export type Format = 'jpeg' | 'webp' | 'avif';

/** The codecs, in the order of the table. */
export const FORMATS: readonly Format[] = ['jpeg', 'webp', 'avif'];

/** A picture that the reconstruction can be compared with. */
export type Side = 'original' | Format;

/** How near a picture comes to the original. */
export interface Likeness {
  /** Peak signal-to-noise ratio over 8-bit RGB, in dB. */
  readonly psnr: number;
  /** Structural similarity of luma; 1 is identical. */
  readonly ssim: number;
}

/** A picture in another codec's file. */
export interface Compared extends Likeness {
  readonly format: Format;
  readonly bytes: number;
  /** The encoder's quality, 0 to 99. */
  readonly quality: number;
  /** The codec cannot make a file as small as ours: this is its smallest. */
  readonly tooLarge: boolean;
  readonly bitmap: ImageBitmap;
}

/** RGBA bytes and their shape. */
export interface Pixels {
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}
