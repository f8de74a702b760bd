/** The page's end of the worker. */
import type { LoadProgress } from 'dc-ae-webgpu';
import type { Decoded, Encoded, Failure, FromWorker, ModelInfo, Prepared, ToWorker } from './protocol.ts';

/** A failure that came from the worker, or from the worker's failing. */
export class ModelError extends Error {
  override readonly name = 'ModelError';

  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

/** How to load. */
export interface ModelOptions {
  readonly onProgress: (progress: LoadProgress) => void;
  /** Called once if the model dies after it was loaded: its device was lost, or its worker. */
  readonly onLost: (failure: Failure) => void;
  /** Ends loading; afterwards nothing is left of it. */
  readonly signal: AbortSignal;
}

/** What a run tells on its way. */
export interface RunEvents {
  readonly onPrepared: (prepared: Prepared) => void;
  readonly onEncoded: (encoded: Encoded) => void;
  readonly signal: AbortSignal;
}

interface Pending extends RunEvents {
  readonly resolve: (decoded: Decoded) => void;
  readonly reject: (error: unknown) => void;
}

/** A loaded model in a worker of its own. */
export class Model {
  readonly info: ModelInfo;
  readonly #worker: Worker;
  readonly #runs = new Map<number, Pending>();
  #lastId = 0;

  private constructor(worker: Worker, info: ModelInfo, onLost: (failure: Failure) => void) {
    this.#worker = worker;
    this.info = info;
    const lost = (failure: Failure): void => {
      this.dispose();
      for (const run of this.#runs.values()) run.reject(new ModelError(failure));
      this.#runs.clear();
      onLost(failure);
    };
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === 'failed' && data.id === undefined) lost(data.failure);
      else this.#receive(data);
    };
    worker.onerror = (event) => lost(workerFailure(event));
  }

  /**
   * Starts a worker and loads a checkpoint in it.
   *
   * @param source - the checkpoint folder's absolute address
   * @throws ModelError; the signal's reason when aborted
   */
  static async load(source: string, { onProgress, onLost, signal }: ModelOptions): Promise<Model> {
    signal.throwIfAborted();
    const missing = missingWebGpu();
    if (missing) throw new ModelError(missing);
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    try {
      const info = await new Promise<ModelInfo>((resolve, reject) => {
        signal.addEventListener('abort', () => reject(reasonOf(signal)), { once: true });
        worker.onerror = (event) => reject(new ModelError(workerFailure(event)));
        worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
          if (data.type === 'progress') onProgress(data.progress);
          else if (data.type === 'ready') resolve(data.info);
          else if (data.type === 'failed') reject(new ModelError(data.failure));
        };
        send(worker, { type: 'load', source });
      });
      return new Model(worker, info, onLost);
    } catch (error) {
      worker.terminate();
      throw error;
    }
  }

  /**
   * Encodes a picture and decodes its latent. A run that is still going is aborted.
   *
   * @param picture - handed over to the worker
   * @throws ModelError; the signal's reason when aborted
   */
  async run(picture: ImageBitmap, events: RunEvents): Promise<Decoded> {
    const { signal } = events;
    signal.throwIfAborted();
    const id = ++this.#lastId;
    try {
      return await new Promise<Decoded>((resolve, reject) => {
        this.#runs.set(id, { ...events, resolve, reject });
        const abort = (): void => {
          send(this.#worker, { type: 'abort', id });
          reject(reasonOf(signal)); // its last submits may take a while yet; nobody waits for them
        };
        signal.addEventListener('abort', abort, { once: true });
        send(this.#worker, { type: 'run', id, picture }, [picture]);
      });
    } finally {
      this.#runs.delete(id);
    }
  }

  /** Ends the worker; its GPU memory goes with it. */
  dispose(): void {
    this.#worker.terminate();
  }

  #receive(data: FromWorker): void {
    if (!('id' in data) || data.id === undefined) return;
    const run = this.#runs.get(data.id);
    if (!run) return;
    switch (data.type) {
      case 'prepared':
        run.onPrepared(data.prepared);
        break;
      case 'encoded':
        run.onEncoded(data.encoded);
        break;
      case 'decoded':
        run.resolve(data.decoded);
        break;
      case 'aborted':
        run.reject(new DOMException('A newer run began.', 'AbortError'));
        break;
      case 'failed':
        run.reject(new ModelError(data.failure));
        break;
    }
  }
}

function send(worker: Worker, message: ToWorker, transfer: Transferable[] = []): void {
  worker.postMessage(message, transfer);
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new DOMException('Stopped.', 'AbortError');
}

/** Why there is no WebGPU in this page, as far as a page can tell without asking for an adapter. */
function missingWebGpu(): Failure | undefined {
  if (!isSecureContext) {
    return { code: 'insecure', message: `${location.origin} is neither https nor localhost.` };
  }
  const gpu: unknown = Reflect.get(navigator, 'gpu');
  return gpu ? undefined : { code: 'no-webgpu', message: 'navigator.gpu is missing.' };
}

function workerFailure(event: ErrorEvent): Failure {
  return { code: 'worker', message: event.message || 'The worker’s script could not be loaded.' };
}
