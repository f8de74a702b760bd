/** Models that several parts of a page share: each is loaded once, in one worker, and freed with its last user. */
import { isUrl } from '../brand.ts';
import type { LoadProgress } from '../loading/load_options.ts';
import type { SourceInput } from '../weights/sources/open_source.ts';
import { createWorkerClient, type WorkerClient, type WorkerLoadOptions } from './client.ts';
import type { WorkerAutoencoderDC } from './remote_model.ts';

/** A user's share of a model. End it with `release()` or `using`. */
export interface ModelLease {
  /**
   * The loaded model. Its users share it, so none of them disposes of it. Rejects if the load fails, and with an
   * AbortError if the lease ends first.
   */
  readonly model: Promise<WorkerAutoencoderDC>;
  /** Ends the lease. Calling it again does nothing. */
  release(): void;
  [Symbol.dispose](): void;
}

/** A model without users is freed after this time, so that a component that mounts again finds it. */
const RELEASE_DELAY_MS = 1000;

type Client = Pick<WorkerClient, 'fromPretrained' | 'dispose'>;

interface User {
  readonly options: WorkerLoadOptions;
  /** Rejects the lease's promise. */
  readonly abort: (reason: unknown) => void;
}

interface SharedModel {
  readonly loading: Promise<WorkerAutoencoderDC>;
  readonly users: Set<User>;
  readonly controller: AbortController;
  progress: LoadProgress | undefined;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** The shared models of a page and their worker, which lives while there is a model. */
export class SharedModels {
  readonly #createClient: () => Client;
  readonly #models = new Map<string, SharedModel>();
  readonly #keys = new ObjectKeys();
  #client: Client | undefined;

  constructor(createClient: () => Client) {
    this.#createClient = createClient;
  }

  /** As `acquireModel`. */
  acquire(source: SourceInput, options: WorkerLoadOptions = {}): ModelLease {
    const { signal, onProgress, onWarning: _, ...facts } = options;
    const key = this.#keys.of([source, facts]);
    const shared = this.#models.get(key) ?? this.#load(key, source, facts);
    clearTimeout(shared.timer);
    const released = new AbortController();
    const user: User = { options, abort: (reason) => released.abort(reason) };
    shared.users.add(user);
    if (shared.progress !== undefined) onProgress?.(shared.progress);
    const release = (reason: unknown = new DOMException('The lease of the model has ended.', 'AbortError')): void => {
      signal?.removeEventListener('abort', onAbort);
      user.abort(reason);
      if (!shared.users.delete(user) || shared.users.size > 0) return;
      shared.timer = setTimeout(() => this.#free(key, shared), RELEASE_DELAY_MS);
    };
    const onAbort = (): void => release(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    const model = orAbort(shared.loading, released.signal);
    void model.then(() => signal?.removeEventListener('abort', onAbort), ignore);
    return { model, release: () => release(), [Symbol.dispose]: () => release() };
  }

  #load(key: string, source: SourceInput, options: WorkerLoadOptions): SharedModel {
    const controller = new AbortController();
    const users = new Set<User>();
    const forget = (): void => this.#forget(key, shared);
    const load = async (): Promise<WorkerAutoencoderDC> => {
      this.#client ??= this.#createClient();
      return await this.#client.fromPretrained(source, {
        ...options,
        signal: controller.signal,
        onProgress: (progress) => {
          shared.progress = progress;
          for (const user of users) user.options.onProgress?.(progress);
        },
        onWarning: (message) => this.#warn(users, message),
      });
    };
    const shared: SharedModel = {
      loading: Promise.resolve().then(load),
      users,
      controller,
      progress: undefined,
      timer: undefined,
    };
    this.#models.set(key, shared);
    // After a failure, or once the device is lost, the next user loads the model again.
    shared.loading.then(({ device }) => void device.lost.then(forget), forget);
    return shared;
  }

  #warn(users: Set<User>, message: string): void {
    const listeners = [...users].flatMap(({ options }) => options.onWarning ?? []);
    for (const listener of listeners) listener(message);
    // eslint-disable-next-line no-console -- as a load without onWarning does
    if (listeners.length === 0) console.warn(`dc-ae-webgpu: ${message}`);
  }

  #free(key: string, shared: SharedModel): void {
    shared.controller.abort(new DOMException('The model has no users any more.', 'AbortError'));
    shared.loading.then((model) => model.dispose(), ignore);
    this.#forget(key, shared);
  }

  /** Removes a model, and ends the worker with the last one. */
  #forget(key: string, shared: SharedModel): void {
    clearTimeout(shared.timer);
    if (this.#models.get(key) !== shared) return;
    this.#models.delete(key);
    if (this.#models.size > 0) return;
    this.#client?.dispose();
    this.#client = undefined;
  }
}

/** Text keys for values: plain data by content, everything else by identity. */
class ObjectKeys {
  readonly #ids = new WeakMap<object, number>();
  #nextId = 0;

  of(value: unknown): string {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
      return JSON.stringify(value) ?? 'undefined';
    }
    if (isUrl(value)) return JSON.stringify(value.href);
    if (Array.isArray(value)) return `[${value.map((item) => this.of(item)).join(',')}]`;
    if (Object.getPrototypeOf(value) === Object.prototype && !Object.values(value).some(isFunction)) {
      const entries = Object.entries(value).filter(([, item]) => item !== undefined);
      return `{${entries
        .map(([name, item]) => `${JSON.stringify(name)}:${this.of(item)}`)
        .sort()
        .join(',')}}`;
    }
    const id = this.#ids.get(value) ?? this.#nextId++;
    this.#ids.set(value, id);
    return `#${id}`;
  }
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

/** The promise's result, or the signal's reason as soon as it aborts. */
function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const either = new Promise<T>((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    promise.then(resolve, reject);
  });
  either.catch(ignore); // A user who has left does not wait for it.
  return either;
}

function ignore(): void {}

/** The page's shared models. Created with the first lease, so that importing the package does nothing. */
let pageModels: SharedModels | undefined;

/**
 * Loads a model in a worker, or joins its users if it is loaded already with the same source and options. All shared
 * models have one worker. A model is freed a second after its last user has released it, so a component that mounts
 * twice (React's StrictMode) or returns at once loads it once.
 *
 *     useEffect(() => {
 *       const lease = acquireModel('mit-han-lab/dc-ae-f32c32-sana-1.1-diffusers', { onProgress });
 *       lease.model.then(setModel, setError);
 *       return () => lease.release();
 *     }, []);
 *
 * @param source - as of `WorkerClient.fromPretrained`; addresses and ids are compared by their text, objects by
 * identity
 * @param options - `signal` ends this lease only; `onProgress` and `onWarning` hear of the shared load
 */
export function acquireModel(source: SourceInput, options: WorkerLoadOptions = {}): ModelLease {
  pageModels ??= new SharedModels(createWorkerClient);
  return pageModels.acquire(source, options);
}
