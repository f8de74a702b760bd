import { DisposedError } from '../errors.ts';
import type { CallOptions, Channel } from '../rpc/channel.ts';
import type { PlanRequest, PlanSummary } from '../plan/plan_request.ts';
import type { ImageInput } from '../runtime/image.ts';
import type { LatentInput } from '../runtime/latent_input.ts';
import type { AutoencoderModel, DeviceDescription, DeviceLoss, MemoryUse } from '../runtime/model_interface.ts';
import type { ModelLatent } from '../runtime/model_results.ts';
import type { DecodeOptions, EncodeOptions, RunOptions } from '../runtime/run_options.ts';
import { sendStrips, streamStrips, type StripTarget } from '../runtime/strip_stream.ts';
import type { Strip } from '../runtime/strips.ts';
import { checkTiling, type TilingOptions } from '../runtime/tiling.ts';
import { sendImage } from './images.ts';
import type { PageObjects } from './page_objects.ts';
import type { DecodeArgs, ModelFacts, PageMethods, RunReport, SentModel, WorkerMethods } from './protocol.ts';
import { WorkerCodec } from './remote_codec.ts';
import { RemoteObject, WorkerLatent, WorkerSample } from './remote_results.ts';
import { sentDecodeOptions, sentEncodeOptions } from './sent_options.ts';

type Facts = ModelFacts;

/**
 * A model in a worker. It has the same API as `AutoencoderDC`, apart from GPU objects. Free it with `dispose()` or
 * `using`.
 */
export class WorkerAutoencoderDC extends RemoteObject implements AutoencoderModel {
  readonly config: Facts['config'];
  /** The storage type of weights. */
  readonly dtype: Facts['dtype'];
  /** The storage type of activations; results are f32. */
  readonly activations: Facts['activations'];
  /** Pixels of an image's side for each number of a latent's side. */
  readonly spatialCompressionRatio: number;
  /** The checkpoint that was loaded. */
  readonly checkpoint: Facts['checkpoint'];
  /**
   * The worker's device in plain data. `lost` resolves when the device is lost, or when the worker breaks down or
   * ends.
   */
  readonly device: DeviceDescription & { readonly lost: Promise<DeviceLoss> };
  /**
   * The codec in the worker. The functions of `dc-ae-webgpu/codec` use it, so that latents need not cross to the page.
   *
   * @internal
   */
  readonly codec: WorkerCodec;
  readonly #objects: PageObjects;
  #memory: MemoryUse;

