import type { AutoencoderDCConfig } from '../config/config.ts';
import { requestGpu, type Gpu } from '../gpu/gpu.ts';
import { buildGraph, type InputSize } from '../graph/build.ts';
import { weightsOf } from '../graph/ops.ts';
import type { Target, WeightSpec } from '../graph/weights.ts';
import { lower } from '../kernels/lower.ts';
import { RAW_BYTES, type RawType } from '../kernels/pack.ts';
import { compressionRatio, decoder, encoder, type Decoder, type Encoder } from '../model/autoencoder.ts';
import { parameters } from '../model/layers.ts';
import { abortable } from '../weights/sources/failures.ts';
import { matchParameters } from '../weights/format/parameters.ts';
import type { SourceInput } from '../weights/sources/source.ts';
import { streamTensors } from '../weights/read/stream.ts';
import type { Dtype, TensorInfo } from '../weights/format/tensor_info.ts';
import { Fingerprint, type CheckpointReference } from './fingerprint.ts';
import { withFastestKernels } from './kernel_choice.ts';
import { LoadCache } from './load_cache.ts';
import { checkOptions, type LoadOptions } from './load_options.ts';
import { openPretrained, openSingleFile, type OpenedModel, type Wrap } from './open.ts';
import { maxBindingBytes } from '../plan/budget.ts';
import { opsInOnePiece } from '../plan/plan.ts';
import { Progress } from './progress.ts';
import { targetOf } from './target.ts';
import { Verifier } from './verify.ts';
import { WeightStore, type ArrivingTensor } from '../session/weight_store.ts';

/** One half of the model: its module tree. */
export interface NetworkModules {
  readonly encoder: Encoder | undefined;
  readonly decoder: Decoder | undefined;
}

/** A model whose weights are on the GPU. */
export interface Loaded {
  readonly config: AutoencoderDCConfig;
  readonly gpu: Gpu;
  readonly target: Target;
  readonly modules: NetworkModules;
  readonly weights: WeightStore;
  readonly checkpoint: CheckpointReference;
}

/**
 * Loads a folder: config, headers, then the wanted tensors straight to the GPU while shaders compile.
 *
 * @throws InputError, ConfigError, SourceError, CheckpointError or DeviceError; the signal's reason when aborted
 */
export async function loadPretrained(input: SourceInput, options: LoadOptions = {}): Promise<Loaded> {
  return await load(options, async (own, wrap) => await openPretrained(input, own, wrap));
}

/**
 * Loads a single file, the same way.
 *
 * @throws InputError, ConfigError, SourceError, CheckpointError or DeviceError; the signal's reason when aborted
 */
export async function loadSingleFile(input: string | URL | Blob, options: LoadOptions = {}): Promise<Loaded> {
  return await load(options, async (own, wrap) => await openSingleFile(input, own, wrap));
}

async function load(
  options: LoadOptions,
  open: (options: LoadOptions, wrap: Wrap) => Promise<OpenedModel>,
): Promise<Loaded> {
  checkOptions(options);
  options.signal?.throwIfAborted();
  // Whatever fails stops all the rest.
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const own = { ...options, signal };
  const arriving = requestGpu(options.device);
  arriving.then((gpu) => gpu.lost).catch((error: unknown) => stop.abort(error));
  const cache = new LoadCache(own);
  try {
    const opening = open(own, (opened) => cache.wrap(opened));
    const [gpu, model] = await abortable(Promise.all([arriving, opening]), signal);
    return await upload(gpu, model, cache, own);
  } catch (error) {
    stop.abort(error);
    arriving.then(
      (gpu) => gpu.dispose(),
      () => undefined,
    );
    cache.close().catch(() => undefined); // what has come is still stored, and nobody waits for it
    throw error;
  }
}

