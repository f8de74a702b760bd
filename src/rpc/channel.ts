/** Remote procedure calls between two threads. Either end can call the other, abort its calls and receive reports. */
import { InputError } from '../errors.ts';
import { serializeError, deserializeError, type SerializedError } from './serialized_error.ts';

/** One end of a connection: a `Worker`, the global scope of a worker, or a `MessagePort`. */
export interface Port {
  postMessage(message: unknown, options?: StructuredSerializeOptions): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
}

/** The types of one remote method. All of them must survive structured cloning. */
export interface Method {
  readonly args: unknown;
  readonly result: unknown;
  /** Events that the method sends to its caller while it runs; absent if it sends none. */
  readonly report?: unknown;
}

/** Remote methods by name. */
export type Methods<M> = { readonly [K in keyof M]: Method };

type ReportOf<M extends Method> = M extends { readonly report: infer Report } ? Report : never;

/** Services that a channel gives to a method while the method runs. */
export interface CallContext<Report = never> {
  /** Aborts when the caller aborts, or when the channel closes. */
  readonly signal: AbortSignal;
  /** Sends an event to the caller. Objects in `transfer` are moved instead of copied. */
  readonly report: (event: Report, transfer?: readonly Transferable[]) => void;
  /** Moves these objects with the result instead of copying them. */
  readonly transfer: (...objects: Transferable[]) => void;
}

/** One function for each method. */
export type Handlers<M extends Methods<M>> = {
  readonly [K in keyof M]: (
    args: M[K]['args'],
    context: CallContext<ReportOf<M[K]>>,
  ) => Promise<M[K]['result']> | M[K]['result'];
};

/** Options of one call. */
export interface CallOptions<M extends Method> {
  readonly signal?: AbortSignal | undefined;
  /** Objects that are moved with the arguments instead of copied. */
  readonly transfer?: readonly Transferable[] | undefined;
  /** Receives the events that the method reports. */
  readonly onReport?: ((event: ReportOf<M>) => void) | undefined;
  /** Receives a result that arrives after the caller aborted, so that it can be freed. */
  readonly onLateResult?: ((result: M['result']) => void) | undefined;
}

/** Marks the messages of a channel, so that a worker can exchange other messages on the same port. */
const CHANNEL = 'dc-ae-webgpu';

type Message = { readonly channel: typeof CHANNEL; readonly id: number } & (
  | { readonly type: 'call'; readonly method: string; readonly args: unknown }
  | { readonly type: 'abort'; readonly reason: SerializedError }
  | { readonly type: 'report'; readonly event: unknown }
  | { readonly type: 'result'; readonly result: unknown }
  | { readonly type: 'error'; readonly error: SerializedError }
);

/** `Omit` for each member of a union. */
type OmitEach<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

interface PendingCall {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly report: (event: unknown) => void;
}

type AnyHandler = (args: unknown, context: CallContext<unknown>) => unknown;

/** One end of a connection. It calls the methods `Theirs` of the other end and serves the methods `Ours`. */
export class Channel<Theirs extends Methods<Theirs>, Ours extends Methods<Ours>> {
  readonly #port: Port;
  readonly #handlers: Handlers<Ours>;
  readonly #pending = new Map<number, PendingCall>();
  readonly #running = new Map<number, AbortController>();
  #nextId = 0;
  #closed: { readonly error: unknown } | undefined;

  constructor(port: Port, handlers: Handlers<Ours>) {
    this.#port = port;
    this.#handlers = handlers;
    port.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (isMessage(data)) this.#receive(data);
    });
  }

  /**
   * Calls a method of the other end.
   *
   * @throws the method's error, in its own class; the signal's reason as soon as it aborts
   */
  async call<K extends keyof Theirs & string>(
    method: K,
    args: Theirs[K]['args'],
    { signal, transfer, onReport, onLateResult }: CallOptions<Theirs[K]> = {},
  ): Promise<Theirs[K]['result']> {
    signal?.throwIfAborted();
    if (this.#closed !== undefined) throw this.#closed.error;
    const id = this.#nextId++;
    return await new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#pending.set(id, { resolve: (result) => onLateResult?.(result), reject: ignore, report: ignore });
        this.#post({ type: 'abort', id, reason: serializeError(signal?.reason) });
        reject(signal?.reason);
      };
      const settle = (): void => signal?.removeEventListener('abort', abort);
      this.#pending.set(id, {
        resolve: (result) => {
          settle();
          resolve(result);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
        // Both ends come from the same build, so an event has the type that the method declares.
        report: (event) => onReport?.(event as ReportOf<Theirs[K]>),
      });
      signal?.addEventListener('abort', abort, { once: true });
      try {
        this.#post({ type: 'call', id, method, args }, transfer);
      } catch (error) {
        this.#pending.delete(id);
        settle();
        reject(isCloneError(error) ? notCloneable(method, error) : error);
      }
    });
  }

  /** Rejects all calls with this error, now and later, and aborts the methods that run at this end. */
  close(error: unknown): void {
    this.#closed ??= { error };
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    for (const controller of this.#running.values()) controller.abort(error);
  }

  #receive(message: Message): void {
    switch (message.type) {
      case 'call':
        void this.#serve(message.id, message.method, message.args);
        break;
      case 'abort':
        this.#running.get(message.id)?.abort(deserializeError(message.reason));
        break;
      case 'report':
        this.#pending.get(message.id)?.report(message.event);
        break;
      case 'result':
        this.#take(message.id)?.resolve(message.result);
        break;
      case 'error':
        this.#take(message.id)?.reject(deserializeError(message.error));
        break;
    }
  }

  async #serve(id: number, method: string, args: unknown): Promise<void> {
    const controller = new AbortController();
    this.#running.set(id, controller);
    const moved: Transferable[] = [];
    const context: CallContext<unknown> = {
      signal: controller.signal,
      report: (event, transfer) => this.#post({ type: 'report', id, event }, transfer),
      transfer: (...objects) => moved.push(...objects),
    };
    try {
      if (!Object.hasOwn(this.#handlers, method)) throw new RangeError(`no method ${method}`);
      // Both ends come from the same build, so the arguments fit the method.
      const handler: AnyHandler = Reflect.get(this.#handlers, method);
      const result = await handler(args, context);
      this.#post({ type: 'result', id, result }, moved);
    } catch (error) {
      this.#post({ type: 'error', id, error: serializeError(error) });
    } finally {
      this.#running.delete(id);
    }
  }

  #take(id: number): PendingCall | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #post(message: OmitEach<Message, 'channel'>, transfer: readonly Transferable[] = []): void {
    this.#port.postMessage({ channel: CHANNEL, ...message }, { transfer: [...transfer] });
  }
}

function isMessage(data: unknown): data is Message {
  return typeof data === 'object' && data !== null && 'channel' in data && data.channel === CHANNEL;
}

function isCloneError(error: unknown): error is DOMException {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === 'DataCloneError';
}

function notCloneable(method: string, cause: DOMException): InputError {
  return new InputError(
    `An argument of ${method} cannot be sent to the worker: ${cause.message} ` +
      'Pass plain objects, typed arrays and images; unwrap reactive proxies, for example with toRaw() in Vue.',
    { cause },
  );
}

function ignore(): void {}
