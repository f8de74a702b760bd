import { parseConfig, type AutoencoderDCConfig } from '../config/config.ts';
import { InputError } from '../errors.ts';
import { requestGpu, type Gpu } from '../gpu/gpu.ts';
import { buildGraph, type InputSize } from '../graph/build.ts';
import { weightsOf } from '../graph/ops.ts';
import type { WeightSpec, WeightType } from '../graph/weights.ts';
import { decoder, encoder, type Decoder, type Encoder } from '../model/autoencoder.ts';
import { parameters } from '../model/layers.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { matchParameters } from '../weights/parameters.ts';
import { readJson } from '../weights/read.ts';
import { toSource, type SourceInput } from '../weights/source.ts';
import { streamTensors } from '../weights/stream.ts';
import type { Dtype } from '../weights/tensor_info.ts';
import { RAW_BYTES, type RawType } from '../kernels/pack.ts';
import { makePlan, maxBinding } from './plan.ts';
import { WeightStore, type ArrivingTensor } from './weight_store.ts';

/** How far loading has come. */
export interface LoadProgress {
  /** `resolve`: config and headers; `download`: weights stream to the GPU and shaders compile meanwhile; `compile`: what is left of that. */
  readonly phase: 'resolve' | 'download' | 'compile' | 'ready';
  /** Bytes of weights that are on the GPU. */
  readonly loaded: number;
  /** Bytes of weights in all; 0 while `resolve` doesn't know them yet. */
  readonly total: number;
  /** The file that is being read. */
  readonly file: string | undefined;
}

/** How to load a model. */
export interface LoadOptions {
  /** A device to use and share; it is never destroyed. Without one, the best adapter's is requested, with all that it offers. */
  readonly device?: GPUDevice | undefined;
  /**
   * How weights are stored: `f32` (default) keeps the checkpoint's precision, `f16` halves their memory. Activations and sums are f32 in both.
   */
  readonly dtype?: WeightType | undefined;
  /** Which half to load; only its bytes are read. Both by default. */
  readonly parts?: 'both' | 'encoder' | 'decoder' | undefined;
  /** Used instead of the source's config.json: diffusers' JSON, or one that was parsed already. */
  readonly config?: unknown;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Replaces the global `fetch` for sources that are URLs. */
  readonly fetch?: typeof fetch | undefined;
}

/** One half of the model: its module tree. */
export interface Parts {
  readonly encoder: Encoder | undefined;
  readonly decoder: Decoder | undefined;
}

/** A model whose weights are on the GPU. */
export interface Loaded {
  readonly config: AutoencoderDCConfig;
  readonly gpu: Gpu;
  readonly dtype: WeightType;
  readonly parts: Parts;
  readonly weights: WeightStore;
}

const PARTS = ['both', 'encoder', 'decoder'];
const DTYPES = ['f32', 'f16'];

function checkOptions({ dtype = 'f32', parts = 'both', device }: LoadOptions): void {
  if (!DTYPES.includes(dtype))
    throw new InputError(`options.dtype must be "f32" or "f16"; it was ${JSON.stringify(dtype)}.`);
  if (!PARTS.includes(parts)) {
    throw new InputError(`options.parts must be "both", "encoder" or "decoder"; it was ${JSON.stringify(parts)}.`);
  }
  if (device !== undefined && typeof device.createBuffer !== 'function') {
    throw new InputError(
      'options.device must be a GPUDevice: await (await navigator.gpu.requestAdapter()).requestDevice().',
    );
  }
}

/** Inputs at which a network's every kernel runs, attention in both of its forms: for compiling its shaders. */
function trialSizes(part: Encoder | Decoder, headDim: number): InputSize[] {
  const unit = smallestSide(part);
  const many = unit * (Math.ceil(Math.sqrt(headDim)) + 1);
  return [unit, many].map((side) => ({ n: 1, height: side, width: side }));
}

/**
 * Loads a model: config, headers, then the wanted tensors straight to the GPU while shaders compile.
 *
 * @throws InputError, ConfigError, SourceError, CheckpointError or DeviceError; the signal's reason when aborted
 */
export async function loadModel(input: SourceInput, options: LoadOptions = {}): Promise<Loaded> {
  checkOptions(options);
  const { signal, dtype = 'f32', parts: wanted = 'both', onProgress } = options;
  signal?.throwIfAborted();
  const source = toSource(input, { fetch: options.fetch });
  onProgress?.({ phase: 'resolve', loaded: 0, total: 0, file: 'config.json' });
  const config = parseConfig(options.config ?? (await readJson(source, 'config.json', signal)));
  const parts: Parts = {
    encoder: wanted === 'decoder' ? undefined : encoder(config),
    decoder: wanted === 'encoder' ? undefined : decoder(config),
  };
  const halves = [parts.encoder, parts.decoder].filter((part) => part !== undefined);
  const checkpoint = await openCheckpoint(source, { signal });
  const tensors = matchParameters(halves.flatMap(parameters), checkpoint.tensors, {
    prefixes: halves.map((part) => (part.type === 'Encoder' ? 'encoder.' : 'decoder.')),
  });

  const gpu = await requestGpu(options.device);
  let weights: WeightStore | undefined;
  try {
    const limits = gpu.device.limits;
    const store = await WeightStore.create(gpu, dtype, maxBinding(limits), halves.flatMap(weightSpecs));
    weights = store;
    // Shaders compile while weights come in; whoever needs one first waits for it.
    const steps = halves.flatMap((part) =>
      trialSizes(part, config.attentionHeadDim).flatMap((size) => makePlan(part, size, dtype, limits).steps),
    );
    const compiled = Promise.all(
      steps.map(({ dispatch }) => gpu.guard(gpu.pipelines.get(dispatch.shader, dispatch.constants))),
    );
    compiled.catch(() => undefined);
    let loaded = 0;
    let total = 0;
    await streamTensors(
      source,
      [...tensors.values()],
      {
        write: (info, offset, bytes) => store.write(arriving(info), offset, bytes),
        end: () => undefined,
      },
      {
        signal,
        onProgress: (progress) => {
          ({ loaded, total } = progress);
          onProgress?.({ phase: 'download', ...progress });
        },
      },
    );
    await store.finish();
    onProgress?.({ phase: 'compile', loaded, total, file: undefined });
    await compiled;
    signal?.throwIfAborted();
    onProgress?.({ phase: 'ready', loaded, total, file: undefined });
    return { config, gpu, dtype, parts, weights };
  } catch (error) {
    weights?.dispose();
    gpu.dispose();
    throw error;
  }
}

function isRaw(dtype: Dtype): dtype is RawType {
  return Object.hasOwn(RAW_BYTES, dtype);
}

function arriving({ name, dtype, shape }: { name: string; dtype: Dtype; shape: readonly number[] }): ArrivingTensor {
  if (!isRaw(dtype)) throw new RangeError(`${name} is ${dtype}, which matchParameters lets no one have`);
  return { key: name, dtype, shape };
}

/** The sides of a network's smallest input; all inputs' sides are multiples of it. */
export function smallestSide(part: Encoder | Decoder): number {
  if (part.type === 'Decoder') return 1;
  return 2 ** [part.convIn, ...part.stages.flat()].filter((block) => block.type === 'DCDownBlock2d').length;
}

/** The weights that a network needs on the GPU, each once; they don't depend on the input's size. */
export function weightSpecs(part: Encoder | Decoder): WeightSpec[] {
  const side = smallestSide(part);
  const { ops } = buildGraph(part, { n: 1, height: side, width: side });
  return [...new Map(ops.flatMap(weightsOf).map((spec) => [spec.id, spec])).values()];
}