/** Brings the weights to the GPU and compiles the shaders. */
async function upload(gpu: Gpu, model: OpenedModel, cache: LoadCache, options: LoadOptions): Promise<Loaded> {
  const { config, checkpoint, opened } = model;
  const { signal, retry, dtype = 'f32', networks: wanted = 'both' } = options;
  const choosing = withFastestKernels(gpu, targetOf(gpu, options), options);
  const parts: NetworkModules = {
    encoder: wanted === 'decoder' ? undefined : encoder(config),
    decoder: wanted === 'encoder' ? undefined : decoder(config),
  };
  const halves = [parts.encoder, parts.decoder].filter((part) => part !== undefined);
  const tensors = matchParameters(halves.flatMap(parameters), checkpoint.tensors, {
    context: opened.source.label,
    prefixes: halves.map((part) => (part.type === 'Encoder' ? 'encoder.' : 'decoder.')),
  });
  const files = new Set(Array.from(tensors.values(), ({ file }) => file));
  const verifier = options.verify === true ? await Verifier.create(opened, checkpoint.files, files, signal) : undefined;
  const progress = new Progress(options.onProgress, totalBytes(tensors.values()));

  const { limits } = gpu.device;
  const creating = WeightStore.create(gpu, dtype, maxBindingBytes(limits), halves.flatMap(weightSpecs));
  const weights = await abortable(creating, signal).catch((error: unknown) => {
    creating.then(
      (late) => late.dispose(),
      () => undefined,
    );
    throw error;
  });
  try {
    const compiled = choosing.then((target) => compile(gpu, halves, config, target));
    compiled.catch(() => undefined);
    const fingerprint = new Fingerprint();
    const sink = {
      write: (info: TensorInfo, offset: number, bytes: Uint8Array) => {
        fingerprint.take(info, offset, bytes);
        return weights.write(arriving(info), offset, bytes);
      },
      end: () => undefined,
    };
    let before = 0;
    await streamTensors(opened.source, [...tensors.values()], sink, {
      signal,
      retry,
      pieces: cache.pieces,
      whole: verifier?.sizes,
      onBytes: verifier && ((file, bytes) => verifier.take(file, bytes)),
      onProgress: ({ loaded, file, position }) => {
        progress.download(loaded, cache.bytes(file, position - (loaded - before), position), file);
        before = loaded;
      },
    });
    await verifier?.check(cache);
    progress.phase('upload');
    await abortable(weights.finish(), signal);
    progress.phase('compile');
    await abortable(Promise.all([compiled, cache.close()]), signal);
    progress.phase('ready');
    const id = opened.repo === undefined ? undefined : [opened.repo, options.subfolder].filter(Boolean).join('/');
    const target = await choosing;
    return { config, gpu, target, modules: parts, weights, checkpoint: fingerprint.identity(id) };
  } catch (error) {
    weights.dispose();
    throw error;
  }
}

/** Compiles every shader that the halves need: begun before weights come in, and whoever needs one first waits for it. */
function compile(
  gpu: Gpu,
  halves: readonly (Encoder | Decoder)[],
  { attentionHeadDim }: AutoencoderDCConfig,
  target: Target,
): Promise<unknown> {
  const binding = maxBindingBytes(gpu.device.limits);
  // Not by a plan: the device need not have room for such an input.
  const dispatches = halves.flatMap((part) =>
    trialSizes(part, attentionHeadDim).flatMap((size) =>
      opsInOnePiece(buildGraph(part, size, target.activations), target, gpu.device.limits).flatMap((op) =>
        lower(op, target, binding),
      ),
    ),
  );
  return Promise.all(dispatches.map(({ shader, constants }) => gpu.guard(gpu.pipelines.get(shader, constants))));
}

function totalBytes(tensors: Iterable<TensorInfo>): number {
  let total = 0;
  for (const { start, end } of tensors) total += end - start;
  return total;
}

function isRaw(dtype: Dtype): dtype is RawType {
  return Object.hasOwn(RAW_BYTES, dtype);
}

function arriving({ name, dtype, shape }: { name: string; dtype: Dtype; shape: readonly number[] }): ArrivingTensor {
  if (!isRaw(dtype)) throw new RangeError(`${name} is ${dtype}, which matchParameters lets no one have`);
  return { key: name, dtype, shape };
}

/** Inputs at which a network's every kernel runs, attention in both of its forms and convolutions in all of theirs: for compiling its shaders. */
function trialSizes(part: Encoder | Decoder, headDim: number): InputSize[] {
  const unit = smallestSide(part);
  const many = unit * (Math.ceil(Math.sqrt(headDim)) + 1);
  return [unit, many, 32 * unit].map((side) => ({ n: 1, height: side, width: side }));
}

/** The sides of a network's smallest input; all inputs' sides are multiples of it. */
export function smallestSide(part: Encoder | Decoder): number {
  return part.type === 'Decoder' ? 1 : compressionRatio(part);
}

/** The weights that a network needs on the GPU, each once; they don't depend on the input's size. */
export function weightSpecs(part: Encoder | Decoder): WeightSpec[] {
  const side = smallestSide(part);
  const { ops } = buildGraph(part, { n: 1, height: side, width: side });
  return [...new Map(ops.flatMap(weightsOf).map((spec) => [spec.id, spec])).values()];
}
