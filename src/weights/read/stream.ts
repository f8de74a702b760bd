/** Streams tensors into a sink: a few requests at once, delivered in the order of the files, within bounded memory. */
import type { TensorInfo } from '../format/tensor_info.ts';
import { BufferPool } from '../sources/buffer_pool.ts';
import type { ByteSource } from '../sources/byte_source.ts';
import { readChunks, type ReadOptions } from './read.ts';
import { planReads } from './read_plan.ts';
import { TensorCutter, type TensorSink } from './tensor_cutter.ts';

/** The progress of streaming. */
export interface StreamProgress {
  /** The bytes of tensors that the sink has taken. */
  readonly loaded: number;
  /** The bytes of all requested tensors; the same in every event. */
  readonly total: number;
  /** The file that is being read. */
  readonly file: string;
  /** One past the last byte of the file that the sink has taken. */
  readonly position: number;
}

/** Options for streaming. */
export interface StreamOptions extends ReadOptions {
  /** Called before the first byte, and each time the sink has taken bytes. */
  readonly onProgress?: ((progress: StreamProgress) => void) | undefined;
  /** The sizes of files that are read from the first byte to the last, even if only parts of them are needed. */
  readonly whole?: ReadonlyMap<string, number> | undefined;
  /** Receives all bytes in the order of the files, needed or not. They may be overwritten afterwards. */
  readonly onBytes?: ((file: string, bytes: Uint8Array) => void) | undefined;
  /** The bytes of one request. Half of them, at most 4 MiB, are held for each. `WINDOW_BYTES` by default. */
  readonly windowBytes?: number | undefined;
  /** The number of requests at once; 3 by default. */
  readonly requests?: number | undefined;
}

/** The bytes of one request: so many that its round trip and the hub's redirect cost little. */
export const WINDOW_BYTES = 16 * 1024 * 1024;

/** The most bytes that are held for a request while earlier ones are read. */
const READ_AHEAD_BYTES = 4 * 1024 * 1024;

/**
 * Reads tensors and writes them to the sink, sorted by file and position. Neighbours share a request.
 *
 * Rejects with a SourceError if bytes cannot be read, with the sink's error, or with the signal's reason. Running
 * requests are then cancelled.
 *
 * @param infos - the tensors in any order; no two share a byte
 */
export async function streamTensors<Info extends TensorInfo>(
  source: ByteSource,
  infos: readonly Info[],
  sink: TensorSink<Info>,
  {
    signal,
    retry,
    pool = new BufferPool(),
    onProgress,
    whole,
    onBytes,
    windowBytes = WINDOW_BYTES,
    requests = 3,
  }: StreamOptions = {},
): Promise<void> {
  signal?.throwIfAborted();
  const { tensors, windows } = planReads(infos, windowBytes, (file) => source.seekable?.(file) ?? true, whole);
  const total = tensors.reduce((sum, { start, end }) => sum + (end - start), 0);
  let loaded = 0;
  const report = (file: string, bytes: number, position: number): void => {
    loaded += bytes;
    onProgress?.({ loaded, total, file, position });
  };
  report(tensors[0]?.file ?? '', 0, tensors[0]?.start ?? 0);

  // Any failure stops every request.
  const stop = new AbortController();
  const abort = (): void => {
    stop.abort(signal?.reason);
  };
  signal?.addEventListener('abort', abort, { once: true });
  const cutter = new TensorCutter(tensors, sink, signal, report);
  const readers: ReadableStreamDefaultReader<Uint8Array>[] = [];
  try {
    let requested = 0;
    for (const { file, start } of windows) {
      for (const next of windows.slice(requested, requested + Math.max(1, requests) - readers.length)) {
        const chunks = readChunks(source, next.file, next.start, next.end, { signal: stop.signal, retry, pool });
        readers.push(readAhead(chunks, pool, Math.min(windowBytes / 2, READ_AHEAD_BYTES)));
        requested++;
      }
      const [reader] = readers;
      let position = start;
      for (;;) {
        const chunk = await reader?.read();
        if (chunk?.value === undefined) break;
        onBytes?.(file, chunk.value);
        await cutter.push(file, position, chunk.value);
        position += chunk.value.length;
        pool.release(chunk.value);
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

/** Starts to read at once, and holds at most `limit` bytes until they are taken. */
function readAhead(
  chunks: AsyncGenerator<Uint8Array, void, undefined>,
  pool: BufferPool,
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
        await chunks.return(); // releases locks and cached files
      },
    },
    { highWaterMark: limit, size: (chunk) => pool.occupiedBytes(chunk) },
  );
  return stream.getReader();
}
