/** What page and worker say to each other. */
import type { AutoencoderDCConfig } from '../config/config.ts';
import type { StorageType } from '../graph/tensor.ts';
import type { WeightType } from '../graph/weights.ts';
import type { MemoryUse } from '../runtime/autoencoder_dc.ts';
import type { PlanRequest, PlanSummary } from '../plan/plan_request.ts';
import type { Profile } from '../session/profile.ts';
import type { RunProgress } from '../runtime/run_options.ts';
import type { Strip } from '../runtime/strips.ts';
import type { TilingOptions } from '../runtime/tiling.ts';
import type { CheckpointReference } from '../loading/fingerprint.ts';
import type { PixelInput } from '../runtime/image.ts';
import type { TensorInput } from '../runtime/numbers.ts';
import type { LatentInput } from '../runtime/latent_input.ts';
import type { LoadOptions, LoadProgress } from '../loading/load_options.ts';
import type { Size } from '../runtime/results.ts';

/** Where weights come from: an address, files, or an object in the page that is asked for every range. */
export type SentSource =
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'files'; readonly files: readonly File[] }
  | { readonly kind: 'blob'; readonly blob: Blob }
  | { readonly kind: 'object'; readonly object: number; readonly label: string | undefined };

/** The options of a load that can be cloned. */
export type SentOptions = Pick<
  LoadOptions,
  | 'revision'
  | 'subfolder'
  | 'hubUrl'
  | 'accessToken'
  | 'dtype'
  | 'activations'
  | 'numerics'
  | 'products'
  | 'kernels'
  | 'networks'
  | 'variant'
  | 'config'
  | 'cache'
  | 'verify'
  | 'retry'
> & {
  /** Whether requests go through a `fetch` of the page's, and which. */
  readonly fetch: number | undefined;
};

/** What a load reports. */
export type LoadReport =
  | { readonly kind: 'progress'; readonly progress: LoadProgress }
  | { readonly kind: 'warning'; readonly message: string };

/** The options of a run that can be cloned. */
export interface SentRunOptions {
  readonly memoryBudget: number | undefined;
  /** Whether a profile is wanted. */
  readonly profile: boolean;
}

/** What a run reports. */
export type RunReport =
  | { readonly kind: 'progress'; readonly progress: RunProgress }
  | { readonly kind: 'profile'; readonly profile: Profile };

/** The part of a GPUDevice that can leave its worker: what it is and what it offers. */
export interface DeviceDescription {
  readonly adapterInfo: {
    readonly vendor: string;
    readonly architecture: string;
    readonly device: string;
    readonly description: string;
    readonly isFallbackAdapter: boolean;
  };
  /** WebGPU's names, sorted. */
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

/** A lost device: the fields of WebGPU's GPUDeviceLostInfo. */
export interface DeviceLoss {
  readonly reason: GPUDeviceLostReason;
  readonly message: string;
}

/** A model in the worker, by its number. */
export interface SentModel {
  readonly device: DeviceDescription;
  readonly model: number;
  readonly config: AutoencoderDCConfig;
  readonly dtype: WeightType;
  readonly activations: StorageType;
  readonly checkpoint: CheckpointReference;
  readonly ratio: number;
}

/** A picture or numbers, as they can be sent. */
export type SentImage = TensorInput | PixelInput | ImageBitmap | VideoFrame | Blob;

/** A result in the worker, by its number. */
export interface SentResult {
  readonly result: number;
  readonly shape: readonly [number, number, number, number];
  /** A latent's. */
  readonly imageSize: Size | undefined;
}

/** What is decoded, and how. */
export interface DecodeArgs {
  readonly model: number;
  readonly latent: number | LatentInput;
  readonly options: SentRunOptions;
}

/** What the page asks of the worker. */
export interface WorkerMethods {
  readonly load: {
    readonly args: { readonly single: boolean; readonly source: SentSource; readonly options: SentOptions };
    readonly result: SentModel;
    readonly report: LoadReport;
  };
  readonly encode: {
    readonly args: { readonly model: number; readonly image: SentImage; readonly options: SentRunOptions };
    readonly result: SentResult;
    readonly report: RunReport;
  };
  readonly decode: { readonly args: DecodeArgs; readonly result: SentResult; readonly report: RunReport };
  readonly decodeStrips: {
    readonly args: DecodeArgs & {
      /** Whom in the page the strips are for. */
      readonly sink: number;
    };
    readonly result: undefined;
    readonly report: RunReport;
  };
  /** Turns tiling on or, without options, off. */
  readonly tile: {
    readonly args: { readonly model: number; readonly options: TilingOptions | undefined };
    readonly result: undefined;
  };
  /** Turns slicing on or off. */
  readonly slice: { readonly args: { readonly model: number; readonly slicing: boolean }; readonly result: undefined };
  readonly plan: {
    readonly args: { readonly model: number; readonly request: PlanRequest };
    readonly result: PlanSummary;
  };
  readonly memory: { readonly args: { readonly model: number }; readonly result: MemoryUse };
  /** Answers when the model's device is lost. */
  readonly lost: { readonly args: { readonly model: number }; readonly result: DeviceLoss };
  readonly toArray: { readonly args: { readonly result: number }; readonly result: Float32Array };
  readonly toPixels: {
    readonly args: { readonly result: number; readonly index: number };
    readonly result: { readonly data: Uint8ClampedArray<ArrayBuffer>; readonly width: number; readonly height: number };
  };
  readonly toImageBitmap: {
    readonly args: { readonly result: number; readonly index: number };
    readonly result: ImageBitmap;
  };
  /** Frees a model or a result. */
  readonly release: { readonly args: { readonly object: number }; readonly result: undefined };
}

/** An answer to a request of the worker's, without its body. */
export interface SentResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly (readonly [string, string])[];
  /** A stream where the browser can hand one over, else all bytes. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | ArrayBuffer | null;
}

/** What the worker asks of the page. */
export interface PageMethods {
  /** Hands over a strip; answered when it was taken. */
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
