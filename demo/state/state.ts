/** The page's state: everything that components show. Actions change it, components render from it. */
import type { Profile } from 'dc-ae-webgpu';
import type { CodecStats } from 'dc-ae-webgpu/codec';
import type { Adapter } from '../model/adapter.ts';
import type { ModelChoice } from '../model/choices.ts';
import type { LoadedModel } from '../model/load.ts';
import type { Notice } from '../notices.ts';
import type { Compared, Format, Likeness, Side } from '../picture/types.ts';
import { readSettings, type Settings } from './settings.ts';

/** A width and a height in pixels. */
export interface PixelSize {
  readonly width: number;
  readonly height: number;
}

/** The cost of one run of a network. */
export interface RunCost {
  readonly ms: number;
  readonly flops: number;
  readonly dispatches: number;
  /** Bytes of buffers on the GPU, weights apart. */
  readonly peakBytes: number;
  readonly regions: number;
  /** Computed work ÷ the work of one piece: regions overlap. */
  readonly recompute: number;
  readonly profile: Pick<Profile, 'clock' | 'stages'> | undefined;
}

/** An encoded picture: the latent itself stays in the picture worker. */
export interface Encoded {
  readonly cost: RunCost;
}

/** A `.dcae` file. */
export interface PictureFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly bitsPerPixel: number;
  /** The statistics of writing the file; undefined for an opened file. */
  readonly written:
    (Pick<CodecStats, 'count' | 'zeros'> & { readonly ms: number; readonly mostBits: number }) | undefined;
}

/** A file of a curve: bits per pixel, and PSNR in dB. */
export interface RatePoint {
  readonly bpp: number;
  readonly psnr: number;
}

/** The bitmaps of a picture. Each is closed when it leaves the state. */
export interface Bitmaps {
  readonly original?: ImageBitmap | undefined;
  readonly neural?: ImageBitmap | undefined;
  readonly difference?: ImageBitmap | undefined;
  readonly bits?: ImageBitmap | undefined;
  /** The channels of the latent, one below the other. */
  readonly sheet?: ImageBitmap | undefined;
}

/** A codec's row of the table: its file, or the reason why there is none. */
export type ComparedRow = Compared | { readonly format: Format; readonly missing: string };

/** The picture at hand. */
export interface Picture {
  /** A new number for each opened picture. */
  readonly id: number;
  /** A photograph to compress, or an opened `.dcae` file, which has no original. */
  readonly kind: 'photo' | 'file';
  readonly title: string;
  readonly credit: string | undefined;
  /** The name of a sample. */
  readonly sample: string | undefined;
  /** The address of a linked file. */
  readonly link: string | undefined;
  /** Bytes of the photograph's own file. */
  readonly sourceBytes: number | undefined;
  readonly size: PixelSize;
  /** The size before the picture was made smaller. */
  readonly originalSize: PixelSize;
  /** Sentences about anything that compressing leaves out. */
  readonly losses: readonly string[];
  readonly bitmaps: Bitmaps;
  readonly encoded: Encoded | undefined;
  /** `[N, C, h, w]`. */
  readonly latentShape: readonly [number, number, number, number] | undefined;
  readonly file: PictureFile | undefined;
  /** The most bytes that the files may have; undefined while the quality decides. */
  readonly targetBytes: number | undefined;
  readonly decodeCost: RunCost | undefined;
  /** The quality that an opened file was written with. */
  readonly quality: number | undefined;
  /** Of the reconstruction; undefined while it is not measured. */
  readonly likeness: Likeness | undefined;
  readonly compared: Readonly<Partial<Record<Format, ComparedRow>>>;
  readonly curve: Readonly<Partial<Record<'neural' | Format, readonly RatePoint[]>>>;
}

/** Work in progress, for the bar below the picture. */
export interface Work {
  readonly label: string;
  /** 0 to 1; undefined if unknown. */
  readonly done: number | undefined;
}

/** One file of a batch. */
export interface BatchItem {
  readonly name: string;
  readonly bytes: number;
  /** The file that was made of it, and the milliseconds that took; or the reason why there is none. */
  readonly outcome: { readonly bytes: number; readonly ms: number } | { readonly failed: string } | undefined;
}

/** Several files, one after another. */
export interface Batch {
  readonly items: readonly BatchItem[];
  readonly status: 'waiting' | 'running' | 'done';
  /** The files that were made, by name. */
  readonly made: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** A question that must be answered before a model is downloaded. */
export interface DownloadQuestion {
  readonly choice: ModelChoice;
  readonly bytes: number;
}

/** The state of the page. */
export interface State {
  readonly settings: Settings;
  readonly adapter: Adapter | undefined;
  /** The model at hand; it stays while another one loads. */
  readonly model: LoadedModel | undefined;
  readonly loading: ModelChoice | undefined;
  readonly question: DownloadQuestion | undefined;
  /** Bytes of weights that this browser has stored. */
  readonly cachedBytes: number;
  readonly picture: Picture | undefined;
  /** The picture on the left of the divider. */
  readonly side: Side;
  readonly work: Work | undefined;
  /** The notice of the newest action. */
  readonly notice: Notice | undefined;
  /** A notice about the model, which lasts until a model is there. */
  readonly modelNotice: Notice | undefined;
  readonly batch: Batch | undefined;
  /** An announcement for screen readers. */
  readonly said: string;
  /** The link that was made last. */
  readonly link: string;
}

/** The state of a page that was just opened. */
export function initialState(): State {
  return {
    settings: readSettings(),
    adapter: undefined,
    model: undefined,
    loading: undefined,
    question: undefined,
    cachedBytes: 0,
    picture: undefined,
    side: 'jpeg',
    work: undefined,
    notice: undefined,
    modelNotice: undefined,
    batch: undefined,
    said: '',
    link: '',
  };
}
