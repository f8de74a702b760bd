/** The requests that the page sends to the measuring worker. */
import type { Format } from './rivals.ts';

/** How near a picture comes to the original. */
export interface Likeness {
  /** Over 8-bit RGB, in dB. */
  readonly psnr: number;
  /** Of luma. */
  readonly ssim: number;
}

/** A picture in another codec's file. */
export interface Rival extends Likeness {
  readonly format: Format;
  readonly bytes: number;
  /** The encoder's own, from 0 to 99. */
  readonly quality: number;
  /** Its smallest file is larger than ours. */
  readonly overweight: boolean;
  readonly picture: ImageBitmap;
}

/** RGBA bytes and their shape. */
export interface Pixels {
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

/** Which two pictures are set against each other. */
export type Side = 'original' | Format;

export interface MeasureMethods {
  /** The original, as all others are measured against it; what was known before is forgotten. */
  readonly original: { readonly args: Pixels; readonly result: undefined; readonly report: never };
  /** Our picture: how near it comes. It is kept for differences. */
  readonly ours: { readonly args: Pixels; readonly result: Likeness; readonly report: never };
  /** Another codec's, at so many bytes. It is kept, too. */
  readonly rival: {
    readonly args: { readonly format: Format; readonly target: number };
    readonly result: Rival;
    readonly report: never;
  };
  /** The difference of the reconstruction and another picture. */
  readonly difference: { readonly args: Side; readonly result: ImageBitmap; readonly report: never };
}
