import type { AutoencoderDCConfig } from '../config/config.ts';
import { DcAeError, DisposedError, InputError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { BufferUsage } from '../gpu/usage.ts';
import type { InputSize } from '../graph/build.ts';
import { tensorBytes, type Tensor } from '../graph/tensor.ts';
import type { Target, WeightType } from '../graph/weights.ts';
import { imageIn, nchwIn } from '../kernels/image.ts';
import type { Decoder, Encoder } from '../model/autoencoder.ts';
import type { SourceInput } from '../weights/source.ts';
import { runDispatch } from './compute.ts';
import { checkImage, checkTensor, isTensorInput, uploadPicture, type ImageInput, type TensorInput } from './image.ts';
import { loadPretrained, loadSingleFile, smallestSide, type Loaded, type Parts } from './load.ts';
import type { LoadOptions } from './load_options.ts';
import { makePlan, type Plan } from './plan.ts';
import { Latent, Sample, type Size } from './results.ts';
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

/** A latent from elsewhere: `[N, latentChannels, h, w]`, not scaled (a pipeline's latents divided by `config.scalingFactor`). */
export interface LatentInput extends TensorInput {
  /** The size to crop the decoded picture to. */
  readonly imageSize?: Size | undefined;
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
  readonly #gpu: Gpu;
  readonly #parts: Parts;
  readonly #weights: WeightStore;
  /** The last session of each half, kept for the next call of the same size. */
  readonly #sessions = new Map<'Encoder' | 'Decoder', { key: string; session: Session }>();
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;

  private constructor({ config, gpu, dtype, parts, weights }: Loaded) {
    this.config = config;
    this.dtype = dtype;
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
      checkImage(image);
      const part = this.#part('Encoder');
      const [session, size] = isTensorInput(image)
        ? await this.#tensorIn(part, 'image', image, this.config.inChannels)
        : await this.#pictureIn(part, image);
      const { tensor, buffer } = await this.#run(session, signal);
      return { latent: new Latent(this.#gpu, tensor, buffer, size) };
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
      const session =
        latent instanceof Latent
          ? await this.#latentIn(part, latent)
          : (await this.#tensorIn(part, 'latent', checkLatent(latent), this.config.latentChannels))[0];
      const { tensor, buffer } = await this.#run(session, signal);
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

  /** Frees all GPU memory of the model; results live on. A device that was handed in is left alone. */
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

  get #target(): Target {
    return { weights: this.dtype, software: this.#gpu.software };
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
    try {
      return await turn;
    } catch (error) {
      // What a disposal in the middle breaks is not the driver's fault.
      if (this.#disposed && !(error instanceof DcAeError)) throw new DisposedError('AutoencoderDC');
      throw error;
    }
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
    this.#sessions.set(part.type, { key, session });
    return session;
  }

  async #tensorIn(
    part: Encoder | Decoder,
    what: 'image' | 'latent',
    input: TensorInput,
    channels: number,
  ): Promise<[Session, Size]> {
    const [n, , height, width] = checkTensor(what, input, channels);
    const session = await this.#session(part, { n, height, width });
    const { STORAGE, COPY_DST } = BufferUsage;
    const { data } = input;
    const planar = await this.#gpu.checked(`the ${what}`, () =>
      this.device.createBuffer({ label: what, size: data.byteLength, usage: STORAGE | COPY_DST }),
    );
    try {
      this.device.queue.writeBuffer(planar, 0, data.buffer, data.byteOffset, data.byteLength);
      await runDispatch(this.#gpu, nchwIn(session.plan.graph.input), [{ buffer: planar }, { buffer: session.input }]);
    } finally {
      planar.destroy();
    }
    return [session, { height, width }];
  }

  async #pictureIn(part: Encoder, image: Exclude<ImageInput, TensorInput>): Promise<[Session, Size]> {
    const { inChannels } = this.config;
    if (inChannels !== 3) {
      throw new InputError(
        `This model takes ${inChannels} channels; hand in a tensor { data, shape: [N, ${inChannels}, H, W] }.`,
      );
    }
    const picture = await uploadPicture(this.#gpu, image);
    try {
      const { height, width } = picture;
      const ratio = smallestSide(part);
      const fit = (side: number): number => Math.ceil(side / ratio) * ratio;
      const session = await this.#session(part, { n: 1, height: fit(height), width: fit(width) });
      const { texture } = picture;
      await runDispatch(this.#gpu, imageIn(session.plan.graph.input, height, width), [
        texture.createView(),
        { buffer: session.input },
      ]);
      return [session, { height, width }];
    } finally {
      picture.dispose();
    }
  }

  async #latentIn(part: Decoder, latent: Latent): Promise<Session> {
    const [n, channels, height, width] = latent.shape;
    const { latentChannels } = this.config;
    if (channels !== latentChannels) {
      throw new InputError(
        `This model's latents have ${latentChannels} channels; this one has ${channels} and belongs to another.`,
      );
    }
    if (latent.device !== this.device) {
      throw new InputError(
        'This latent lives on another device: hand in { data: await latent.toArray(), shape: latent.shape }.',
      );
    }
    const session = await this.#session(part, { n, height, width });
    const encoder = this.device.createCommandEncoder({ label: 'latent in' });
    encoder.copyBufferToBuffer(latent.buffer, 0, session.input, 0, tensorBytes(session.plan.graph.input));
    this.device.queue.submit([encoder.finish()]);
    return session;
  }

  /** Replays a session and copies its output out of the buffers that the next run overwrites. */
  async #run(session: Session, signal: AbortSignal | undefined): Promise<{ tensor: Tensor; buffer: GPUBuffer }> {
    const tensor = session.plan.graph.output;
    await session.run(signal);
    const { STORAGE, COPY_SRC } = BufferUsage;
    const size = tensorBytes(tensor);
    const buffer = await this.#gpu.checked('the result', () =>
      this.device.createBuffer({ label: 'result', size, usage: STORAGE | COPY_SRC | BufferUsage.COPY_DST }),
    );
    const encoder = this.device.createCommandEncoder({ label: 'result' });
    encoder.copyBufferToBuffer(session.output, 0, buffer, 0, size);
    this.device.queue.submit([encoder.finish()]);
    return { tensor, buffer };
  }
}

function checkLatent(latent: unknown): TensorInput {
  if (typeof latent === 'object' && latent !== null && 'data' in latent && isTensorInput(latent)) return latent;
  throw new InputError('decode takes what encode gave, or { data: Float32Array, shape: [N, C, h, w] }.');
}
