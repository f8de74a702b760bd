/// <reference lib="esnext.disposable" preserve="true" />
/**
 * DC-AE in the browser: diffusers' `AutoencoderDC` on WebGPU.
 *
 * @module dc-ae-webgpu
 */
import './webgpu_types.ts';
export { findCheckpoint, knownCheckpoints, type KnownCheckpoint } from './config/checkpoints.ts';
export { parseConfig } from './config/config.ts';
export type { ActivationName, AutoencoderDCConfig, BlockType, NormType, StageStack } from './config/config.ts';
export {
  CheckpointError,
  ConfigError,
  DcAeError,
  DeviceError,
  DisposedError,
  FormatError,
  InputError,
  SourceError,
  WorkerError,
  type ErrorCode,
  type FormatProblem,
} from './errors.ts';
export { AutoencoderDC } from './runtime/autoencoder_dc.ts';
export type { DecoderOutput, EncoderOutput } from './runtime/autoencoder_dc.ts';
export type {
  AutoencoderModel,
  DeviceDescription,
  DeviceLoss,
  MemoryUse,
  ModelDevice,
} from './runtime/model_interface.ts';
export type { ModelLatent, ModelResult, ModelSample } from './runtime/model_results.ts';
export type { PlanRequest, PlanSummary } from './plan/plan_request.ts';
export type { TilingOptions } from './runtime/tiling.ts';
export type { Profile, ProfileEntry } from './session/profile.ts';
export type { DecodeOptions, EncodeOptions, RunOptions, RunProgress } from './runtime/run_options.ts';
export type { Background } from './runtime/background.ts';
export type { Strip } from './runtime/strips.ts';
export type { StripTarget } from './runtime/strip_stream.ts';
export type { CheckpointReference as CheckpointIdentity } from './loading/fingerprint.ts';
export type { ImageInput, PictureInput, PixelInput } from './runtime/image.ts';
export type { TensorData, TensorInput } from './runtime/numbers.ts';
export type { LatentInput } from './runtime/latent_input.ts';
export type { LoadOptions, LoadProgress } from './loading/load_options.ts';
export { Latent, Sample, type GpuTensor, type Pixels } from './runtime/results.ts';
export type { Size } from './runtime/model_results.ts';
export { createWorkerClient, WorkerClient, type WorkerClientOptions, type WorkerLoadOptions } from './worker/client.ts';
export { acquireModel, type ModelLease } from './worker/shared_models.ts';
export type { WorkerAutoencoderDC } from './worker/remote_model.ts';
export type { WorkerLatent, WorkerSample } from './worker/remote_results.ts';
export type { Bytes, ByteSource } from './weights/sources/byte_source.ts';
export { checkpointCache, type StoredFile } from './weights/cache/checkpoint_cache.ts';
export type { RetryPolicy } from './weights/read/read.ts';
export type { SourceInput, SourceOptions } from './weights/sources/open_source.ts';
