/** Loads a model in a worker of its own. */
import { createWorkerClient, type LoadProgress, type WorkerAutoencoderDC } from 'dc-ae-webgpu';
import { PageError } from '../errors.ts';
import type { Dtype, ModelChoice } from './choices.ts';

/** A model that is ready. */
export interface LoadedModel {
  readonly choice: ModelChoice;
  readonly ae: WorkerAutoencoderDC;
  /** Bytes of weights on the GPU. */
  readonly weightBytes: number;
  /** Bytes of weights that were read, and how many of them came from the browser's cache. */
  readonly readBytes: number;
  readonly cachedBytes: number;
  /** Ends the worker; its GPU memory goes with it. */
  dispose(): void;
}

/** How to load. */
export interface LoadCall {
  readonly dtype: Dtype;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: LoadProgress) => void;
}

/**
 * Loads a model.
 *
 * @throws PageError if the page has no WebGPU; what `fromPretrained` throws
 */
export async function loadModel(choice: ModelChoice, { dtype, signal, onProgress }: LoadCall): Promise<LoadedModel> {
  requireWebGpu();
  const client = createWorkerClient();
  try {
    let last: LoadProgress | undefined;
    const options = {
      dtype,
      signal,
      onProgress: (progress: LoadProgress) => {
        last = progress;
        onProgress(progress);
      },
    };
    const single = singleFile(choice.source);
    const ae = await (single === undefined
      ? client.fromPretrained(typeof choice.source === 'string' ? choice.source : [...choice.source], options)
      : client.fromSingleFile(single, options));
    // Some drivers compile a shader when it first runs. A first run keeps that out of the times that the page shows.
    const warmUp = await ae.forward({ data: new Uint8Array(4 * 64 * 64), width: 64, height: 64 }, { signal });
    await warmUp.sample.toArray();
    warmUp.sample.dispose();
    const { weights } = ae.memory;
    return {
      choice,
      ae,
      weightBytes: weights,
      readBytes: last?.total ?? 0,
      cachedBytes: last?.fromCache ?? 0,
      dispose: () => client.dispose(),
    };
  } catch (error) {
    client.dispose();
    throw error;
  }
}

function requireWebGpu(): void {
  if (!isSecureContext) throw new PageError('insecure', `${location.origin} is neither https nor localhost.`);
  if (!Reflect.get(navigator, 'gpu')) throw new PageError('no-webgpu', 'navigator.gpu is missing.');
}

function singleFile(source: ModelChoice['source']): string | File | undefined {
  if (typeof source === 'string') return source.endsWith('.safetensors') ? source : undefined;
  const [file] = source;
  return source.length === 1 && file && /\.safetensors$/i.test(file.name) ? file : undefined;
}
