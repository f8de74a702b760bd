/** Loads a model: opens its checkpoint, streams the weights to the GPU and compiles the shaders meanwhile. */
import type { AutoencoderDCConfig } from '../config/config.ts';
import { requestGpu, type Gpu } from '../gpu/gpu.ts';
import type { Target } from '../graph/target.ts';
import { decoder, encoder, type Decoder, type Encoder } from '../model/autoencoder.ts';
import { parameters } from '../model/layers.ts';
import { maxBindingBytes } from '../plan/budget.ts';
import { WeightStore } from '../session/weight_store.ts';
import { matchParameters, surplusWarning } from '../weights/format/parameters.ts';
import type { WeightInfo } from '../weights/format/tensor_info.ts';
import { streamTensors } from '../weights/read/stream.ts';
import type { TensorSink } from '../weights/read/tensor_cutter.ts';
import { abortable } from '../weights/read/waiting.ts';
import type { SourceInput } from '../weights/sources/open_source.ts';
import { Fingerprint, type CheckpointReference } from './fingerprint.ts';
import { withFastestKernels } from './kernel_choice.ts';
import { LoadCache } from './load_cache.ts';
import { checkOptions } from './check_options.ts';
import type { LoadOptions } from './load_options.ts';
import { compileNetworks, weightSpecs } from './networks.ts';
import { openPretrained, openSingleFile, type OpenedModel, type WrapSource } from './open.ts';
import { Progress } from './progress.ts';
import { targetOf } from './target.ts';
import { Verifier } from './verify.ts';
import { warn } from './warn.ts';

/** The module trees of the loaded networks. */
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
 * Loads a checkpoint's folder.
 *
 * @throws InputError, ConfigError, SourceError, CheckpointError or DeviceError; the signal's reason when aborted
 */
export async function loadPretrained(input: SourceInput, options: LoadOptions = {}): Promise<Loaded> {
  return await load('fromPretrained', options, async (own, wrap) => await openPretrained(input, own, wrap));
}

/**
 * Loads a single file of weights.
 *
 * @throws InputError, ConfigError, SourceError, CheckpointError or DeviceError; the signal's reason when aborted
 */
export async function loadSingleFile(input: string | URL | Blob, options: LoadOptions = {}): Promise<Loaded> {
  return await load('fromSingleFile', options, async (own, wrap) => await openSingleFile(input, own, wrap));
}

async function load(
  method: string,
  options: LoadOptions,
  open: (options: LoadOptions, wrap: WrapSource) => Promise<OpenedModel>,
): Promise<Loaded> {
  checkOptions(method, options);
  options.signal?.throwIfAborted();
  // Any failure stops everything else.
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const own = { ...options, signal };
  const requesting = requestGpu(options.device);
  requesting.then((gpu) => gpu.lost).catch((error: unknown) => stop.abort(error));
  const cache = new LoadCache(own);
  try {
    const opening = open(own, (opened) => cache.wrap(opened));
    const [gpu, model] = await abortable(Promise.all([requesting, opening]), signal);
    return await upload(gpu, model, cache, own);
  } catch (error) {
    stop.abort(error);
    requesting.then(
      (gpu) => gpu.dispose(),
      () => undefined,
    );
    cache.close().catch(() => undefined); // arrived bytes are still stored, in the background
    throw error;
  }
}

/** Streams the weights to the GPU while the shaders compile. */
async function upload(gpu: Gpu, model: OpenedModel, cache: LoadCache, options: LoadOptions): Promise<Loaded> {
  const { config, checkpoint, opened } = model;
  const { signal, retry, dtype = 'f32', networks: which = 'both' } = options;
  const choosing = withFastestKernels(gpu, targetOf(gpu, options), options);
  const modules: NetworkModules = {
    encoder: which === 'decoder' ? undefined : encoder(config),
    decoder: which === 'encoder' ? undefined : decoder(config),
  };
  const networks = [modules.encoder, modules.decoder].filter((network) => network !== undefined);
  const context = opened.source.label ?? 'The checkpoint';
  const { tensors, surplus } = matchParameters(networks.flatMap(parameters), checkpoint.tensors, {
    context,
    ...(which !== 'both' && { networks: [which] }),
  });
  if (surplus.length > 0) warn(surplusWarning(context, surplus), options);
  const files = new Set(Array.from(tensors.values(), ({ file }) => file));
  const verifier = options.verify === true ? await Verifier.create(opened, checkpoint.files, files, signal) : undefined;
  const progress = new Progress(options.onProgress, totalBytes(tensors.values()));

  const creating = WeightStore.create(gpu, dtype, maxBindingBytes(gpu.device.limits), networks.flatMap(weightSpecs));
  const weights = await abortable(creating, signal).catch((error: unknown) => {
    creating.then(
      (late) => late.dispose(),
      () => undefined,
    );
    throw error;
  });
  try {
    const compiling = choosing.then((target) => compileNetworks(gpu, networks, config.attentionHeadDim, target));
    compiling.catch(() => undefined);
    const fingerprint = new Fingerprint();
    let before = 0;
    await streamTensors(opened.source, [...tensors.values()], sinkInto(weights, fingerprint), {
      signal,
      retry,
      pool: cache.pool,
      whole: verifier?.sizes,
      onBytes: verifier && ((file, bytes) => verifier.take(file, bytes)),
      onProgress: ({ loaded, file, position }) => {
        progress.download(loaded, cache.cachedBytes(file, position - (loaded - before), position), file);
        before = loaded;
      },
    });
    await verifier?.check(cache);
    progress.phase('upload');
    await abortable(weights.finish(), signal);
    progress.phase('compile');
    await abortable(Promise.all([compiling, cache.close()]), signal);
    progress.phase('ready');
    return { config, gpu, target: await choosing, modules, weights, checkpoint: fingerprint.reference(opened.id) };
  } catch (error) {
    weights.dispose();
    throw error;
  }
}

/** Takes tensors into the weight store, and their first bytes into the fingerprint. */
function sinkInto(weights: WeightStore, fingerprint: Fingerprint): TensorSink<WeightInfo> {
  return {
    write: (info, offset, bytes) => {
      fingerprint.take(info, offset, bytes);
      const { name: key, dtype, shape } = info;
      return weights.write({ key, dtype, shape }, offset, bytes);
    },
    end: () => undefined,
  };
}

function totalBytes(tensors: Iterable<WeightInfo>): number {
  let total = 0;
  for (const { start, end } of tensors) total += end - start;
  return total;
}
