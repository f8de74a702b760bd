/** Reads ranges of a source exactly, whatever the source answers with, and tries again where the network broke. */
import { CheckpointError, SourceError } from '../../errors.ts';
import type { Bytes, ByteSource } from '../sources/byte_source.ts';
import { abortable, asSourceError, isTransient, TransientError } from '../sources/failures.ts';
import { BufferPool, piecesOf } from './buffer_pool.ts';

/** When to try again, and when to give up. */
export interface RetryPolicy {
  /** Tries in a row that may fail before the error is passed on; a try that brought 64 KiB or more starts the count anew. */
  readonly tries: number;
  /** How long a source may stay silent, in milliseconds, before the try counts as failed. */
  readonly stallTimeout: number;
  /** Waits `ms` milliseconds; tests put a clock of their own here. */
  readonly sleep: (ms: number) => Promise<void>;
}

/** Three tries, half a second and then a second apart; silence for 30 s counts as a break. */
export const defaultRetryPolicy: RetryPolicy = {
  tries: 3,
  stallTimeout: 30_000,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** What reading may be told: when to stop, and how often to try. */
export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** Buffers to read streams into. Whoever gives them releases what it was given. */
  readonly pieces?: BufferPool | undefined;
}

const goodProgress = 64 * 1024;
const longestWait = 60_000;

/**
 * The bytes `[start, end)` of a file, as they come. Where the source breaks, reading goes on from the byte where it broke.
 * Ending the iteration early lets go of the source.
 *
 * Rejects with a SourceError once the tries are used up, or with the signal's reason.
 */
export async function* readChunks(
  source: ByteSource,
  path: string,
  start: number,
  end: number,
  { signal, retry, pieces = new BufferPool() }: ReadOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const policy = { ...defaultRetryPolicy, ...retry };
  let position = start;
  let failures = 0;
  let lastStart = start;
  while (position < end) {
    signal?.throwIfAborted();
    const attempt = new Attempt(signal, policy.stallTimeout, path);
    try {
      const answer = await attempt.wait(source.read(path, position, end, attempt.signal));
      for await (const chunk of chunksOf(answer, attempt, pieces)) {
        if (chunk.length === 0) continue;
        if (chunk.length > end - position) throw tooLong(source, path, position, end);
        position += chunk.length;
        yield chunk;
      }
      if (position < end) throw endedEarly(path, position, end);
    } catch (error) {
      signal?.throwIfAborted();
      failures = position - lastStart >= goodProgress ? 1 : failures + 1;
      lastStart = position;
      if (!isTransient(error) || failures >= policy.tries) throw asSourceError(error, path);
      await pause(error, failures, policy, signal);
    } finally {
      attempt.close();
    }
  }
}

/**
 * The bytes `[start, end)` of a file, in one piece of exactly that length.
 *
 * Rejects with a SourceError where they can't be had, or with the signal's reason.
 */
export async function readAll(
  source: ByteSource,
  path: string,
  start: number,
  end: number,
  signal?: AbortSignal,
  retry?: Partial<RetryPolicy>,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  const pieces = new BufferPool();
  let length = 0;
  for await (const chunk of readChunks(source, path, start, end, { signal, retry, pieces })) {
    bytes.set(chunk, length);
    length += chunk.length;
    pieces.release(chunk);
  }
  return bytes;
}

/** A file's size in bytes, with the same tries as reading. Rejects with a SourceError, status 404 where there is no such file. */
export async function sizeOf(source: ByteSource, path: string, { signal, retry }: ReadOptions = {}): Promise<number> {
  const policy = { ...defaultRetryPolicy, ...retry };
  for (let failures = 1; ; failures++) {
    signal?.throwIfAborted();
    const attempt = new Attempt(signal, policy.stallTimeout, path);
    try {
      const size = await attempt.wait(source.size(path, attempt.signal));
      if (Number.isSafeInteger(size) && size >= 0) return size;
      throw new SourceError(
        `${path}: the source gave ${String(size)} as its size. Let size(path) resolve to a number of bytes.`,
      );
    } catch (error) {
      signal?.throwIfAborted();
      if (!isTransient(error) || failures >= policy.tries) throw asSourceError(error, path);
      await pause(error, failures, policy, signal);
    } finally {
      attempt.close();
    }
  }
}

const jsonLimit = 64 * 1024 * 1024;

/**
 * Reads a JSON file.
 *
 * Rejects with a SourceError where it can't be had, with a CheckpointError where it isn't JSON, or with the signal's reason.
 */
