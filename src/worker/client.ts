import { DisposedError, WorkerError } from '../errors.ts';
import type { LoadOptions } from '../loading/load_options.ts';
import { Channel } from '../rpc/channel.ts';
import type { SourceInput } from '../weights/sources/open_source.ts';
import { PageObjects } from './page_objects.ts';
import type { PageMethods, WorkerMethods } from './protocol.ts';
import { WorkerAutoencoderDC } from './remote_model.ts';
import { sentLoadOptions } from './sent_options.ts';
import { OWN_WORKER_REMEDY, startWorker } from './start_worker.ts';

/** Options of `createWorkerClient`. */
export interface WorkerClientOptions {
  /**
   * Your own worker, whose script contains `import 'dc-ae-webgpu/worker'`. Use it if the package's worker cannot start
   * on your page, or if the worker has other work, too. `dispose()` terminates it.
   */
  readonly worker?: Worker | undefined;
}

/** Options of a load in a worker. A device cannot be shared with a worker. */
export type WorkerLoadOptions = Omit<LoadOptions, 'device'>;

/** A worker that loads and runs models. End it with `dispose()` or `using`. */
export class WorkerClient {
  readonly #worker: Worker;
  readonly #channel: Channel<WorkerMethods, PageMethods>;
  readonly #objects = new PageObjects();

  /**
   * @param worker - the worker, which runs `dc-ae-webgpu/worker`
   * @param remedy - advice for a worker that does not start
   * @internal
   */
  constructor(worker: Worker, remedy: string) {
    this.#worker = worker;
    this.#channel = new Channel<WorkerMethods, PageMethods>(worker, this.#objects.handlers);
    let hasStarted = false;
    worker.addEventListener('message', () => (hasStarted = true), { once: true });
    worker.addEventListener('error', ({ message, error }) => {
      const options = { cause: error };
      this.#channel.close(
        hasStarted
          ? new WorkerError(`The worker failed: ${message}. Dispose of the client and create another one.`, options)
          : new WorkerError(`The worker could not start${message ? `: ${message}` : ''}. ${remedy}`, options),
      );
    });
  }

  /**
   * Loads a checkpoint in the worker, as `AutoencoderDC.fromPretrained`.
   *
   * @param source - relative URLs are resolved against the page
   * @throws as `AutoencoderDC.fromPretrained`
   */
  async fromPretrained(source: SourceInput, options: WorkerLoadOptions = {}): Promise<WorkerAutoencoderDC> {
    return await this.#load(source, options, false);
  }

  /**
   * Loads a single file in the worker, as `AutoencoderDC.fromSingleFile`.
   *
   * @param file - relative URLs are resolved against the page
   * @throws as `AutoencoderDC.fromSingleFile`
   */
  async fromSingleFile(file: string | URL | Blob, options: WorkerLoadOptions = {}): Promise<WorkerAutoencoderDC> {
    return await this.#load(file, options, true);
  }

  /** Terminates the worker and frees all its GPU memory. Calls that are running reject with a DisposedError. */
  dispose(): void {
    this.#channel.close(new DisposedError('worker client'));
    this.#worker.terminate();
  }

  /** `using` ends the worker at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  async #load(
    input: SourceInput | string | URL | Blob,
    options: WorkerLoadOptions,
    single: boolean,
  ): Promise<WorkerAutoencoderDC> {
    const method = single ? 'fromSingleFile' : 'fromPretrained';
    const lent = this.#objects.lend(input, options, single);
    try {
      const args = { single, source: lent.source, options: sentLoadOptions(method, options), fetch: lent.fetch };
      const sent = await this.#channel.call('load', args, {
        signal: options.signal,
        onReport: (event) => {
          if (event.kind === 'progress') options.onProgress?.(event.progress);
          else if (options.onWarning !== undefined) options.onWarning(event.message);
          // eslint-disable-next-line no-console -- as a load on the page does
          else console.warn(`dc-ae-webgpu: ${event.message}`);
        },
        onLateResult: ({ model }) => {
          this.#channel.call('release', { object: model }).catch(() => undefined);
        },
      });
      return new WorkerAutoencoderDC(this.#channel, this.#objects, sent);
    } finally {
      lent.end();
    }
  }
}

/**
 * Starts a worker with the API of `AutoencoderDC`, so that the page's own thread stays free while a model loads and
 * runs.
 *
 *     const client = createWorkerClient();
 *     const ae = await client.fromPretrained('mit-han-lab/dc-ae-f32c32-sana-1.1-diffusers', { onProgress });
 *     const { latent } = await ae.encode(bitmap);
 *
 * @throws WorkerError if the environment has no workers or forbids this one. A failure that the browser reports later
 * rejects the calls of the client.
 */
export function createWorkerClient({ worker }: WorkerClientOptions = {}): WorkerClient {
  if (worker !== undefined) return new WorkerClient(worker, OWN_WORKER_REMEDY);
  const started = startWorker();
  return new WorkerClient(started.worker, started.remedy);
}
