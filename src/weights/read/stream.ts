/** Streams tensors into a sink: a few requests in flight, delivered in the order of the files, never more than a few windows held. */
import type { ByteSource } from '../sources/byte_source.ts';
import { abortable } from '../sources/failures.ts';
import { BufferPool } from './buffer_pool.ts';
import { planReads } from './read_plan.ts';
import { readChunks, type ReadOptions } from './read.ts';
import type { TensorInfo } from '../format/tensor_info.ts';

/** Takes tensors as they come, one after another. */
export interface TensorSink {
  /**
   * Takes `bytes` of `info`, which begin at byte `offset` of the tensor. `offset` is a multiple of 8, and so is the length of every
   * piece but a tensor's last. `bytes` is only lent: it may be overwritten once the returned promise resolves.
   */
  write(info: TensorInfo, offset: number, bytes: Uint8Array): void | Promise<void>;
  /** All bytes of `info` have been written; the next call is about another tensor. */
  end(info: TensorInfo): void | Promise<void>;
}

/** How far streaming has come. */
export interface StreamProgress {
  /** Bytes of tensors that the sink has taken. */
  readonly loaded: number;
  /** Bytes of all tensors asked for; the same in every event. */
  readonly total: number;
  /** The file that is being read. */
  readonly file: string;
  /** One past the last byte of the file that the sink has taken. */
  readonly position: number;
}

/** How to stream. */
export interface StreamOptions extends ReadOptions {
  /** Called before the first byte and after each piece that the sink took. */
  readonly onProgress?: ((progress: StreamProgress) => void) | undefined;
  /** Files to read from their first byte to their last, whatever is wanted of them, with their sizes. */
  readonly whole?: ReadonlyMap<string, number> | undefined;
  /** Sees all bytes that come, wanted or not, in the order of the files. They are only lent. */
  readonly onBytes?: ((file: string, bytes: Uint8Array) => void) | undefined;
  /** Bytes to ask for in one request; half of them are held for each, and 4 MiB at most. `windowBytes` where this is missing. */
  readonly window?: number | undefined;
  /** Requests in flight at once; 3 where this is missing. */
  readonly requests?: number | undefined;
}

/** Bytes of one request: large enough that its way there and back, and the hub's redirect, cost little. */
export const windowBytes = 16 * 1024 * 1024;

/** Bytes that are held for a request at most while those before it are being read. */
const aheadBytes = 4 * 1024 * 1024;

/**
 * Reads the tensors from the source and writes them to the sink: sorted by file and position, neighbours in one request.
 *
 * Rejects with a SourceError where bytes can't be had, with whatever the sink throws, or with the signal's reason; requests
 * still running are then cancelled.
 *
 * @param infos - the tensors wanted, in any order; no two share a byte
 */
export async function streamTensors(
  source: ByteSource,
  infos: readonly TensorInfo[],
  sink: TensorSink,
  {
    signal,
    retry,
    pieces = new BufferPool(),
    onProgress,
    whole,
    onBytes,
    window = windowBytes,
    requests = 3,
  }: StreamOptions = {},
): Promise<void> {
  signal?.throwIfAborted();
  const { tensors, windows } = planReads(infos, window, (file) => source.seekable?.(file) ?? true, whole);
  const total = tensors.reduce((sum, { start, end }) => sum + (end - start), 0);
  let loaded = 0;
  const report = (file: string, bytes: number, position: number): void => {
    loaded += bytes;
    onProgress?.({ loaded, total, file, position });
  };
  report(tensors[0]?.file ?? '', 0, tensors[0]?.start ?? 0);

  // Stops every request as soon as anything fails.
  const stop = new AbortController();
  const abort = (): void => {
    stop.abort(signal?.reason);
  };
  signal?.addEventListener('abort', abort, { once: true });
  const cutter = new Cutter(tensors, sink, signal, report);
  const readers: ReadableStreamDefaultReader<Uint8Array>[] = [];
  try {
    let asked = 0;
    for (const { file, start } of windows) {
      for (const next of windows.slice(asked, asked + Math.max(1, requests) - readers.length)) {
        readers.push(
          readAhead(
            readChunks(source, next.file, next.start, next.end, { signal: stop.signal, retry, pieces }),
            pieces,
            Math.min(window / 2, aheadBytes),
          ),
        );
        asked++;
      }
      const [reader] = readers;
      let position = start;
      for (;;) {
        const part = await reader?.read();
        if (part?.value === undefined) break;
        onBytes?.(file, part.value);
        await cutter.push(file, position, part.value);
        position += part.value.length;
        pieces.release(part.value);
      }
      readers.shift();
    }
    await cutter.finish();
  } finally {
    signal?.removeEventListener('abort', abort);
    stop.abort();
    for (const reader of readers) reader.cancel().catch(() => undefined);
  }
}

