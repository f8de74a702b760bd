/** The API that a model has on the page and in a worker. Code written against it takes either. */
import type { AutoencoderDCConfig } from '../config/config.ts';
import type { StorageType } from '../graph/tensor.ts';
import type { WeightType } from '../graph/weights.ts';
import type { CheckpointReference } from '../loading/fingerprint.ts';
import type { PlanRequest, PlanSummary } from '../plan/plan_request.ts';
import type { ImageInput } from './image.ts';
import type { LatentInput } from './latent_input.ts';
import type { ModelLatent, ModelSample } from './model_results.ts';
import type { DecodeOptions, EncodeOptions } from './run_options.ts';
import type { StripTarget } from './strip_stream.ts';
import type { Strip } from './strips.ts';
import type { TilingOptions } from './tiling.ts';

/** Bytes that a model holds on the GPU. */
export interface MemoryUse {
  /** Bytes of packed weights. */
  readonly weights: number;
  /** Bytes of activations, kept from the most recent run of each network. */
  readonly activations: number;
}

/** The loss of a device: the fields of `GPUDeviceLostInfo`. */
export interface DeviceLoss {
  readonly reason: GPUDeviceLostInfo['reason'];
  readonly message: string;
}

/** The properties of a `GPUDevice` that can leave a worker. */
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

/** The device of a model: a `GPUDevice` on the page, a description of one in a worker. */
export interface ModelDevice {
  readonly adapterInfo: DeviceDescription['adapterInfo'];
  readonly features: Iterable<string>;
  readonly limits: Partial<Omit<GPUSupportedLimits, '__brand'>>;
  /** Resolves when the device is lost or destroyed. */
  readonly lost: Promise<DeviceLoss>;
}

/** A loaded model: an `AutoencoderDC` or a `WorkerAutoencoderDC`. */
export interface AutoencoderModel {
  readonly config: AutoencoderDCConfig;
  /** Storage type of the weights. */
  readonly dtype: WeightType;
  /** Storage type of the activations. Results are always f32. */
  readonly activations: StorageType;
  /** Identifies the checkpoint. */
  readonly checkpoint: CheckpointReference;
  /** Pixels of the image along one side of a latent pixel. */
  readonly spatialCompressionRatio: number;
  readonly device: ModelDevice;
  /** Bytes that the model holds on the GPU, without results. In a worker: at the end of the last run. */
  readonly memory: MemoryUse;
  plan(request: PlanRequest): Promise<PlanSummary>;
  encode(image: ImageInput, options?: EncodeOptions): Promise<{ readonly latent: ModelLatent }>;
  decode(latent: ModelLatent | LatentInput, options?: DecodeOptions): Promise<{ readonly sample: ModelSample }>;
  decodeStrips(latent: ModelLatent | LatentInput, options?: DecodeOptions): AsyncGenerator<Strip, void, void>;
  decodeTo(target: StripTarget, latent: ModelLatent | LatentInput, options?: DecodeOptions): Promise<void>;
  forward(image: ImageInput, options?: EncodeOptions): Promise<{ readonly sample: ModelSample }>;
  enableSlicing(): void;
  disableSlicing(): void;
  enableTiling(options?: TilingOptions): void;
  disableTiling(): void;
  /** Resolves when the GPU has finished all work submitted so far; for measuring time. */
  onSubmittedWorkDone(): Promise<void>;
  dispose(): void;
  [Symbol.dispose](): void;
}
