/** Reads exact ranges of a source, whatever form its answers have, and tries again if the network breaks. */
import { bufferBytes, classNameOf } from '../../brand.ts';
import { CheckpointError, SourceError } from '../../errors.ts';
import { BufferPool, chunkReader } from '../sources/buffer_pool.ts';
import type { Bytes, ByteSource } from '../sources/byte_source.ts';
import { asSourceError, isTransient, missingFile, TransientError } from '../sources/failures.ts';
import { abortable, withTimeout } from './waiting.ts';

/** When to try again, and when to give up. */
export interface RetryPolicy {
  /** Failures in a row after which the error is passed on. A try that brought 64 KiB or more starts a new count. */
  readonly tries: number;
  /** The silence of a source after which a try counts as failed, in milliseconds. */
  readonly stallTimeoutMs: number;
  /** Waits for a number of milliseconds. Tests replace it. */
  readonly sleep: (ms: number) => Promise<void>;
}

/** Three tries, with pauses of half a second and a second, and a limit of 30 s to silence. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  tries: 3,
  stallTimeoutMs: 30_000,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** Options for reading. */
export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** Buffers to read streams into. A caller that passes a pool releases the chunks to it. */
  readonly pool?: BufferPool | undefined;
}

/** The bytes of a try that count as progress. */
const PROGRESS_BYTES = 64 * 1024;
const MAX_PAUSE_MS = 60_000;
const MAX_JSON_BYTES = 64 * 1024 * 1024;

/**
 * Reads the bytes `[start, end)` of a file, chunk by chunk. If the source breaks, reading continues at the byte where
 * it broke. Ending the iteration early cancels the request.
 *
 * Rejects with a SourceError once the tries are used up, or with the signal's reason.
 */
export async function* readChunks(
  source: ByteSource,
  path: string,
  start: number,
  end: number,
  { signal, retry, pool = new BufferPool() }: ReadOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const policy = { ...DEFAULT_RETRY_POLICY, ...retry };
  let position = start;
  let failures = 0;
  let lastStart = start;
  while (position < end) {
    signal?.throwIfAborted();
    const attempt = new Attempt(signal, policy.stallTimeoutMs, path);
    try {
      const answer = await attempt.wait(source.read(path, position, end, attempt.signal));
      assertBytes(answer, path);
      for await (const chunk of bytesOf(answer, pool, (next) => attempt.wait(next))) {
        if (chunk.length === 0) continue;
        if (chunk.length > end - position) throw tooLong(source, path, position, end);
        position += chunk.length;
        yield chunk;
      }
      if (position < end) throw endedEarly(path, position, end);
    } catch (error) {
      signal?.throwIfAborted();
      failures = position - lastStart >= PROGRESS_BYTES ? 1 : failures + 1;
      lastStart = position;
      if (!isTransient(error) || failures >= policy.tries) throw asSourceError(error, path);
      await pause(error, failures, policy, signal);
    } finally {
      attempt.close();
    }
  }
}

/**
 * Reads the bytes `[start, end)` of a file into one array.
 *
 * Rejects with a SourceError if they cannot be read, or with the signal's reason.
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
  const pool = new BufferPool();
  let length = 0;
  for await (const chunk of readChunks(source, path, start, end, { signal, retry, pool })) {
    bytes.set(chunk, length);
    length += chunk.length;
    pool.release(chunk);
  }
  return bytes;
}

/**
 * Asks for a file's size in bytes, with the same tries as reading.
 *
 * Rejects with a SourceError, with status 404 if the file does not exist, or with the signal's reason.
 */