export async function readJson(
  source: ByteSource,
  path: string,
  signal?: AbortSignal,
  retry?: Partial<RetryPolicy>,
): Promise<unknown> {
  const size = await sizeOf(source, path, { signal, retry });
  if (size > jsonLimit)
    throw new CheckpointError(
      `${path} has ${size} bytes: too long for a JSON file of a checkpoint. Check the address.`,
    );
  const bytes = await readAll(source, path, 0, size, signal, retry);
  const text = new TextDecoder().decode(bytes);
  try {
    const json: unknown = JSON.parse(text);
    return json;
  } catch (cause) {
    throw new CheckpointError(`${path} ${whyNotJson(text)}`, { cause });
  }
}

function whyNotJson(text: string): string {
  const start = text.trimStart().slice(0, 200);
  if (start === '') return 'is empty. Fetch it again.';
  if (start.startsWith('<'))
    return 'is a web page (HTML), not JSON: the file is missing there, or this is not the address of the files.';
  if (start.startsWith('version https://git-lfs'))
    return 'is a Git LFS pointer, not the file itself. Run `git lfs pull` in the repository.';
  if (/^[[{]/.test(start) && !/[\]}]\s*$/.test(text)) return 'is cut short: its JSON has no end. Fetch it again.';
  return `is not JSON; it begins with ${JSON.stringify(start.slice(0, 40))}. Use the file that came with the weights.`;
}

/** One try: its own signal, which the caller's aborts, and a limit to silence. */
class Attempt {
  readonly #controller = new AbortController();
  readonly #abort: () => void;

  constructor(
    readonly outer: AbortSignal | undefined,
    readonly stallTimeout: number,
    readonly path: string,
  ) {
    this.#abort = () => {
      this.#controller.abort(outer?.reason);
    };
    outer?.addEventListener('abort', this.#abort, { once: true });
  }

  /** Aborts when the caller's signal does, and when this try is over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The promise's value; rejects when the caller aborts, or when nothing has come for too long. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stalled = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const seconds = this.stallTimeout / 1000;
        reject(
          new TransientError(`${this.path}: nothing has come for ${seconds} s. Check the connection and load again.`),
        );
      }, this.stallTimeout);
    });
    try {
      return await abortable(Promise.race([promise, stalled]), this.outer);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the try: a request still running is cancelled. */
  close(): void {
    this.outer?.removeEventListener('abort', this.#abort);
    this.#controller.abort();
  }
}

async function* chunksOf(
  answer: Bytes,
  attempt: Attempt,
  pieces: BufferPool,
): AsyncGenerator<Uint8Array, void, undefined> {
  const isBytes =
    answer instanceof Uint8Array ||
    answer instanceof ArrayBuffer ||
    answer instanceof ReadableStream ||
    (typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer);
  if (!isBytes) {
    throw new SourceError(
      `${attempt.path}: the source's read() gave ${typeof answer}. Let it resolve to a Uint8Array, an ArrayBuffer, or a ReadableStream or async iterable of bytes.`,
    );
  }
  yield* bytesOf(answer, pieces, (next) => attempt.wait(next));
}

/** What a source answered, piece by piece, each to be released to `pieces`; `wait` may give up on one. Ending the iteration early lets go of the source. */
export async function* bytesOf(
  answer: Bytes,
  pieces: BufferPool,
  wait: <T>(next: Promise<T>) => Promise<T> = (next) => next,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (answer instanceof Uint8Array) {
    yield answer;
  } else if (answer instanceof ArrayBuffer) {
    yield new Uint8Array(answer);
  } else if (answer instanceof ReadableStream) {
    const reader = piecesOf(answer, pieces);
    try {
      for (;;) {
        const bytes = await wait(reader.next());
        if (bytes === undefined) return;
        yield bytes;
      }
    } finally {
      // Not awaited: a source that hangs would keep us here.
      reader.cancel().catch(() => undefined);
    }
  } else {
    const iterator = answer[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await wait(iterator.next());
        if (done === true) return;
        yield value;
      }
    } finally {
      iterator.return?.().catch(() => undefined);
    }
  }
}

/** Waits before the next try: half a second, doubled each time, or as long as the server asks. */
async function pause(
  error: unknown,
  failures: number,
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
): Promise<void> {
  const asked = error instanceof TransientError ? error.retryAfter : undefined;
  await abortable(policy.sleep(Math.min(asked ?? 500 * 2 ** (failures - 1), longestWait)), signal);
}

function endedEarly(path: string, position: number, end: number): TransientError {
  return new TransientError(
    `${path} ended at byte ${position}, before byte ${end}. The connection broke, or the file is incomplete; load again.`,
  );
}

function tooLong(source: ByteSource, path: string, start: number, end: number): SourceError {
  const where = source.label === undefined ? 'the source' : source.label;
  return new SourceError(
    `${path}: ${where} gave more than the bytes ${start}-${end - 1} that were asked for. Let read() give [start, end) only.`,
  );
}
