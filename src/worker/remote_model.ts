import { DisposedError } from '../errors.ts';
import type { AutoencoderDCConfig } from '../config/config.ts';
import type { StorageType } from '../graph/tensor.ts';
import type { WeightType } from '../graph/weights.ts';
import type { MemoryUse } from '../runtime/autoencoder_dc.ts';
import type { PlanRequest, PlanSummary } from '../plan/plan_request.ts';
import type { RunOptions } from '../runtime/run_options.ts';
import type { CheckpointReference } from '../loading/fingerprint.ts';
import type { ImageInput } from '../runtime/image.ts';
import type { LatentInput } from '../runtime/latent_input.ts';
import { sendStrips, streamStrips, type StripTarget } from '../runtime/strip_stream.ts';
import type { Strip } from '../runtime/strips.ts';
import type { TilingOptions } from '../runtime/tiling.ts';
import type { CallOptions, Channel } from '../rpc/channel.ts';
import { transferImage } from './images.ts';
import type { PageObjects } from './page_objects.ts';
import type {
  DecodeArgs,
  DeviceDescription,
  DeviceLoss,
  PageMethods,
  RunReport,
  SentModel,
  SentResult,
  SentRunOptions,
  WorkerMethods,
} from './protocol.ts';
import { RemoteObject, WorkerLatent, WorkerSample } from './remote_results.ts';

/** A method of the worker that runs a network. */
interface RunMethod {
  readonly args: unknown;
  readonly result: SentResult;
  readonly report: RunReport;
}

/** An `AutoencoderDC` in a worker. Free it with `dispose()` or `using`. */
export class WorkerAutoencoderDC extends RemoteObject {
  readonly config: AutoencoderDCConfig;
  /** How weights are stored. */
  readonly dtype: WeightType;
  /** How activations are stored; results are f32. */
  readonly activations: StorageType;
  /** Pixels of an image's side for each of its latent's. */
  readonly spatialCompressionRatio: number;
  /** Which checkpoint this is. */
  readonly checkpoint: CheckpointReference;
  /** The device that the model runs on, in the worker. `lost` resolves when it is lost, or when the worker breaks down or ends. */
  readonly device: DeviceDescription & { readonly lost: Promise<DeviceLoss> };
  readonly #objects: PageObjects;

  /** @internal */
  constructor(
    channel: Channel<WorkerMethods, PageMethods>,
    objects: PageObjects,
    { model, device, config, dtype, activations, checkpoint, ratio }: SentModel,
  ) {
    super(channel, model, 'AutoencoderDC');
    this.#objects = objects;
    this.device = { ...device, lost: lossOf(channel, model) };
    this.config = config;
    this.dtype = dtype;
    this.activations = activations;
    this.checkpoint = checkpoint;
    this.spatialCompressionRatio = ratio;
  }

  /** What the model holds on the GPU at this moment, results apart. */
  async memory(): Promise<MemoryUse> {
    return await this.channel.call('memory', { model: this.id });
  }

  /** What a run of one half would take; as `AutoencoderDC.plan`. */
  async plan(request: PlanRequest): Promise<PlanSummary> {
    return await this.channel.call('plan', { model: this.id, request });
  }

