import type { AutoencoderDCConfig } from '../../config/config.ts';
import type { WeightType } from '../../graph/weights.ts';
import type { MemoryUse } from '../autoencoder_dc.ts';
import type { PlanRequest, PlanSummary } from '../plan_request.ts';
import type { RunOptions } from '../run_options.ts';
import type { CheckpointIdentity } from '../identity.ts';
import type { ImageInput } from '../image.ts';
import type { LatentInput } from '../inputs.ts';
import type { CallOptions, Channel } from './channel.ts';
import { packImage } from './images.ts';
import type { PageMethods, SentModel, SentResult, WorkerMethods } from './protocol.ts';
import { RemoteObject, WorkerLatent, WorkerSample } from './remote_results.ts';

/** What a run in a worker takes: no profile, which doesn't leave it. */
export type RemoteRunOptions = Omit<RunOptions, 'onProfile'>;

/** An `AutoencoderDC` in a worker. Free it with `dispose()` or `using`. */
export class WorkerAutoencoderDC extends RemoteObject {
  readonly config: AutoencoderDCConfig;
  /** How weights are stored. */
  readonly dtype: WeightType;
  /** Pixels of an image's side for each of its latent's. */
  readonly spatialCompressionRatio: number;
  /** Which checkpoint this is. */
  readonly checkpoint: CheckpointIdentity;

  /** @internal */
  constructor(channel: Channel<WorkerMethods, PageMethods>, { model, config, dtype, checkpoint, ratio }: SentModel) {
    super(channel, model, 'AutoencoderDC');
    this.config = config;
    this.dtype = dtype;
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
  async encode(image: ImageInput, options: RemoteRunOptions = {}): Promise<{ readonly latent: WorkerLatent }> {
    options.signal?.throwIfAborted();
    const model = this.id;
    const parcel = await packImage(image);
    const { memoryBudget } = options;
    const args = { model, image: parcel.image, memoryBudget };
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
    options: RemoteRunOptions = {},
  ): Promise<{ readonly sample: WorkerSample }> {
    const input = latent instanceof WorkerLatent ? latent.id : latent;
    const { memoryBudget } = options;
    const args = { model: this.id, latent: input, memoryBudget };
    const sent = await this.channel.call('decode', args, this.#run(options));
    return { sample: new WorkerSample(this.channel, sent) };
  }

  /** `decode(encode(image))`. */
  async forward(image: ImageInput, options: RemoteRunOptions = {}): Promise<{ readonly sample: WorkerSample }> {
    const { latent } = await this.encode(image, options);
    try {
      return await this.decode(latent, options);
    } finally {
      latent.dispose();
    }
  }

  /** A result that comes after the caller has given up is freed. */
  #run({ signal, onProgress }: RemoteRunOptions, transfer?: readonly Transferable[]): CallOptions {
    const onLate = ({ result }: SentResult): void => {
      this.channel.call('release', { object: result }).catch(() => undefined);
    };
    return { signal, transfer, onLate, onReport: onProgress };
  }
}