export async function sizeOf(source: ByteSource, path: string, { signal, retry }: ReadOptions = {}): Promise<number> {
  const policy = { ...DEFAULT_RETRY_POLICY, ...retry };
  for (let failures = 1; ; failures++) {
    signal?.throwIfAborted();
    const attempt = new Attempt(signal, policy.stallTimeoutMs, path);
    try {
      const answer: unknown = await attempt.wait(source.size(path, attempt.signal));
      if (answer === undefined || answer === null) throw missingFile(path, 'the source has no size for it');
      const size = typeof answer === 'bigint' ? Number(answer) : answer;
      if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return size;
      throw new SourceError(
        `${path}: the source gave ${String(answer)} as its size. Let size(path) resolve to a number of bytes.`,
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

/**
 * Reads a JSON file.
 *
 * Rejects with a SourceError if it cannot be read, with a CheckpointError if it is not JSON, or with the signal's
 * reason.
 */
export async function readJson(
  source: ByteSource,
  path: string,
  signal?: AbortSignal,
  retry?: Partial<RetryPolicy>,
): Promise<unknown> {
  const size = await sizeOf(source, path, { signal, retry });
  if (size > MAX_JSON_BYTES)
    throw new CheckpointError(
      `${path} has ${size} bytes, too many for a JSON file of a checkpoint. Check the address.`,
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
    return 'is a web page (HTML), not JSON: the file does not exist there, or the address is that of a page.';
  if (start.startsWith('version https://git-lfs'))
    return 'is a Git LFS pointer, not the file itself. Run `git lfs pull` in the repository.';
  if (/^[[{]/.test(start) && !/[\]}]\s*$/.test(text)) return 'is cut short: its JSON has no end. Fetch it again.';
  return `is not JSON; it begins with ${JSON.stringify(start.slice(0, 40))}. Use the file that came with the weights.`;
}

/** One try, with a signal of its own that follows the caller's, and a limit to silence. */
class Attempt {
  readonly #controller = new AbortController();
  readonly #abort: () => void;

  constructor(
    readonly outer: AbortSignal | undefined,
    readonly stallTimeoutMs: number,
    readonly path: string,
  ) {
    this.#abort = () => {
      this.#controller.abort(outer?.reason);
    };
    outer?.addEventListener('abort', this.#abort, { once: true });
  }

  /** Aborts with the caller's signal, and at the end of this try. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Waits for the promise. Rejects when the caller aborts, and when the source stays silent for too long. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    const stalled = (): Error =>
      new TransientError(
        `${this.path}: nothing has arrived for ${this.stallTimeoutMs / 1000} s. Check the connection and load again.`,
      );
    return await abortable(withTimeout(promise, this.stallTimeoutMs, stalled), this.outer);
  }

  /** Ends the try and cancels its request. */
  close(): void {
    this.outer?.removeEventListener('abort', this.#abort);
    this.#controller.abort();
  }
}

/** Throws if a caller's source returned something other than bytes. */
function assertBytes(answer: unknown, path: string): asserts answer is Bytes {
  if (bufferBytes(answer) || isStream(answer)) return;
  if (typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer) return;
  throw new SourceError(
    `${path}: the source's read() gave ${answer === null ? 'null' : typeof answer}. Let it resolve to a ` +
      'Uint8Array, an ArrayBuffer, ' +
      'or a ReadableStream or async iterable of bytes.',
  );
}

/**
 * Reads a source's answer chunk by chunk. Ending the iteration early cancels the answer.
 *
 * @param pool - takes the chunks back
 * @param wait - waits for each chunk; it may give up
 */
export async function* bytesOf(
  answer: Bytes,
  pool: BufferPool,
  wait: <T>(next: Promise<T>) => Promise<T> = (next) => next,
): AsyncGenerator<Uint8Array, void, undefined> {
  const bytes = bufferBytes(answer);
  if (bytes) yield bytes;
  else if (isStream(answer)) {
    const reader = chunkReader(answer, pool);
    try {
      for (;;) {
        const bytes = await wait(reader.next());
        if (bytes === undefined) return;
        yield bytes;
      }
    } finally {
      // Not awaited, because a source that hangs would never answer.
      reader.cancel().catch(() => undefined);
    }
  } else {
    // The one form that is left; bufferBytes() does not narrow types.
    const iterator = (answer as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
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

function isStream(answer: unknown): answer is ReadableStream<Uint8Array> {
  return classNameOf(answer) === 'ReadableStream';
}

/** Waits before the next try: half a second, doubled each time, or as long as the server asks. */
async function pause(
  error: unknown,
  failures: number,
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
): Promise<void> {
  const asked = error instanceof TransientError ? error.retryAfterMs : undefined;
  await abortable(policy.sleep(Math.min(asked ?? 500 * 2 ** (failures - 1), MAX_PAUSE_MS)), signal);
}

function endedEarly(path: string, position: number, end: number): TransientError {
  return new TransientError(
    `${path} ended at byte ${position}, before byte ${end}. The connection broke, or the file is incomplete; ` +
      'load again.',
  );
}

function tooLong(source: ByteSource, path: string, start: number, end: number): SourceError {
  return new SourceError(
    `${path}: ${source.label ?? 'the source'} gave more than the bytes ${start}-${end - 1} that were asked ` +
      'for. Let read() give ' +
      '[start, end) only.',
  );
}
