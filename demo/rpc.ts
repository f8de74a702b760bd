/**
 * Calls from the page to a worker: a promise for each, with abort, reports on the way, and failures in a form that
 * crosses.
 */
import { unknownFailure, type Failure } from './failure.ts';

/** One thing that can be asked for. `report` is what it may tell on the way. */
export interface Method {
  readonly args: unknown;
  readonly result: unknown;
  readonly report: unknown;
}

/** How to call. */
export interface CallOptions<Report> {
  /** Ends the call at once; the worker hears of it, and what it still answers is dropped. */
  readonly signal?: AbortSignal | undefined;
  readonly onReport?: ((report: Report) => void) | undefined;
  /** Objects that are moved instead of copied. */
  readonly transfer?: readonly Transferable[] | undefined;
}

/** The services that a handler gets besides its arguments. */
export interface Context<Report> {
  readonly signal: AbortSignal;
  report(value: Report, transfer?: readonly Transferable[]): void;
  /** Names what of the result is handed over instead of copied. */
  handOver(...objects: readonly Transferable[]): void;
}

/** The worker's end: a function for every method. */
export type Handlers<M extends Record<keyof M, Method>> = {
  readonly [K in keyof M]: (args: M[K]['args'], context: Context<M[K]['report']>) => Promise<M[K]['result']>;
};

type ToWorker =
  | { readonly kind: 'call'; readonly id: number; readonly method: string; readonly args: unknown }
  | { readonly kind: 'abort'; readonly id: number };

type FromWorker =
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'report'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: Failure };

/** A failure that a worker told of, or the worker's own. */
export class CallError extends Error {
  override readonly name = 'CallError';

  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

/** Describes a thrown value. */
export function failureOf(error: unknown): Failure {
  return error instanceof CallError ? error.failure : unknownFailure(error);
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
  readonly report: (value: unknown) => void;
}

/** The page's end. It owns the worker: `end()` terminates it. */
export class Caller<M extends Record<keyof M, Method>> {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #ended: Failure | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data);
    worker.onerror = (event) => {
      this.end({ code: 'worker', message: event.message || 'The worker’s script could not be loaded.' });
    };
  }

  /**
   * Asks for something.
   *
   * @throws CallError; the signal's reason when aborted
   */
  async call<K extends keyof M & string>(
    method: K,
    args: M[K]['args'],
    { signal, onReport, transfer = [] }: CallOptions<M[K]['report']> = {},
  ): Promise<M[K]['result']> {
    signal?.throwIfAborted();
    if (this.#ended) throw new CallError(this.#ended);
    const id = ++this.#lastId;
    let abort: (() => void) | undefined;
    try {
      return await new Promise<M[K]['result']>((resolve, reject) => {
        this.#pending.set(id, { resolve, reject, report: (value) => onReport?.(value) });
        abort = () => {
          this.#send({ kind: 'abort', id });
          reject(reasonOf(signal));
        };
        signal?.addEventListener('abort', abort);
        this.#send({ kind: 'call', id, method, args }, transfer);
      });
    } finally {
      if (abort) signal?.removeEventListener('abort', abort);
      this.#pending.delete(id);
    }
  }

  /** Terminates the worker; calls that are running fail with this. */
  end(failure: Failure = { code: 'disposed', message: 'The worker was ended.' }): void {
    this.#ended ??= failure;
    this.#worker.terminate();
    for (const { reject } of this.#pending.values()) reject(new CallError(failure));
    this.#pending.clear();
  }

  #receive(data: FromWorker): void {
    const pending = this.#pending.get(data.id);
    if (!pending) return;
    if (data.kind === 'result') pending.resolve(data.value);
    else if (data.kind === 'report') pending.report(data.value);
    else pending.reject(new CallError(data.failure));
  }

  #send(message: ToWorker, transfer: readonly Transferable[] = []): void {
    this.#worker.postMessage(message, [...transfer]);
  }
}

/**
 * Answers calls; to be called in the worker, once.
 *
 * @param failureOf - puts what a handler threw in words
 */
export function serve<M extends Record<keyof M, Method>>(
  handlers: Handlers<M>,
  failureOf: (error: unknown) => Failure,
): void {
  const running = new Map<number, AbortController>();
  const post = (message: FromWorker, transfer: readonly Transferable[] = []): void => {
    self.postMessage(message, { transfer: [...transfer] });
  };

  const isKnown = (name: string): name is keyof M & string => Object.hasOwn(handlers, name);

  const run = async <K extends keyof M>(id: number, method: string, args: M[K]['args']): Promise<void> => {
    const controller = new AbortController();
    const { signal } = controller;
    const transfer: Transferable[] = [];
    running.set(id, controller);
    try {
      if (!isKnown(method)) throw new TypeError(`The worker knows no ${method}.`);
      const value = await handlers[method](args, {
        signal,
        report: (report, handed) => post({ kind: 'report', id, value: report }, handed),
        handOver: (...objects) => transfer.push(...objects),
      });
      if (!signal.aborted) post({ kind: 'result', id, value }, transfer);
    } catch (error) {
      if (!signal.aborted) post({ kind: 'failed', id, failure: failureOf(error) });
    } finally {
      running.delete(id);
    }
  };

  addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
    if (data.kind === 'abort') running.get(data.id)?.abort();
    else void run(data.id, data.method, data.args);
  });
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new DOMException('Stopped.', 'AbortError');
}