  /** @internal */
  constructor(channel: Channel<WorkerMethods, PageMethods>, objects: PageObjects, { model, facts, memory }: SentModel) {
    super(channel, model, 'AutoencoderDC');
    this.#objects = objects;
    this.config = facts.config;
    this.dtype = facts.dtype;
    this.activations = facts.activations;
    this.checkpoint = facts.checkpoint;
    this.spatialCompressionRatio = facts.spatialCompressionRatio;
    this.device = { ...facts.device, lost: lossOf(channel, model) };
    this.#memory = memory;
    this.codec = new WorkerCodec(channel, this, (use) => (this.#memory = use));
  }

  /** Bytes that the model holds on the GPU, results excluded, at the end of the last run. */
  get memory(): MemoryUse {
    return this.#memory;
  }

  /** As `AutoencoderDC.plan`. */
  async plan(request: PlanRequest): Promise<PlanSummary> {
    return await this.channel.call('plan', { model: this.id, request: { ...request } });
  }

  /**
   * Encodes an image, as `AutoencoderDC.encode`. An ImageBitmap is moved to the worker and is empty afterwards; all
   * other inputs stay intact.
   *
   * @throws as `AutoencoderDC.encode`; InputError if the image cannot be sent to a worker, such as a GPUTexture
   */
  async encode(image: ImageInput, options: EncodeOptions = {}): Promise<{ readonly latent: WorkerLatent }> {
    options.signal?.throwIfAborted();
    const parcel = sendImage(image);
    // Without an await where none is needed: the pixels must be read before the caller goes on.
    const sent = parcel instanceof Promise ? await parcel : parcel;
    const args = { model: this.id, image: sent.image, options: sentEncodeOptions(options) };
    const { value, memory } = await this.channel.call('encode', args, {
      ...this.#runCall(options),
      transfer: sent.transfer,
    });
    this.#memory = memory;
    return { latent: new WorkerLatent(this.channel, value) };
  }

  /**
   * Decodes a latent, as `AutoencoderDC.decode`.
   *
   * @throws as `AutoencoderDC.decode`
   */
  async decode(
    latent: ModelLatent | LatentInput,
    options: DecodeOptions = {},
  ): Promise<{ readonly sample: WorkerSample }> {
    const { value, memory } = await this.channel.call(
      'decode',
      this.#decodeArgs('decode', latent, options),
      this.#runCall(options),
    );
    this.#memory = memory;
    return { sample: new WorkerSample(this.channel, value) };
  }

  /**
   * Decodes a latent of one picture strip by strip, as `AutoencoderDC.decodeStrips`.
   *
   * @throws as `AutoencoderDC.decodeStrips`
   */
  decodeStrips(latent: ModelLatent | LatentInput, options: DecodeOptions = {}): AsyncGenerator<Strip, void, void> {
    return streamStrips(options.signal, async (signal, give) => {
      await this.#objects.withSink(give, async (sink) => {
        const args = { ...this.#decodeArgs('decodeStrips', latent, options), sink };
        const { memory } = await this.channel.call('decodeStrips', args, { signal, onReport: runReporter(options) });
        this.#memory = memory;
      });
    });
  }

  /**
   * Decodes a latent of one picture into a canvas of the page or a stream, as `AutoencoderDC.decodeTo`.
   *
   * @throws as `AutoencoderDC.decodeTo`
   */
  async decodeTo(target: StripTarget, latent: ModelLatent | LatentInput, options: DecodeOptions = {}): Promise<void> {
    await sendStrips(target, () => this.decodeStrips(latent, options));
  }

  /** `decode(encode(image))`. */
  async forward(image: ImageInput, options: EncodeOptions = {}): Promise<{ readonly sample: WorkerSample }> {
    const { background: _, ...decodeOptions } = options;
    const { latent } = await this.encode(image, options);
    try {
      return await this.decode(latent, decodeOptions);
    } finally {
      latent.dispose();
    }
  }

  /** As `AutoencoderDC.enableSlicing`, for later calls. */
  enableSlicing(): void {
    this.#send('setSlicing', { model: this.id, enabled: true });
  }

  /** As `AutoencoderDC.disableSlicing`, for later calls. */
  disableSlicing(): void {
    this.#send('setSlicing', { model: this.id, enabled: false });
  }

  /**
   * As `AutoencoderDC.enableTiling`, for later calls.
   *
   * @throws InputError if an option is invalid
   */
  enableTiling(options: TilingOptions = {}): void {
    checkTiling(options, this.spatialCompressionRatio);
    this.#send('setTiling', { model: this.id, options: { ...options } });
  }

  /** As `AutoencoderDC.disableTiling`, for later calls. */
  disableTiling(): void {
    this.#send('setTiling', { model: this.id, options: undefined });
  }

  /** Resolves when the worker's GPU has finished all work submitted so far; for measuring time. */
  async onSubmittedWorkDone(): Promise<void> {
    await this.channel.call('onSubmittedWorkDone', { model: this.id });
  }

  /** Sends a setting. Messages keep their order, so the setting holds for all later calls. */
  #send<K extends 'setSlicing' | 'setTiling'>(method: K, args: WorkerMethods[K]['args']): void {
    // It can only fail because the client was disposed of; then later calls say so.
    this.channel.call(method, args).catch(() => undefined);
  }

  #decodeArgs(method: string, latent: ModelLatent | LatentInput, options: DecodeOptions): DecodeArgs {
    return { model: this.id, latent: sendLatent(latent), options: sentDecodeOptions(method, options) };
  }

  #runCall(options: RunOptions): CallOptions<WorkerMethods['encode' | 'decode']> {
    return {
      signal: options.signal,
      onReport: runReporter(options),
      onLateResult: ({ value, memory }) => {
        this.#memory = memory;
        this.channel.call('release', { object: value.result }).catch(() => undefined);
      },
    };
  }
}

/** Resolves when the device is lost. A worker that breaks down or is ended takes its device with it. */
async function lossOf(channel: Channel<WorkerMethods, PageMethods>, model: number): Promise<DeviceLoss> {
  try {
    return await channel.call('lost', { model });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { reason: error instanceof DisposedError ? 'destroyed' : 'unknown', message };
  }
}

/** A latent in a form that can be sent. Plain copies of its fields, because reactive proxies cannot be cloned. */
function sendLatent(latent: ModelLatent | LatentInput): number | LatentInput {
  if (latent instanceof WorkerLatent) return latent.id;
  if (typeof latent !== 'object' || latent === null || !('data' in latent)) {
    return latent as never; // The worker says what is wrong.
  }
  const { data, shape, imageSize } = latent;
  return {
    data: Array.isArray(data) ? Float32Array.from(data) : data,
    shape: Symbol.iterator in Object(shape) ? [...shape] : shape,
    ...(imageSize !== undefined && { imageSize: { ...imageSize } }),
  };
}

/** Passes the events of a run on to its options. */
export function runReporter({ onProgress, onProfile }: RunOptions): (event: RunReport) => void {
  return (event) => {
    if (event.kind === 'progress') onProgress?.(event.progress);
    else onProfile?.(event.profile);
  };
}
