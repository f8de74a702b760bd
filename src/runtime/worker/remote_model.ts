import type { AutoencoderDCConfig } from '../../config/config.ts';
import { InputError } from '../../errors.ts';
import type { InputSize } from '../../graph/build.ts';
import type { WeightType } from '../../graph/weights.ts';
import type { MemoryUse, RunOptions } from '../autoencoder_dc.ts';
import type { CheckpointIdentity } from '../identity.ts';
import type { ImageInput } from '../image.ts';
import type { LatentInput } from '../inputs.ts';
import type { CallOptions, Channel } from './channel.ts';
import { packImage } from './images.ts';
import type { PageMethods, PlanSummary, SentModel, SentResult, WorkerMethods } from './protocol.ts';
import { RemoteObject, WorkerLatent, WorkerSample } from './remote_results.ts';

/** An `AutoencoderDC` in a worker. Free it with `dispose()` or `using`. */
export class WorkerAutoencoderDC extends RemoteObject {
  readonly config: AutoencoderDCConfig;
  /** How weights are stored. */
  readonly dtype: WeightType;
  /** Which checkpoint this is. */
  readonly checkpoint: CheckpointIdentity;
  readonly #ratio: number | undefined;

  /** @internal */
  constructor(channel: Channel<WorkerMethods, PageMethods>, { model, config, dtype, checkpoint, ratio }: SentModel) {
    super(channel, model, 'AutoencoderDC');
    this.config = config;
    this.dtype = dtype;
    this.checkpoint = checkpoint;
    this.#ratio = ratio;
  }

  /** Pixels of an image's side for each of its latent's. */
  get spatialCompressionRatio(): number {
    if (this.#ratio !== undefined) return this.#ratio;
    throw new InputError('This model was loaded without its encoder; load it with parts: "both".');
  }

  /** What the model holds on the GPU at this moment, results apart. */
  async memory(): Promise<MemoryUse> {
    return await this.channel.call('memory', { model: this.id });
  }

  /**
   * What a run of one half would take; as `AutoencoderDC.plan`.
   *
   * @param part - which half
   * @param size - of its input
   */
  async plan(part: 'encoder' | 'decoder', size: InputSize): Promise<PlanSummary> {
    return await this.channel.call('plan', { model: this.id, part, size });
  }

  /**
   * Image to latent; as `AutoencoderDC.encode`. An ImageBitmap is handed over to the worker and can't be used afterwards; all else stays the
   * caller's.
   *
   * @throws as there; InputError for what can't leave the page, such as a GPUTexture
   */
  async encode(image: ImageInput, { signal }: RunOptions = {}): Promise<{ readonly latent: WorkerLatent }> {
    signal?.throwIfAborted();
    const model = this.id;
    const parcel = await packImage(image);
    const sent = await this.channel.call('encode', { model, image: parcel.image }, this.#run(signal, parcel.transfer));
    return { latent: new WorkerLatent(this.channel, sent) };
  }

  /**
   * Latent to image; as `AutoencoderDC.decode`.
   *
   * @throws as there
   */
  async decode(
    latent: WorkerLatent | LatentInput,
    { signal }: RunOptions = {},
  ): Promise<{ readonly sample: WorkerSample }> {
    const input = latent instanceof WorkerLatent ? latent.id : latent;
    const sent = await this.channel.call('decode', { model: this.id, latent: input }, this.#run(signal));
    return { sample: new WorkerSample(this.channel, sent) };
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

  /** A result that comes after the caller has given up is freed. */
  #run(signal: AbortSignal | undefined, transfer?: readonly Transferable[]): CallOptions {
    const onLate = ({ result }: SentResult): void => {
      this.channel.call('release', { object: result }).catch(() => undefined);
    };
    return { signal, transfer, onLate };
  }
}
