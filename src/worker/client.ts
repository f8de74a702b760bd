import { DeviceError, DisposedError } from '../errors.ts';
import type { LoadOptions } from '../loading/load_options.ts';
import type { SourceInput } from '../weights/sources/open_source.ts';
import { Channel } from '../rpc/channel.ts';
import { PageObjects } from './page_objects.ts';
import type { PageMethods, WorkerMethods } from './protocol.ts';
import { WorkerAutoencoderDC } from './remote_model.ts';
import { sendOptions } from './send_options.ts';

/** How to start the worker. */
export interface WorkerClientOptions {
  /**
   * A worker of yours that has `import 'dc-ae-webgpu/worker'` in it, where the one that comes with the package can't be started or should do other
   * things too. `dispose()` ends it.
   */
  readonly worker?: Worker | undefined;
}

/** Options of a load in a worker: a device can't be shared with one. */
export type WorkerLoadOptions = Omit<LoadOptions, 'device'>;

/** A worker that models are loaded and run in. End it with `dispose()` or `using`. */
export class WorkerClient {
  readonly #worker: Worker;
  readonly #channel: Channel<WorkerMethods, PageMethods>;
  readonly #objects = new PageObjects();

  /** @internal */
  constructor(worker: Worker) {
    this.#worker = worker;
    this.#channel = new Channel<WorkerMethods, PageMethods>(worker, this.#objects.handlers);
    worker.addEventListener('error', (event) => {
      this.#channel.close(
        new DeviceError(
          'unsupported',
          `The worker could not start or broke down${event.message ? ` (${event.message})` : ''}. Check that worker.js is served beside the ` +
            "package's own file, and that the page's Content-Security-Policy allows it (worker-src).",
          { cause: event.error },
        ),
      );
    });
  }

  /**
   * `AutoencoderDC.fromPretrained`, in the worker.
   *
   * @param source - as there; relative URLs are the page's
   * @throws as there
   */
  async fromPretrained(source: SourceInput, options: WorkerLoadOptions = {}): Promise<WorkerAutoencoderDC> {
    return await this.#load(source, options, false);
  }

  /**
   * `AutoencoderDC.fromSingleFile`, in the worker.
   *
   * @param file - as there; relative URLs are the page's
   * @throws as there
   */
  async fromSingleFile(file: string | URL | Blob, options: WorkerLoadOptions = {}): Promise<WorkerAutoencoderDC> {
    return await this.#load(file, options, true);
  }

  /** Ends the worker and frees all that it has on the GPU; calls that are running reject with a DisposedError. */
  dispose(): void {
    this.#channel.close(new DisposedError('worker client'));
    this.#worker.terminate();
  }

  /** `using` ends it at the end of the block. */
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
      const sent = await this.#channel.call(
        'load',
        { single, source: lent.source, options: { ...sendOptions(method, options), fetch: lent.fetch } },
        {
          signal: options.signal,
          onReport: (event) => {
            if (event.kind === 'progress') options.onProgress?.(event.progress);
            else if (options.onWarning !== undefined) options.onWarning(event.message);
            // eslint-disable-next-line no-console -- as a load on the page does
            else console.warn(`dc-ae-webgpu: ${event.message}`);
          },
          onLateResult: ({ model }) => {
            this.#release(model);
          },
        },
      );
      return new WorkerAutoencoderDC(this.#channel, this.#objects, sent);
    } finally {
      lent.end();
    }
  }

  #release(object: number): void {
    this.#channel.call('release', { object }).catch(() => undefined);
  }
}

/**
 * Starts a worker with the API of `AutoencoderDC`, so that the page's own thread is free while a model loads and runs.
 *
 *     const client = createWorkerClient();
 *     const ae = await client.fromPretrained('mit-han-lab/dc-ae-f32c32-sana-1.1-diffusers', { onProgress });
 *     const { latent } = await ae.encode(bitmap);
 */
export function createWorkerClient({ worker }: WorkerClientOptions = {}): WorkerClient {
  return new WorkerClient(
    worker ?? new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'dc-ae-webgpu' }),
  );
}
