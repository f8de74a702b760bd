import type { AutoencoderDCConfig } from '../config/config.ts';
import { DisposedError, InputError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { InputSize } from '../graph/build.ts';
import type { StorageType } from '../graph/tensor.ts';
import type { WeightType } from '../graph/weights.ts';
import { compressionRatio, type Decoder, type Encoder } from '../model/autoencoder.ts';
import type { SourceInput } from '../weights/sources/open_source.ts';
import type { CheckpointReference } from '../loading/fingerprint.ts';
import { Network } from './network.ts';
import type { ImageInput } from './image.ts';
import { stageImage, stageLatent, type LatentInput, type StagedInput } from './inputs.ts';
import { loadPretrained, loadSingleFile, type Loaded } from '../loading/load.ts';
import type { LoadOptions } from '../loading/load_options.ts';
import { cropped, Latent, Sample } from './results.ts';
import type { PlanRequest, PlanSummary } from '../plan/plan_request.ts';
import type { RunOptions } from './run_options.ts';
import { runNetwork, type NetworkResult } from './run_network.ts';
import { runInStrips, sendStrips, stripsOf, type Strip, type StripTarget } from './strips.ts';
import { checkTiling, type Tiling, type TilingOptions } from './tiling.ts';
import type { WeightStore } from '../session/weight_store.ts';

/** What `encode` gives, as in diffusers. */
export interface EncoderOutput {
  readonly latent: Latent;
}

/** What `decode` and `forward` give, as in diffusers. */
export interface DecoderOutput {
  readonly sample: Sample;
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
  /** How activations are stored; results are f32. */
  readonly activations: StorageType;
  /** Which checkpoint this is. */
  readonly checkpoint: CheckpointReference;
  readonly #gpu: Gpu;
  readonly #encoder: Network | undefined;
  readonly #decoder: Network | undefined;
  readonly #weights: WeightStore;
  #slicing = false;
  #tiling: Tiling | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;

  private constructor({ config, gpu, target, modules: parts, weights, checkpoint }: Loaded) {
    this.config = config;
    this.dtype = target.weights;
    this.activations = target.activations;
    this.checkpoint = checkpoint;
    this.#gpu = gpu;
    const network = (part: Encoder | Decoder | undefined): Network | undefined =>
      part && new Network(part, gpu, weights, target);
    this.#encoder = network(parts.encoder);
    this.#decoder = network(parts.decoder);
    this.#weights = weights;
  }

  /**
   * Loads a checkpoint in diffusers' layout: config.json and diffusion_pytorch_model.safetensors, whole or in shards with an index; or one of the
   * original release (model.safetensors). Weights stream straight to the GPU; JavaScript holds a few tens of MiB of them at a time.
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
    const activations = (this.#encoder?.bytes ?? 0) + (this.#decoder?.bytes ?? 0);
    return { weights: this.#weights.bytes, activations };
  }

  /** Pixels of an image's side for each of its latent's. */
  get spatialCompressionRatio(): number {
    return compressionRatio((this.#encoder ?? this.#half('decoder')).module);
  }

  /**
   * What a run of one half would take, before anything is allocated.
   *
   * @throws DeviceError `limits` if it can't be made to fit, with the smallest budget that would do; InputError for a size that is none
   */
  plan({ which: part, height, width, n = 1, memoryBudget }: PlanRequest): PlanSummary {
    for (const [name, value] of Object.entries({ height, width, n })) {
      if (!Number.isSafeInteger(value) || value < 1) {
        throw new InputError(`plan's ${name} must be a positive integer; it was ${String(value)}.`);
      }
    }
    const half = this.#half(part);
    const ratio = compressionRatio(half.module);
    const latent = { n, height: Math.ceil(height / ratio), width: Math.ceil(width / ratio) };
    const size = part === 'decoder' ? latent : { n, height: latent.height * ratio, width: latent.width * ratio };
    const { plan, slices } = half.plan(size, memoryBudget, this.#slicing);
    const { peakBytes, recompute } = plan;
    return {
      peakBytes,
      recompute,
      regions: slices * plan.regions,
      dispatches: slices * plan.dispatches.length,
      flops: slices * plan.flops,
    };
  }

  /**
   * Image to latent, `[N, latentChannels, H / ratio, W / ratio]`, not scaled.
   *
   * A picture whose sides aren't multiples of the compression ratio is padded by repeating its edge, and the latent knows its true size. A raw
   * tensor must fit. An image of any size is encoded, region by region where it has to be, with the numbers of one piece.
   *
   * @throws InputError for what isn't an image that the model takes; DeviceError if it doesn't fit the budget, or the device is lost; the signal's
   * reason when aborted
   */
  async encode(image: ImageInput, options: RunOptions = {}): Promise<EncoderOutput> {
    return await this.#exclusive(options, async () => {
      const half = this.#half('encoder');
      const staged = await stageImage(this.#gpu, image, this.config.inChannels);
      const ratio = compressionRatio(half.module);
      const fit = (side: number): number => (staged.padded ? Math.ceil(side / ratio) * ratio : side);
      const { n, height, width } = staged;
      const { bands, size } = await this.#run(half, { n, height: fit(height), width: fit(width) }, staged, options);
      const covered = { height: Math.min(height, size.height * ratio), width: Math.min(width, size.width * ratio) };
      return { latent: new Latent(this.#gpu, bands, size, covered) };
    });
  }

  /**
   * Latent to image, `[N, inChannels, h * ratio, w * ratio]`, cropped to the picture's true size where the latent knows it. A latent of any size is
   * decoded, region by region where it has to be, with the numbers of one piece.
   *
   * @throws InputError for a latent that doesn't fit the model; DeviceError if it doesn't fit the budget, or the device is lost; the signal's
   * reason when aborted
   */
  async decode(latent: Latent | LatentInput, options: RunOptions = {}): Promise<DecoderOutput> {
    return await this.#exclusive(options, async () => {
      const staged = stageLatent(this.#gpu, latent, this.config.latentChannels);
      const { bands, size } = await this.#run(this.#half('decoder'), staged, staged, options);
      return { sample: new Sample(this.#gpu, bands, cropped(size, latent.imageSize)) };
    });
  }

  /**
   * Decodes a latent of one picture strip by strip: what has been decoded is there while the rest is still to come, and the whole picture is never in
   * memory. Decoding waits for who takes the strips, and ends when nobody does.
   *
   * @throws as `decode`; InputError for a batch
   */
  decodeStrips(latent: Latent | LatentInput, options: RunOptions = {}): AsyncGenerator<Strip, void, void> {
    return stripsOf(options.signal, (signal, give) =>
      this.#exclusive({ signal }, async () => {
        const staged = stageLatent(this.#gpu, latent, this.config.latentChannels);
        if (staged.n > 1) throw new InputError(`decodeStrips takes one picture; this latent has ${staged.n}.`);
        await runInStrips(this.#gpu, this.#half('decoder'), staged, latent.imageSize, { ...options, signal }, give);
      }),
    );
  }

  /**
   * Decodes a latent of one picture into a canvas with a 2D context, or none yet, which shows it as it comes; or writes its strips into a stream.
   *
   * @throws as `decodeStrips`; InputError for a canvas that has another context
   */
  async decodeTo(target: StripTarget, latent: Latent | LatentInput, options: RunOptions = {}): Promise<void> {
    await sendStrips(this.decodeStrips(latent, options), target);
  }

  /** Runs batches picture by picture, as diffusers' `enable_slicing`: less memory, the same numbers. Batches that don't fit are sliced in any case. */
  enableSlicing(): void {
    this.#slicing = true;
  }

  /** Runs batches in one where they fit. */
  disableSlicing(): void {
    this.#slicing = false;
  }

  /**
   * Runs what exceeds a tile in overlapping tiles whose seams are blended, with the numbers of diffusers' `enable_tiling`. Not needed for size: without
   * it, images of any size have the numbers of one piece. Sides are cut to multiples of the compression ratio, of which
   * strides should be multiples, too: with others a picture comes out with another size. Strips and `plan` pay no heed to tiling.
   *
   * @throws InputError for an option that is none
   */
  enableTiling(options: TilingOptions = {}): void {
    this.#tiling = checkTiling(options, this.spatialCompressionRatio);
  }

  /** Runs images in one piece, or in regions with the same numbers. */
  disableTiling(): void {
    this.#tiling = undefined;
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
    this.#encoder?.dispose();
    this.#decoder?.dispose();
    this.#weights.dispose();
    this.#gpu.dispose();
  }

  /** `using` frees it at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #half(part: 'encoder' | 'decoder'): Network {
    const half = part === 'encoder' ? this.#encoder : this.#decoder;
    if (half) return half;
    throw new InputError(`This model was loaded without its ${part}; load it with networks: "both".`);
  }

  /** Runs `work` when all earlier calls are done. */
  async #exclusive<T>({ signal }: RunOptions, work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(async () => {
      if (this.#disposed) throw new DisposedError('AutoencoderDC');
      signal?.throwIfAborted();
      return await this.#gpu.guard(work());
    });
    this.#queue = turn.catch(() => undefined);
    return await turn;
  }

  /** Runs a half, in tiles where that is asked for; what it gave is no one's if the model is disposed of or the device is lost meanwhile. */
  async #run(half: Network, size: InputSize, staged: StagedInput, options: RunOptions): Promise<NetworkResult> {
    let result: NetworkResult | undefined;
    try {
      result = await runNetwork(this.#gpu, half, size, staged, options, {
        slicing: this.#slicing,
        tiling: this.#tiling,
      });
      await this.#gpu.checked('the result', () => undefined);
      if (this.#disposed) throw new DisposedError('AutoencoderDC');
      return result;
    } catch (error) {
      for (const { buffer } of result?.bands ?? []) buffer.destroy();
      throw error;
    } finally {
      staged.dispose();
    }
  }
}
