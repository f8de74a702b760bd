/** Calls between two threads: either end may call the other, abort what it called, and be told how it gets on. */
import { serializeError, deserializeError, type SerializedError } from './errors.ts';

/** One end of a pair: a `Worker`, a worker's own global scope, or a `MessagePort`. */
export interface Port {
  postMessage(message: unknown, options?: StructuredSerializeOptions): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
}

/** What can be called: arguments and results by the name of the method. Both must survive structured cloning. */
export type Methods<M> = { readonly [K in keyof M]: { readonly args: unknown; readonly result: unknown } };

/** What a method may use while it runs. */
export interface Call {
  /** Aborts when the caller does. */
  readonly signal: AbortSignal;
  /** Tells the caller how it gets on. */
  readonly report: (event: unknown) => void;
  /** Hands objects over with the result instead of copying them. */
  readonly transfer: (...objects: Transferable[]) => void;
}

/** One function for each method. */
export type Handlers<M extends Methods<M>> = {
  readonly [K in keyof M]: (args: M[K]['args'], call: Call) => Promise<M[K]['result']> | M[K]['result'];
};

/** How to call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Handed over with the arguments instead of copied. */
  readonly transfer?: readonly Transferable[] | undefined;
  /** Hears what the method reports. */
  readonly onReport?: ((event: never) => void) | undefined;
  /** Undoes a result that comes after the caller has given up. */
  readonly onLate?: ((result: never) => void) | undefined;
}

type Message =
  | { readonly type: 'call'; readonly id: number; readonly method: string; readonly args: unknown }
  | { readonly type: 'abort'; readonly id: number; readonly reason: SerializedError }
  | { readonly type: 'report'; readonly id: number; readonly event: unknown }
  | { readonly type: 'result'; readonly id: number; readonly result: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: SerializedError };

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly report: (event: unknown) => void;
}

/** One end: calls `Theirs`, answers with `Ours`. */
export class Channel<Theirs extends Methods<Theirs>, Ours extends Methods<Ours>> {
  readonly #port: Port;
  readonly #handlers: Handlers<Ours>;
  readonly #pending = new Map<number, Pending>();
  readonly #running = new Map<number, AbortController>();
  #next = 0;
  #closed: { readonly error: unknown } | undefined;

  constructor(port: Port, handlers: Handlers<Ours>) {
    this.#port = port;
    this.#handlers = handlers;
    // What comes is what the other end of the same build sent: its type is known, though not to the compiler.
    port.addEventListener('message', ({ data }: MessageEvent<Message>) => {
      this.#receive(data);
    });
  }

  /**
   * Calls a method of the other end.
   *
   * @throws what the method throws, as the same class of error; the signal's reason as soon as it aborts
   */
  async call<K extends keyof Theirs & string>(
    method: K,
    args: Theirs[K]['args'],
    { signal, transfer, onReport, onLate }: CallOptions = {},
  ): Promise<Theirs[K]['result']> {
    signal?.throwIfAborted();
    if (this.#closed !== undefined) throw this.#closed.error;
    const id = this.#next++;
    return await new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#pending.set(id, {
          resolve: onLate === undefined ? ignore : (result) => Reflect.apply(onLate, undefined, [result]),
          reject: ignore,
          report: ignore,
        });
        this.#post({ type: 'abort', id, reason: serializeError(signal?.reason) });
        reject(signal?.reason);
      };
      const done = <T>(settle: (value: T) => void) => {
        return (value: T): void => {
          signal?.removeEventListener('abort', abort);
          settle(value);
        };
      };
      this.#pending.set(id, {
        resolve: done(resolve),
        reject: done(reject),
        report: (event) => onReport && Reflect.apply(onReport, undefined, [event]),
      });
      signal?.addEventListener('abort', abort, { once: true });
      try {
        this.#post({ type: 'call', id, method, args }, transfer);
      } catch (error) {
        this.#pending.delete(id);
        done(reject)(error);
      }
    });
  }

  /** Ends all calls with this error, now and later. */
  close(error: unknown): void {
    this.#closed ??= { error };
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    for (const controller of this.#running.values()) controller.abort(error);
  }

  #receive(message: Message): void {
    switch (message.type) {
      case 'call':
        void this.#answer(message.id, message.method, message.args);
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

  async #answer(id: number, method: string, args: unknown): Promise<void> {
    const controller = new AbortController();
    this.#running.set(id, controller);
    const transfer: Transferable[] = [];
    try {
      const handler: unknown = Object.hasOwn(this.#handlers, method) && Reflect.get(this.#handlers, method);
      if (typeof handler !== 'function') throw new RangeError(`no method ${method}`);
      const call: Call = {
        signal: controller.signal,
        report: (event) => {
          this.#post({ type: 'report', id, event });
        },
        transfer: (...objects) => transfer.push(...objects),
      };
      const result: unknown = await Reflect.apply(handler, undefined, [args, call]);
      this.#post({ type: 'result', id, result }, transfer);
    } catch (error) {
      this.#post({ type: 'error', id, error: serializeError(error) });
    } finally {
      this.#running.delete(id);
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #post(message: Message, transfer: readonly Transferable[] = []): void {
    this.#port.postMessage(message, { transfer: [...transfer] });
  }
}

function ignore(): void {}
