import type { AutoencoderDCConfig } from '../config/config.ts';
import { DisposedError, InputError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { BufferUsage } from '../gpu/usage.ts';
import type { InputSize } from '../graph/build.ts';
import { tensorBytes, type Tensor } from '../graph/tensor.ts';
import type { Target, WeightType } from '../graph/weights.ts';
import type { Decoder, Encoder } from '../model/autoencoder.ts';
import type { SourceInput } from '../weights/source.ts';
import type { CheckpointIdentity } from './identity.ts';
import type { ImageInput } from './image.ts';
import { stageImage, stageLatent, type LatentInput, type StagedInput } from './inputs.ts';
import { loadPretrained, loadSingleFile, smallestSide, type Loaded, type Parts } from './load.ts';
import type { LoadOptions } from './load_options.ts';
import { makePlan, type Plan } from './plan.ts';
import { Latent, Sample } from './results.ts';
import { Session } from './session.ts';
import type { WeightStore } from './weight_store.ts';

/** What `encode` gives, as in diffusers. */
export interface EncoderOutput {
  readonly latent: Latent;
}

/** What `decode` and `forward` give, as in diffusers. */
export interface DecoderOutput {
  readonly sample: Sample;
}

/** Options of a run. */
export interface RunOptions {
  /** Looked at between submits, which take some ten milliseconds each. */
  readonly signal?: AbortSignal | undefined;
}

/** Bytes that a model holds on the GPU. */
export interface MemoryUse {
  readonly weights: number;
  readonly activations: number;
}

/**
 * DC-AE, the deep-compression autoencoder (arXiv 2410.10733), with the numbers of diffusers' `AutoencoderDC`.
 *
 * Calls on one model run one after another. A model owns GPU memory: free it with `dispose()` or `using`.
 */
export class AutoencoderDC {
  readonly config: AutoencoderDCConfig;
  /** How weights are stored. */
  readonly dtype: WeightType;
  /** Which checkpoint this is. */
  readonly checkpoint: CheckpointIdentity;
  readonly #gpu: Gpu;
  readonly #target: Target;
  readonly #parts: Parts;
  readonly #weights: WeightStore;
  /** The last session of each half, kept for the next call of the same size. */
  readonly #sessions = new Map<'Encoder' | 'Decoder', { key: string; session: Session }>();
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;

  private constructor({ config, gpu, target, parts, weights, checkpoint }: Loaded) {
    this.config = config;
    this.dtype = target.weights;
    this.#target = target;
    this.checkpoint = checkpoint;
    this.#gpu = gpu;
    this.#parts = parts;
    this.#weights = weights;
  }

  /**
   * Loads a checkpoint in diffusers' layout: config.json and diffusion_pytorch_model.safetensors, whole or in shards with an index; or one of the
   * original release (model.safetensors). Weights stream straight to the GPU; JavaScript never holds more than a few MiB of them.
   *
   * @param source - a repository of the hub (`"mit-han-lab/dc-ae-f32c32-sana-1.1-diffusers"`), the folder's URL, a dropped folder's files, or
   * `{ size(path), read(path, start, end, signal) }`
   * @throws DeviceError without WebGPU or memory; SourceError, ConfigError or CheckpointError for what is wrong with the source; the signal's
   * reason when aborted
   */
  static async fromPretrained(source: SourceInput, options: LoadOptions = {}): Promise<AutoencoderDC> {
    return new AutoencoderDC(await loadPretrained(source, options));
  }

  /**
   * Loads a single .safetensors file, in the original efficientvit format or in diffusers'. Without `config` the released network that has these
   * keys and shapes is taken; where `in` and `mix` can't be told apart, that is `mix`, and a warning says so.
   *
   * @param file - a file of a repository (`"owner/name/model.safetensors"`), its page on the hub, any URL, or a `File`
   * @throws DeviceError without WebGPU or memory; SourceError, ConfigError or CheckpointError for what is wrong with the file; the signal's reason
   * when aborted
   */
  static async fromSingleFile(file: string | URL | Blob, options: LoadOptions = {}): Promise<AutoencoderDC> {
    return new AutoencoderDC(await loadSingleFile(file, options));
  }

  /** The device that the model runs on; its results' buffers can be used there. */
  get device(): GPUDevice {
    return this.#gpu.device;
  }

  /** What the model holds on the GPU at this moment, results apart. */
  get memory(): MemoryUse {
    const sessions = [...this.#sessions.values()];
    return {
      weights: this.#weights.bytes,
      activations: sessions.reduce((sum, { session }) => sum + session.bytes, 0),
    };
  }

  /** Pixels of an image's side for each of its latent's. */
  get spatialCompressionRatio(): number {
    return smallestSide(this.#part('Encoder'));
  }

  /**
   * What a run of one half would take, before anything is allocated.
   *
   * @param part - which half
   * @param size - of its input: an image's for `encoder`, a latent's for `decoder`
   * @throws DeviceError `limits` if it doesn't fit this device; InputError if the network can't take the size
   */
  plan(part: 'encoder' | 'decoder', size: InputSize): Pick<Plan, 'flops' | 'peakBytes'> & { dispatches: number } {
    const half = this.#part(part === 'encoder' ? 'Encoder' : 'Decoder');
    const { flops, peakBytes, steps } = makePlan(half, size, this.#target, this.device.limits);
    return { flops, peakBytes, dispatches: steps.length };
  }

  /**
   * Image to latent, `[N, latentChannels, H / ratio, W / ratio]`, not scaled.
   *
   * A picture whose sides aren't multiples of the compression ratio is padded by repeating its edge, and the latent knows its true size. A raw
   * tensor must fit.
   *
   * @throws InputError for what isn't an image that the model takes; DeviceError if it doesn't fit the device, or the device is lost; the
   * signal's reason when aborted
   */
  async encode(image: ImageInput, { signal }: RunOptions = {}): Promise<EncoderOutput> {
    return await this.#exclusive(signal, async () => {
      const part = this.#part('Encoder');
      const staged = await stageImage(this.#gpu, image, this.config.inChannels);
      const ratio = smallestSide(part);
      const fit = (side: number): number => (staged.padded ? Math.ceil(side / ratio) * ratio : side);
      const { n, height, width } = staged;
      const { tensor, buffer } = await this.#run(part, { n, height: fit(height), width: fit(width) }, staged, signal);
      return { latent: new Latent(this.#gpu, tensor, buffer, { height, width }) };
    });
  }

  /**
   * Latent to image, `[N, inChannels, h * ratio, w * ratio]`, cropped to the picture's true size where the latent knows it.
   *
   * @throws InputError for a latent that doesn't fit the model; DeviceError if it doesn't fit the device, or the device is lost; the signal's
   * reason when aborted
   */
  async decode(latent: Latent | LatentInput, { signal }: RunOptions = {}): Promise<DecoderOutput> {
    return await this.#exclusive(signal, async () => {
      const part = this.#part('Decoder');
      const staged = await stageLatent(this.#gpu, latent, this.config.latentChannels);
      const { tensor, buffer } = await this.#run(part, staged, staged, signal);
      const crop = latent.imageSize ?? tensor;
      const height = Math.min(crop.height, tensor.height);
      const width = Math.min(crop.width, tensor.width);
      return { sample: new Sample(this.#gpu, tensor, buffer, { height, width }) };
    });
  }

  /** `decode(encode(image))`. */
  async forward(image: ImageInput, options: RunOptions = {}): Promise<DecoderOutput> {
    const { latent } = await this.encode(image, options);
    try {
      return await this.decode(latent, options);
    } finally {
      latent.dispose();
    }
  }

  /**
   * Frees all GPU memory of the model; calls that are running reject with a DisposedError. A device that was handed in is left alone, and results
   * on it live on; the model's own device is destroyed with all that is on it.
   */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const { session } of this.#sessions.values()) session.dispose();
    this.#sessions.clear();
    this.#weights.dispose();
    this.#gpu.dispose();
  }

  /** `using` frees it at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #part<T extends 'Encoder' | 'Decoder'>(type: T): T extends 'Encoder' ? Encoder : Decoder;
  #part(type: 'Encoder' | 'Decoder'): Encoder | Decoder {
    const part = type === 'Encoder' ? this.#parts.encoder : this.#parts.decoder;
    if (part) return part;
    throw new InputError(`This model was loaded without its ${type.toLowerCase()}; load it with parts: "both".`);
  }

  /** Runs `work` when all earlier calls are done. */
  async #exclusive<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(async () => {
      if (this.#disposed) throw new DisposedError('AutoencoderDC');
      signal?.throwIfAborted();
      return await this.#gpu.guard(work());
    });
    this.#queue = turn.catch(() => undefined);
    return await turn;
  }

  /** The session of a half for inputs of a size, made anew if the size has changed. */
  async #session(part: Encoder | Decoder, size: InputSize): Promise<Session> {
    const key = `${size.n} ${size.height} ${size.width}`;
    const last = this.#sessions.get(part.type);
    if (last?.key === key) return last.session;
    const plan = makePlan(part, size, this.#target, this.device.limits);
    last?.session.dispose();
    this.#sessions.delete(part.type);
    const session = await Session.create(this.#gpu, plan, this.#weights);
    if (this.#disposed) {
      session.dispose();
      throw new DisposedError('AutoencoderDC');
    }
    this.#sessions.set(part.type, { key, session });
    return session;
  }

  /** Runs a half on a staged input, and copies its output out of the buffers that the next run overwrites. */
  async #run(
    part: Encoder | Decoder,
    size: InputSize,
    staged: StagedInput,
    signal: AbortSignal | undefined,
  ): Promise<{ tensor: Tensor; buffer: GPUBuffer }> {
    let session: Session;
    try {
      session = await this.#session(part, size);
      await staged.into(session);
    } finally {
      staged.dispose();
    }
    await session.run(signal);
    const tensor = session.plan.graph.output;
    const bytes = tensorBytes(tensor);
    const { STORAGE, COPY_SRC, COPY_DST } = BufferUsage;
    const buffer = await this.#gpu.checked('the result', () =>
      this.device.createBuffer({ label: 'result', size: bytes, usage: STORAGE | COPY_SRC | COPY_DST }),
    );
    if (this.#disposed) {
      buffer.destroy();
      throw new DisposedError('AutoencoderDC');
    }
    const encoder = this.device.createCommandEncoder({ label: 'result' });
    encoder.copyBufferToBuffer(session.output, 0, buffer, 0, bytes);
    this.device.queue.submit([encoder.finish()]);
    return { tensor, buffer };
  }
}
