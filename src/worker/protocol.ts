/** The messages between page and worker: methods, their arguments, results and reports. */
import type { CodecProgress, CompressedFile, FileInfo, LatentNumbers, TensorPicture } from '../codec/types.ts';
import type { LoadProgress } from '../loading/load_options.ts';
import type { PlanRequest, PlanSummary } from '../plan/plan_request.ts';
import type { PixelInput } from '../runtime/image.ts';
import type { LatentInput } from '../runtime/latent_input.ts';
import type { AutoencoderModel, DeviceDescription, DeviceLoss, MemoryUse } from '../runtime/model_interface.ts';
import type { TensorInput } from '../runtime/numbers.ts';
import type { Pixels } from '../runtime/results.ts';
import type { Size } from '../runtime/model_results.ts';
import type { RunProgress } from '../runtime/run_options.ts';
import type { Strip } from '../runtime/strips.ts';
import type { TilingOptions } from '../runtime/tiling.ts';
import type { Profile } from '../session/profile.ts';
import type {
  SentCompressOptions,
  SentDecodeOptions,
  SentDecompressOptions,
  SentLoadOptions,
  SentEncodeOptions,
  SentPackOptions,
} from './sent_options.ts';

/** A checkpoint's source: an address, files, or an object on the page that the worker asks for byte ranges. */
export type SentSource =
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'files'; readonly files: readonly File[] }
  | { readonly kind: 'blob'; readonly blob: Blob }
  | { readonly kind: 'object'; readonly object: number; readonly label: string | undefined };

/** Events of a load. */
export type LoadReport =
  | { readonly kind: 'progress'; readonly progress: LoadProgress }
  | { readonly kind: 'warning'; readonly message: string };

/** Events of a run. */
export type RunReport =
  | { readonly kind: 'progress'; readonly progress: RunProgress }
  | { readonly kind: 'profile'; readonly profile: Profile };

/** Events of a codec call: the codec's own and those of the network. */
export type CodecReport = RunReport | { readonly kind: 'codec'; readonly progress: CodecProgress };

/** The properties of a model in the worker that never change. */
export type ModelFacts = Pick<
  AutoencoderModel,
  'config' | 'dtype' | 'activations' | 'checkpoint' | 'spatialCompressionRatio'
> & { readonly device: DeviceDescription };

/** A model in the worker, by its id. */
export interface SentModel {
  readonly model: number;
  readonly facts: ModelFacts;
  readonly memory: MemoryUse;
}

/** A picture or tensor in a form that can be sent. */
export type SentImage = TensorInput | PixelInput | ImageData | ImageBitmap | VideoFrame | Blob;

/** A result in the worker, by its id. */
export interface SentResult {
  readonly result: number;
  readonly shape: readonly [number, number, number, number];
  /** Only for latents. */
  readonly imageSize: Size | undefined;
}

/** The answer to a method that runs a network, with the model's memory use afterwards. */
export interface RunAnswer<T> {
  readonly value: T;
  readonly memory: MemoryUse;
}

/** A decoded picture: a sample in the worker by its id, or data. */
export interface DecodedFile {
  readonly picture:
    | { readonly kind: 'sample'; readonly sample: SentResult }
    | { readonly kind: 'data'; readonly image: ImageData | ImageBitmap | TensorPicture };
  readonly info: FileInfo;
}

/** The arguments of a decoding method. */
export interface DecodeArgs {
  readonly model: number;
  /** A result's id, or numbers. */
  readonly latent: number | LatentInput;
  readonly options: SentDecodeOptions;
}

/** The methods that the worker serves. */
export interface WorkerMethods {
  readonly load: {
    readonly args: {
      readonly single: boolean;
      readonly source: SentSource;
      readonly options: SentLoadOptions;
      /** The id of the page's own `fetch`, if requests go through it. */
      readonly fetch: number | undefined;
    };
    readonly result: SentModel;
    readonly report: LoadReport;
  };
  readonly encode: {
    readonly args: { readonly model: number; readonly image: SentImage; readonly options: SentEncodeOptions };
    readonly result: RunAnswer<SentResult>;
    readonly report: RunReport;
  };
  readonly decode: {
    readonly args: DecodeArgs;
    readonly result: RunAnswer<SentResult>;
    readonly report: RunReport;
  };
  readonly decodeStrips: {
    readonly args: DecodeArgs & {
      /** The id of the function on the page that takes the strips. */
      readonly sink: number;
    };
    readonly result: RunAnswer<undefined>;
    readonly report: RunReport;
  };
  readonly compress: {
    readonly args: { readonly model: number; readonly image: SentImage; readonly options: SentCompressOptions };
    readonly result: RunAnswer<CompressedFile>;
    readonly report: CodecReport;
  };
  readonly decompress: {
    readonly args: { readonly model: number; readonly file: Uint8Array; readonly options: SentDecompressOptions };
    readonly result: RunAnswer<DecodedFile>;
    readonly report: CodecReport;
  };
  readonly packLatent: {
    readonly args: {
      readonly model: number;
      readonly latent: number | LatentNumbers;
      readonly options: SentPackOptions;
    };
    readonly result: CompressedFile;
    readonly report: CodecReport;
  };
  /** Enables tiling; disables it if options are absent. */
  readonly setTiling: {
    readonly args: { readonly model: number; readonly options: TilingOptions | undefined };
    readonly result: undefined;
  };
  readonly setSlicing: {
    readonly args: { readonly model: number; readonly enabled: boolean };
    readonly result: undefined;
  };
  readonly plan: {
    readonly args: { readonly model: number; readonly request: PlanRequest };
    readonly result: PlanSummary;
  };
  /** Resolves when the model's device is lost. */
  readonly lost: { readonly args: { readonly model: number }; readonly result: DeviceLoss };
  readonly onSubmittedWorkDone: { readonly args: { readonly model: number }; readonly result: undefined };
  readonly toArray: { readonly args: { readonly result: number }; readonly result: Float32Array };
  readonly toPixels: {
    readonly args: { readonly result: number; readonly index: number };
    readonly result: Pixels;
  };
  readonly toImageBitmap: {
    readonly args: { readonly result: number; readonly index: number };
    readonly result: ImageBitmap;
  };
  /** Frees a model or a result. */
  readonly release: { readonly args: { readonly object: number }; readonly result: undefined };
}

/** A response to a request of the worker. */
export interface SentResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly (readonly [string, string])[];
  /** A stream if the browser can move streams between threads, otherwise all bytes. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | ArrayBuffer | null;
}

/** The methods that the page serves. */
export interface PageMethods {
  /** Hands over a strip; resolves when the page has taken it. */
  readonly strip: { readonly args: { readonly sink: number; readonly strip: Strip }; readonly result: undefined };
  readonly size: { readonly args: { readonly object: number; readonly path: string }; readonly result: number };
  readonly read: {
    readonly args: {
      readonly object: number;
      readonly path: string;
      readonly start: number;
      readonly end: number;
    };
    readonly result: Uint8Array;
  };
  readonly fetch: {
    readonly args: {
      readonly fetch: number;
      readonly url: string;
      readonly method: string;
      readonly headers: readonly (readonly [string, string])[];
      readonly cache: RequestCache | undefined;
    };
    readonly result: SentResponse;
  };
}
