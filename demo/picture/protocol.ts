/** The methods of the picture worker and of the AVIF worker. */
import type { CodecStats, PackLatentOptions, PlainLatent } from 'dc-ae-webgpu/codec';
import type { Compared, Format, Likeness, Pixels, Side } from './types.ts';

/** The options that decide a file's bytes. */
export type FileOptions = Pick<PackLatentOptions, 'model' | 'quality' | 'checkpointUrl'>;

/** A latent, and the model that made it. */
export interface LatentOfModel extends Pick<FileOptions, 'model' | 'checkpointUrl'> {
  readonly latent: PlainLatent;
}

/** A picture file, read. The picture is opaque, and may be smaller than in the file. */
export interface OpenedPicture {
  readonly pixels: Pixels;
  readonly bitmap: ImageBitmap;
  /** The size in the file. */
  readonly originalSize: { readonly width: number; readonly height: number };
  /** Sentences about anything in the file that the pixels leave out. */
  readonly losses: readonly string[];
}

/** A `.dcae` file, and the facts that only its writer knows. */
export interface WrittenFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly bitsPerPixel: number;
  readonly written: Pick<CodecStats, 'count' | 'zeros'> & {
    readonly ms: number;
    /** The most bits of any position. */
    readonly mostBits: number;
  };
  /** The bits of each position, as colours. */
  readonly heat: ImageBitmap;
}

/** The methods of the picture worker. It keeps one picture at hand: an original, its latent and a reconstruction. */
export interface PictureMethods {
  /** Reads a picture file. @throws DOMException if the browser cannot decode it */
  readonly open: {
    readonly args: { readonly file: Blob; readonly maxPixels: number; readonly maxSide: number };
    readonly result: OpenedPicture;
  };
  /** Makes a picture the one at hand; undefined for an opened file, which has no original. */
  readonly setOriginal: { readonly args: Pixels | undefined; readonly result: undefined };
  /** Takes the latent of the picture at hand, and draws its channels, one below the other. */
  readonly setLatent: { readonly args: LatentOfModel; readonly result: ImageBitmap };
  /** Draws the channels of the latent in a file. */
  readonly sheetOfFile: { readonly args: Uint8Array<ArrayBuffer>; readonly result: ImageBitmap };
  /** Writes the latent at hand to a file. */
  readonly pack: { readonly args: { readonly quality: number }; readonly result: WrittenFile };
  /** Writes any latent to a file. */
  readonly packOther: {
    readonly args: FileOptions & { readonly latent: PlainLatent };
    readonly result: Uint8Array<ArrayBuffer>;
  };
  /** Finds the highest quality whose file has at most `target` bytes; 1 if even that file is larger. */
  readonly fitQuality: { readonly args: { readonly target: number }; readonly result: number };
  /** Keeps the reconstruction, and measures it if there is an original. */
  readonly setNeural: { readonly args: Pixels; readonly result: Likeness | undefined };
  /** Measures the PSNR of a reconstruction that is not kept. */
  readonly psnrOf: { readonly args: Pixels; readonly result: number };
  /** Writes, measures and keeps the best file of a codec that has at most `target` bytes. */
  readonly compare: {
    readonly args: { readonly format: Format; readonly target: number };
    readonly result: Compared;
  };
  /** Measures a codec at one of its qualities. */
  readonly curvePoint: {
    readonly args: { readonly format: Format; readonly quality: number };
    readonly result: { readonly bytes: number; readonly psnr: number };
  };
  /** Draws the difference between the reconstruction and another picture, amplified. */
  readonly differenceTo: { readonly args: Side; readonly result: ImageBitmap };
  /** Returns the file of a codec that `compare` kept. */
  readonly comparedFile: { readonly args: Format; readonly result: Blob };
  /** Writes the reconstruction to a PNG file. */
  readonly neuralPng: { readonly args: undefined; readonly result: Blob };
  /** Writes pixels to a PNG file. */
  readonly pngOf: { readonly args: Pixels; readonly result: Blob };
}

/** The methods of the AVIF worker. */
export interface AvifMethods {
  readonly encode: {
    readonly args: { readonly pixels: Pixels; readonly quality: number };
    readonly result: Uint8Array<ArrayBuffer>;
  };
}