/** Starts reading at once, and holds `limit` bytes before it waits to be read. */
function readAhead(
  chunks: AsyncGenerator<Uint8Array, void, undefined>,
  pieces: BufferPool,
  limit: number,
): ReadableStreamDefaultReader<Uint8Array> {
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await chunks.return(); // what it holds on to (a lock, a place in the cache) is let go of
      },
    },
    { highWaterMark: limit, size: (chunk) => pieces.sizeOf(chunk) },
  );
  return stream.getReader();
}

/** Pieces shorter than this are put together before they go to the sink: a call into the GPU's queue costs more than the copy. */
const directBytes = 128 * 1024;
const stagingBytes = 1024 * 1024;

/** Cuts a run of bytes at the tensors' borders, drops what lies between them, and keeps pieces at multiples of 8. */
class Cutter {
  readonly #staging = new Uint8Array(stagingBytes);
  #staged = 0;
  /** The tensor being filled, and how much of it the sink has. */
  #index = 0;
  #written = 0;

  constructor(
    readonly tensors: readonly TensorInfo[],
    readonly sink: TensorSink,
    readonly signal: AbortSignal | undefined,
    readonly report: (file: string, bytes: number, position: number) => void,
  ) {}

  /** Takes bytes of `file` that begin at `position`; calls come in the order of the files and positions. */
  async push(file: string, position: number, bytes: Uint8Array): Promise<void> {
    const end = position + bytes.length;
    for (;;) {
      const tensor = this.tensors[this.#index];
      if (tensor === undefined) return;
      const isEmpty = tensor.start === tensor.end; // no bytes will ever come for it
      if (!isEmpty && (tensor.file !== file || tensor.start >= end)) return;
      if (!isEmpty) {
        const from = tensor.start + this.#written + this.#staged;
        await this.#take(tensor, bytes.subarray(from - position, Math.min(tensor.end, end) - position));
        if (tensor.end > end) return;
      }
      await this.#end(tensor);
    }
  }

  /** Ends the tensors after the last byte: those without any. */
  async finish(): Promise<void> {
    for (let tensor = this.tensors[this.#index]; tensor !== undefined; tensor = this.tensors[this.#index])
      await this.#end(tensor);
  }

  async #take(tensor: TensorInfo, bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0) {
      if (rest.length >= directBytes) {
        if (this.#staged > 0) {
          rest = this.#stage(rest, -this.#staged & 7);
          await this.#flush(tensor);
        }
        const isLast = tensor.start + this.#written + rest.length === tensor.end;
        const whole = isLast ? rest.length : rest.length - (rest.length % 8);
        await this.#write(tensor, rest.subarray(0, whole));
        rest = rest.subarray(whole);
      } else {
        rest = this.#stage(rest, this.#staging.length - this.#staged);
        if (this.#staged === this.#staging.length) await this.#flush(tensor);
      }
    }
  }

  /** Puts up to `count` bytes aside; gives the others. */
  #stage(bytes: Uint8Array, count: number): Uint8Array {
    const part = bytes.subarray(0, count);
    this.#staging.set(part, this.#staged);
    this.#staged += part.length;
    return bytes.subarray(part.length);
  }

  async #end(tensor: TensorInfo): Promise<void> {
    if (this.#staged > 0) await this.#flush(tensor);
    await this.#wait(this.sink.end(tensor));
    this.#index++;
    this.#written = 0;
  }

  async #flush(tensor: TensorInfo): Promise<void> {
    const bytes = this.#staging.subarray(0, this.#staged);
    this.#staged = 0;
    await this.#write(tensor, bytes);
  }

  async #write(tensor: TensorInfo, bytes: Uint8Array): Promise<void> {
    await this.#wait(this.sink.write(tensor, this.#written, bytes));
    this.#written += bytes.length;
    this.report(tensor.file, bytes.length, tensor.start + this.#written);
  }

  /** A sink may take its time; an abort doesn't wait for it. */
  async #wait(pending: void | Promise<void>): Promise<void> {
    this.signal?.throwIfAborted();
    if (pending !== undefined) await abortable(pending, this.signal);
  }
}
