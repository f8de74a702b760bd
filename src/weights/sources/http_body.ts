/** The bodies of HTTP answers: dropped, measured, read in part, or cut to the range that was asked for. */
import { BufferPool, chunkReader } from './buffer_pool.ts';
import { TransientError } from './failures.ts';

/** Drops a response without reading it. */
export async function drop(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

/**
 * Reads up to `limit` bytes of the body and drops the rest.
 *
 * @throws TransientError if the connection breaks
 */
export async function firstBytes(
  response: Response,
  limit: number,
  url: URL,
  signal: AbortSignal | undefined,
): Promise<{ bytes: Uint8Array; ended: boolean }> {
  const bytes = new Uint8Array(limit);
  let length = 0;
  const ended = await eachChunk(response, url, signal, (chunk) => {
    const part = chunk.subarray(0, limit - length);
    bytes.set(part, length);
    length += part.length;
    return length < limit && part.length === chunk.length;
  });
  return { bytes: bytes.slice(0, length), ended };
}

/**
 * Counts the bytes of the body.
 *
 * @throws TransientError if the connection breaks
 */
export async function bodyBytes(response: Response, url: URL, signal: AbortSignal | undefined): Promise<number> {
  let length = 0;
  await eachChunk(response, url, signal, (chunk) => {
    length += chunk.length;
    return true;
  });
  return length;
}

/** Passes the body's chunks on while `take` returns true. Returns whether the body ended. */
async function eachChunk(
  response: Response,
  url: URL,
  signal: AbortSignal | undefined,
  take: (chunk: Uint8Array) => boolean,
): Promise<boolean> {
  const reader = response.body?.getReader();
  if (reader === undefined) return true;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return true;
      if (!take(value)) return false;
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw new TransientError(`${url.href}: the connection broke. Check it and load again.`, { cause });
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** The header of a chunk of Xet storage: a version, then three bytes of length, and more that the library reads. */
const XET_HEADER_BYTES = 8;

/**
 * Splits an answer of Xet storage at its chunks, each with a header that tells its length.
 *
 * For each chunk of about 64 KiB, `@huggingface/hub` copies all bytes that it has read and not yet unpacked, several
 * times. Chromium returns a megabyte at a time, so most of a load's time and memory went into those copies. Here all
 * chunks share one buffer: the library copies a chunk before it asks for the next.
 */
export function inXetChunks(response: Response): Response {
  const type = response.headers.get('content-type') ?? '';
  if (response.body === null || response.status !== 206 || /^(multipart|application\/json)/.test(type)) return response;
  const pool = new BufferPool();
  const reader = chunkReader(response.body, pool);
  let buffer = new Uint8Array(0);
  let pending = buffer; // bytes in `buffer` that have not been passed on
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        while (pending.length < xetChunkBytes(pending)) {
          const bytes = await reader.next();
          if (bytes === undefined) {
            if (pending.length > 0) controller.enqueue(pending);
            controller.close();
            return;
          }
          const length = pending.length + bytes.length;
          const target = length <= buffer.length ? buffer : new Uint8Array(length);
          target.set(pending);
          target.set(bytes, pending.length);
          pool.release(bytes);
          buffer = target;
          pending = target.subarray(0, length);
        }
        const length = xetChunkBytes(pending);
        controller.enqueue(pending.subarray(0, length));
        pending = pending.subarray(length);
      },
      cancel: () => reader.cancel(),
    },
    { highWaterMark: 0 },
  );
  const { status, statusText, headers } = response;
  return new Response(body, { status, statusText, headers });
}

/** The bytes of the chunk that begins here, header included; more than there are if its length has not arrived. */
function xetChunkBytes([, low, middle, high]: Uint8Array): number {
  if (low === undefined || middle === undefined || high === undefined) return XET_HEADER_BYTES;
  return XET_HEADER_BYTES + low + 256 * middle + 65536 * high;
}

/** Streams `head`, then `length` bytes of the body after its first `skip`, and cancels the rest of the body. */
export function assemble(
  head: Uint8Array,
  response: Response,
  skip: number,
  length: number,
): ReadableStream<Uint8Array> {
  const reader = response.body?.getReader();
  let toSkip = skip;
  let left = length;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (head.length > 0) controller.enqueue(head);
      },
      async pull(controller) {
        while (left > 0) {
          const chunk = await reader?.read();
          if (chunk?.value === undefined) break;
          const wanted = chunk.value.subarray(Math.min(toSkip, chunk.value.length)).subarray(0, left);
          toSkip = Math.max(0, toSkip - chunk.value.length);
          left -= wanted.length;
          if (wanted.length > 0) controller.enqueue(wanted);
          if (wanted.length > 0 && left > 0) return;
        }
        controller.close();
        await reader?.cancel().catch(() => undefined);
      },
      async cancel(reason) {
        await reader?.cancel(reason).catch(() => undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
