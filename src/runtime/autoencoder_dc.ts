import type { AutoencoderDCConfig } from '../config/config.ts';
import { DisposedError, InputError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { StorageType } from '../graph/tensor.ts';
import type { WeightType } from '../graph/weights.ts';
import type { Decoder, Encoder } from '../model/autoencoder.ts';
import type { SourceInput } from '../weights/sources/open_source.ts';
import type { CheckpointReference } from '../loading/fingerprint.ts';
import { Network } from './network.ts';
import type { ImageInput } from './image.ts';
import { parseBackground } from './background.ts';
import { readImage } from './image_input.ts';
import { readLatent, type LatentInput } from './latent_input.ts';
import { loadPretrained, loadSingleFile, type Loaded } from '../loading/load.ts';
import type { LoadOptions } from '../loading/load_options.ts';
import { cropSize, Latent, Sample } from './results.ts';
import type { Size } from './model_results.ts';
import type { PlanRequest, PlanSummary } from '../plan/plan_request.ts';
import { checkDecodeOptions, checkEncodeOptions, type DecodeOptions, type EncodeOptions } from './run_options.ts';
import type { AutoencoderModel, MemoryUse } from './model_interface.ts';
import { ModelRuns } from './model_runs.ts';
import type { InputSnapshot } from './staged_input.ts';
import { sendStrips, streamStrips, type StripTarget } from './strip_stream.ts';
import { StripSink, type Strip } from './strips.ts';
import { checkTiling, type TilingOptions } from './tiling.ts';
import type { WeightStore } from '../session/weight_store.ts';

/** The result of `encode`, named as in diffusers. */
export interface EncoderOutput {
  readonly latent: Latent;
}

/** The result of `decode` and `forward`, named as in diffusers. */
export interface DecoderOutput {
  readonly sample: Sample;
}

/**
 * DC-AE, the deep-compression autoencoder (arXiv 2410.10733), with the numbers of diffusers' `AutoencoderDC`.
 *
 * Calls on one model run one after another. Each call reads its input when it is made: later changes to a canvas, an
 * array or a latent have no effect. (A GPUTexture without COPY_SRC is the exception: it is read at the call's turn.) A
 * model owns GPU memory: free it with `dispose()` or `using`.
 */
export class AutoencoderDC implements AutoencoderModel {
  /** The checkpoint's config.json, checked, with diffusers' defaults. */
  readonly config: AutoencoderDCConfig;
  /** Storage type of the weights. */
  readonly dtype: WeightType;
  /** Storage type of the activations. Results are always f32. */
  readonly activations: StorageType;
  /** Identifies the checkpoint. */
  readonly checkpoint: CheckpointReference;
  readonly #gpu: Gpu;
  readonly #encoder: Network | undefined;
  readonly #decoder: Network | undefined;
  readonly #weights: WeightStore;
  readonly #runs: ModelRuns;
  #disposed = false;

  private constructor({ config, gpu, target, modules, weights, checkpoint }: Loaded) {
    this.config = config;
    this.dtype = target.weights;
    this.activations = target.activations;
    this.checkpoint = checkpoint;
    this.#gpu = gpu;
    this.#runs = new ModelRuns(gpu);
    const network = (module: Encoder | Decoder | undefined): Network | undefined =>
      module && new Network(module, gpu, weights, target);
    this.#encoder = network(modules.encoder);
    this.#decoder = network(modules.decoder);
    this.#weights = weights;
  }

  /**
   * Loads a folder in diffusers' layout: config.json and diffusion_pytorch_model.safetensors, whole or in shards with
   * an index. A folder of the original release (model.safetensors) loads too. Weights stream to the GPU; JavaScript
   * holds a few tens of MiB of them at a time.
   *
   * @param source - a repository on the hub (`"mit-han-lab/dc-ae-f32c32-sana-1.1-diffusers"`), the URL of a folder, the
   * files of a dropped folder, or `{ size(path), read(path, start, end, signal) }`
   * @throws DeviceError without WebGPU or if the GPU is out of memory; SourceError if bytes cannot be fetched;
   * ConfigError or CheckpointError if the files are invalid; the signal's reason when aborted
   */
  static async fromPretrained(source: SourceInput, options: LoadOptions = {}): Promise<AutoencoderDC> {
    return new AutoencoderDC(await loadPretrained(source, options));
  }

  /**
   * Loads a single .safetensors file, in diffusers' format or in the original efficientvit format. Without `config`,
   * the released checkpoint with the same keys and shapes is assumed. If both `in` and `mix` checkpoints match, `mix`
   * is assumed and a warning says so.
   *
   * @param file - a file of a repository (`"owner/name/model.safetensors"`), its page on the hub, any URL, or a `File`
   * @throws as `fromPretrained`
   */
  static async fromSingleFile(file: string | URL | Blob, options: LoadOptions = {}): Promise<AutoencoderDC> {
    return new AutoencoderDC(await loadSingleFile(file, options));
  }

  /**
   * Keeps Vue from wrapping the object in a proxy, which private fields do not survive: `ref(ae)` holds the object
   * itself.
   *
   * @internal
   */
  readonly __v_skip = true;

  /** The model's device. Buffers of results can be used on it. */
  get device(): GPUDevice {
    return this.#gpu.device;
  }

  /** Bytes that the model holds on the GPU now, without results. */
  get memory(): MemoryUse {
    const activations = (this.#encoder?.bytes ?? 0) + (this.#decoder?.bytes ?? 0);
    return { weights: this.#weights.bytes, activations };
  }

  /** Pixels of the image along one side of a latent pixel, 32 for example. */
  get spatialCompressionRatio(): number {
    return (this.#encoder ?? this.#network('decoder')).ratio;
  }

  /**
   * Plans a run of one network. Allocates nothing.
   *
   * @throws DeviceError `limits` if the run cannot fit, with the smallest budget that would do; InputError if an option
   * is invalid
   */
  async plan({ which, height, width, n = 1, memoryBudget }: PlanRequest): Promise<PlanSummary> {
    for (const [name, value] of Object.entries({ height, width, n })) {
      if (!Number.isSafeInteger(value) || value < 1) {
        throw new InputError(`plan's ${name} must be a positive integer; it was ${String(value)}.`);
      }
    }
    const network = this.#network(which);
    const { ratio } = network;
    const latent = { n, height: Math.ceil(height / ratio), width: Math.ceil(width / ratio) };
    const size = which === 'decoder' ? latent : { n, height: latent.height * ratio, width: latent.width * ratio };
    const { plan, slices } = network.plan(size, memoryBudget);
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
   * Encodes an image to a latent, `[N, latentChannels, H / ratio, W / ratio]`, not scaled by `config.scalingFactor`.
   *
   * Colours are converted to sRGB; transparent pixels are composited on white, or on the option `background`.
   *
   * If the sides of a picture are not multiples of the compression ratio, its edge is repeated, and the latent keeps
   * the true size. The sides of a raw tensor must be multiples. Images that exceed the memory budget are encoded region
   * by region, with the same numbers.
   *
   * @throws InputError if the image is not one that the model takes; DeviceError if the run does not fit the budget or
   * the device is lost; DisposedError after `dispose()`; the signal's reason when aborted
   */
  async encode(image: ImageInput, options: EncodeOptions = {}): Promise<EncoderOutput> {
    checkEncodeOptions('encode', options);
    this.#checkAlive();
    const network = this.#network('encoder');
    const { ratio } = network;
    const snapshot = readImage(this.#gpu, image, this.config.inChannels, parseBackground(options.background));
    return await this.#runs.inTurn(options.signal, snapshot, async (input) => {
      const fit = (side: number): number => (input.isPadded ? Math.ceil(side / ratio) * ratio : side);
      const { n, height, width } = input;
      const padded = { n, height: fit(height), width: fit(width) };
      const tensor = await this.#runs.whole(network, input, padded, options);
      const { size } = tensor;
      const imageSize = { height: Math.min(height, size.height * ratio), width: Math.min(width, size.width * ratio) };
      return { latent: new Latent(this.#gpu, tensor, size, imageSize) };
    });
  }

  /**
   * Decodes a latent to an image, `[N, inChannels, h * ratio, w * ratio]`, cropped to `imageSize` if the latent has
   * one. Latents that exceed the memory budget are decoded region by region, with the same numbers.
   *
   * @throws InputError if the latent does not fit the model; DeviceError if the run does not fit the budget or the
   * device is lost; DisposedError after `dispose()`; the signal's reason when aborted
   */
  async decode(latent: Latent | LatentInput, options: DecodeOptions = {}): Promise<DecoderOutput> {
    checkDecodeOptions('decode', options);
    const { network, snapshot, imageSize } = this.#readLatent(latent, options);
    return await this.#runs.inTurn(options.signal, snapshot, async (input) => {
      const tensor = await this.#runs.whole(network, input, input, options);
      return { sample: new Sample(this.#gpu, tensor, cropSize(tensor.size, imageSize)) };
    });
  }

  /**
   * Decodes a latent of one picture strip by strip, from the top, without holding the whole picture in memory. Decoding
   * pauses while a strip is not taken. Leaving the loop ends the run.
   *
   * @throws as `decode`, when the first strip is asked for; InputError for a batch
   */
  decodeStrips(latent: Latent | LatentInput, options: DecodeOptions = {}): AsyncGenerator<Strip, void, void> {
    const reading = attempt(() => {
      checkDecodeOptions('decodeStrips', options);
      return this.#readLatent(latent, options);
    });
    return this.#decodeStrips(reading, options);
  }

  /**
   * Decodes a latent of one picture to a canvas or a stream, strip by strip. The canvas must have a 2D context or no
   * context yet.
   *
   * @throws as `decodeStrips`; InputError if the target is neither
   */
  async decodeTo(target: StripTarget, latent: Latent | LatentInput, options: DecodeOptions = {}): Promise<void> {
    await sendStrips(target, () => this.decodeStrips(latent, options));
  }

  /**
   * Runs batches picture by picture, as diffusers' `enable_slicing`: less memory, the same numbers. A batch that does
   * not fit is always sliced.
   */
  enableSlicing(): void {
    this.#setSlicing(true);
  }

  /** Runs batches at once if they fit. */
  disableSlicing(): void {
    this.#setSlicing(false);
  }

  /**
   * Runs images larger than a tile as overlapping tiles with blended seams, with the numbers of diffusers'
   * `enable_tiling`. Memory does not need this: without tiling, images of any size run region by region with the
   * numbers of one piece. Strips and `plan` ignore tiling.
   *
   * Sizes and strides are rounded down to multiples of the compression ratio. With other strides, the result has
   * another size than the image.
   *
   * @throws InputError if an option is invalid
   */
  enableTiling(options: TilingOptions = {}): void {
    this.#runs.tiling = checkTiling(options, this.spatialCompressionRatio);
  }

  /** Runs images in one piece, or in regions with the same numbers. */
  disableTiling(): void {
    this.#runs.tiling = undefined;
  }

  /**
   * Encodes an image and decodes its latent.
   *
   * @throws as `encode` and `decode`
   */
  async forward(image: ImageInput, options: EncodeOptions = {}): Promise<DecoderOutput> {
    const { background: _, ...decodeOptions } = options;
    const { latent } = await this.encode(image, options);
    try {
      return await this.decode(latent, decodeOptions);
    } finally {
      latent.dispose();
    }
  }

  /** Resolves when the GPU has finished all work submitted so far; for measuring time. */
  async onSubmittedWorkDone(): Promise<void> {
    await this.#gpu.guard(this.device.queue.onSubmittedWorkDone());
  }

  /**
   * Frees all GPU memory of the model. Running calls reject with a DisposedError. If the caller provided the device,
   * the device and results on it stay valid; otherwise the device is destroyed together with all results.
   */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#runs.dispose();
    this.#encoder?.dispose();
    this.#decoder?.dispose();
    this.#weights.dispose();
    this.#gpu.dispose();
  }

  /** Calls `dispose()` at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #network(which: 'encoder' | 'decoder'): Network {
    const network = which === 'encoder' ? this.#encoder : this.#decoder;
    if (network) return network;
    throw new InputError(`This model was loaded without its ${which}. Load it with networks: "both".`);
  }

  #setSlicing(isSlicing: boolean): void {
    for (const network of [this.#encoder, this.#decoder]) if (network) network.isSlicing = isSlicing;
  }

  #checkAlive(): void {
    if (this.#disposed) throw new DisposedError('AutoencoderDC');
  }

  #readLatent(latent: Latent | LatentInput, { scaled = false }: DecodeOptions): LatentReading {
    this.#checkAlive();
    const network = this.#network('decoder');
    const snapshot = readLatent(this.#gpu, latent, this.config, network.ratio, scaled);
    return { network, snapshot, imageSize: latent.imageSize };
  }

  async *#decodeStrips(read: () => LatentReading, options: DecodeOptions): AsyncGenerator<Strip, void, void> {
    const { network, snapshot, imageSize } = read();
    yield* streamStrips(options.signal, (signal, give) =>
      this.#runs.inTurn(signal, snapshot, (input) =>
        this.#runs.strips(network, input, new StripSink(this.#gpu, imageSize, give), { ...options, signal }),
      ),
    );
  }
}

/** A latent that was read, and its decoder. */
interface LatentReading {
  readonly network: Network;
  readonly snapshot: InputSnapshot;
  readonly imageSize: Size | undefined;
}

/** Runs `read` now; the returned function gives its result or throws its error. */
function attempt<T>(read: () => T): () => T {
  try {
    const result = read();
    return () => result;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
