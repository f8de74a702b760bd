/** The page's end of the model's worker. */
import type { LoadProgress, RunProgress } from 'dc-ae-webgpu';
import type { PlainLatent } from 'dc-ae-webgpu/codec';
import type { Failure } from '../failure.ts';
import { Caller, CallError } from '../rpc.ts';
import type {
  Decoded,
  Encoded,
  LoadRequest,
  ModelInfo,
  ModelMethods,
  Packed,
  Prepared,
  RunSettings,
} from './protocol.ts';

/** How to load. */
export interface ModelOptions {
  readonly onProgress: (progress: LoadProgress) => void;
  /** Called once if the model dies after it was loaded: its device was lost, or its worker. */
  readonly onLost: (failure: Failure) => void;
  /** Ends loading; afterwards nothing is left of it. */
  readonly signal: AbortSignal;
}

/** Callbacks and options of a run. */
export interface RunCall {
  readonly settings: RunSettings;
  readonly onProgress?: (progress: RunProgress) => void;
  readonly signal: AbortSignal;
}

/** A loaded model in a worker of its own. */
export class Model {
  readonly info: ModelInfo;
  readonly #caller: Caller<ModelMethods>;

  private constructor(caller: Caller<ModelMethods>, info: ModelInfo) {
    this.#caller = caller;
    this.info = info;
  }

  /**
   * Starts a worker and loads a checkpoint in it.
   *
   * @throws CallError; the signal's reason when aborted
   */
  static async load(request: LoadRequest, { onProgress, onLost, signal }: ModelOptions): Promise<Model> {
    const missing = missingWebGpu();
    if (missing) throw new CallError(missing);
    const worker = new Worker(new URL('./model_worker.ts', import.meta.url), { type: 'module' });
    const caller = new Caller<ModelMethods>(worker);
    try {
      const info = await caller.call('load', request, { signal, onReport: onProgress });
      const model = new Model(caller, info);
      caller.call('lost', undefined).then(onLost, (error: unknown) => {
        if (error instanceof CallError && error.failure.code !== 'disposed') onLost(error.failure);
      });
      return model;
    } catch (error) {
      caller.end();
      throw error;
    }
  }

  /**
   * A picture to its latent.
   *
   * @param picture - handed over to the worker
   * @param onPrepared - is told how the model sees it
   * @throws CallError; the signal's reason when aborted
   */
  async encode(
    picture: ImageBitmap,
    onPrepared: (prepared: Prepared) => void,
    { settings, onProgress, signal }: RunCall,
  ): Promise<Encoded> {
    return await this.#caller.call(
      'encode',
      { picture, settings },
      {
        signal,
        onReport: (report) => {
          if ('picture' in report) onPrepared(report);
          else onProgress?.(report);
        },
        transfer: [picture],
      },
    );
  }

  /** A file from an address; as `encode` in all else. */
  async download(url: string, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    return await this.#caller.call('download', url, { signal });
  }

  /** A latent to a file; as `encode` in all else. */
  async pack(latent: PlainLatent, quality: number, signal: AbortSignal): Promise<Packed> {
    return await this.#caller.call('pack', { latent, quality }, { signal });
  }

  /** A file to a picture; as `encode` in all else. */
  async decode(bytes: Uint8Array, { settings, onProgress, signal }: RunCall): Promise<Decoded> {
    return await this.#caller.call('decode', { bytes, settings }, { signal, onReport: onProgress });
  }

  /** Ends the worker; its GPU memory goes with it. */
  dispose(): void {
    this.#caller.end();
  }
}

/** Why there is no WebGPU in this page, as far as a page can tell without asking for an adapter. */
function missingWebGpu(): Failure | undefined {
  if (!isSecureContext) {
    return { code: 'insecure', message: `${location.origin} is neither https nor localhost.` };
  }
  const gpu: unknown = Reflect.get(navigator, 'gpu');
  return gpu ? undefined : { code: 'no-webgpu', message: 'navigator.gpu is missing.' };
}