  /**
   * Image to latent; as `AutoencoderDC.encode`. An ImageBitmap is handed over to the worker and can't be used afterwards; all else stays the
   * caller's.
   *
   * @throws as there; InputError for what can't leave the page, such as a GPUTexture
   */
  async encode(image: ImageInput, options: RunOptions = {}): Promise<{ readonly latent: WorkerLatent }> {
    options.signal?.throwIfAborted();
    const model = this.id;
    const parcel = await transferImage(image);
    const args = { model, image: parcel.image, options: sentOptions(options) };
    const sent = await this.channel.call('encode', args, this.#run(options, parcel.transfer));
    return { latent: new WorkerLatent(this.channel, sent) };
  }

  /**
   * Latent to image; as `AutoencoderDC.decode`.
   *
   * @throws as there
   */
  async decode(
    latent: WorkerLatent | LatentInput,
    options: RunOptions = {},
  ): Promise<{ readonly sample: WorkerSample }> {
    const sent = await this.channel.call('decode', this.#decodeArgs(latent, options), this.#run(options));
    return { sample: new WorkerSample(this.channel, sent) };
  }

  /**
   * Decodes a latent of one picture strip by strip; as `AutoencoderDC.decodeStrips`.
   *
   * @throws as there
   */
  decodeStrips(latent: WorkerLatent | LatentInput, options: RunOptions = {}): AsyncGenerator<Strip, void, void> {
    return streamStrips(options.signal, async (signal, give) => {
      await this.#objects.withTaker(give, async (sink) => {
        const args = { ...this.#decodeArgs(latent, options), sink };
        await this.channel.call('decodeStrips', args, { signal, onReport: reporter(options) });
      });
    });
  }

  /**
   * Decodes a latent of one picture into a canvas of the page or a stream; as `AutoencoderDC.decodeTo`.
   *
   * @throws as there
   */
  async decodeTo(target: StripTarget, latent: WorkerLatent | LatentInput, options: RunOptions = {}): Promise<void> {
    await sendStrips(target, () => this.decodeStrips(latent, options));
  }

  /** `decode(encode(image))`. */
  async forward(image: ImageInput, options: RunOptions = {}): Promise<{ readonly sample: WorkerSample }> {
    const { latent } = await this.encode(image, options);
    try {
      return await this.decode(latent, options);
    } finally {
      latent.dispose();
    }
  }

  /** As `AutoencoderDC.enableSlicing`; calls made after this one are sliced. */
  async enableSlicing(): Promise<void> {
    await this.channel.call('slice', { model: this.id, slicing: true });
  }

  /** As `AutoencoderDC.disableSlicing`. */
  async disableSlicing(): Promise<void> {
    await this.channel.call('slice', { model: this.id, slicing: false });
  }

  /**
   * As `AutoencoderDC.enableTiling`; calls made after this one are tiled.
   *
   * @throws InputError for an option that is none
   */
  async enableTiling(options: TilingOptions = {}): Promise<void> {
    await this.channel.call('tile', { model: this.id, options });
  }

  /** As `AutoencoderDC.disableTiling`. */
  async disableTiling(): Promise<void> {
    await this.channel.call('tile', { model: this.id, options: undefined });
  }

  #decodeArgs(latent: WorkerLatent | LatentInput, options: RunOptions): DecodeArgs {
    const input = latent instanceof WorkerLatent ? latent.id : latent;
    return { model: this.id, latent: input, options: sentOptions(options) };
  }

  /** A result that comes after the caller has given up is freed. */
  #run(options: RunOptions, transfer?: readonly Transferable[]): CallOptions<RunMethod> {
    const onLateResult = ({ result }: SentResult): void => {
      this.channel.call('release', { object: result }).catch(() => undefined);
    };
    return { signal: options.signal, transfer, onLateResult, onReport: reporter(options) };
  }
}

/** Resolves when the device is lost. A worker that breaks down, or is ended, takes its device with it. */
async function lossOf(channel: Channel<WorkerMethods, PageMethods>, model: number): Promise<DeviceLoss> {
  try {
    return await channel.call('lost', { model });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { reason: error instanceof DisposedError ? 'destroyed' : 'unknown', message };
  }
}

function sentOptions({ memoryBudget, onProfile }: RunOptions): SentRunOptions {
  return { memoryBudget, profile: onProfile !== undefined };
}

/** Passes on what a run reports. */
function reporter({ onProgress, onProfile }: RunOptions): (event: RunReport) => void {
  return (event) => {
    if (event.kind === 'progress') onProgress?.(event.progress);
    else onProfile?.(event.profile);
  };
}
