/** The bodies of HTTP answers: dropped, read in part, cut to what was asked for. */
import { TransientError } from './failures.ts';
import { BufferPool, piecesOf } from '../read/buffer_pool.ts';

/** Lets a response go without reading it. */
export async function drop(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

/** Up to `limit` bytes of the body, then lets go of it. */
export async function firstBytes(
  response: Response,
  limit: number,
  url: URL,
  signal: AbortSignal | undefined,
): Promise<{ bytes: Uint8Array; ended: boolean }> {
  const reader = response.body?.getReader();
  if (reader === undefined) return { bytes: new Uint8Array(0), ended: true };
  const bytes = new Uint8Array(limit);
  let length = 0;
  try {
    while (length < limit) {
      const { done, value } = await reader.read();
      if (done) return { bytes: bytes.slice(0, length), ended: true };
      const part = value.subarray(0, limit - length);
      bytes.set(part, length);
      length += part.length;
      if (part.length < value.length) return { bytes, ended: false };
    }
    return { bytes, ended: false };
  } catch (cause) {
    signal?.throwIfAborted();
    throw new TransientError(`${url.href}: the connection broke. Check it and load again.`, { cause });
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/**
 * The same answer, where it is a part of Xet storage given chunk by chunk: 8 bytes of header, which tell the length, and the packed bytes.
 * `@huggingface/hub` copies all that it has read and not yet unpacked several times for each chunk (about 64 KiB), and Chromium gives a megabyte
 * at a time: most of a load's time and memory went into that. All chunks lie in one buffer; the library copies one before it asks for the next.
 */
export function inXetChunks(response: Response): Response {
  const type = response.headers.get('content-type') ?? '';
  if (response.body === null || response.status !== 206 || /^(multipart|application\/json)/.test(type)) return response;
  const pieces = new BufferPool();
  const reader = piecesOf(response.body, pieces);
  let buffer = new Uint8Array(0);
  let held = buffer; // what has come and wasn't given yet, in `buffer`
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        while (held.length < chunkLength(held)) {
          const piece = await reader.next();
          if (piece === undefined) {
            if (held.length > 0) controller.enqueue(held);
            controller.close();
            return;
          }
          const length = held.length + piece.length;
          const room = length <= buffer.length ? buffer : new Uint8Array(length);
          room.set(held);
          room.set(piece, held.length);
          pieces.release(piece);
          buffer = room;
          held = room.subarray(0, length);
        }
        const length = chunkLength(held);
        controller.enqueue(held.subarray(0, length));
        held = held.subarray(length);
      },
      cancel: () => reader.cancel(),
    },
    { highWaterMark: 0 },
  );
  const { status, statusText, headers } = response;
  return new Response(body, { status, statusText, headers });
}

/** Bytes of the chunk that begins here, with its header; more than there are where that hasn't come. */
function chunkLength([, low, middle, high]: Uint8Array): number {
  return low === undefined || middle === undefined || high === undefined ? 8 : 8 + low + 256 * middle + 65536 * high;
}

/** `head`, then `length` bytes of the body after its first `skip`, as they come; the rest of the body is cancelled. */
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
          const part = await reader?.read();
          if (part?.value === undefined) break;
          const wanted = part.value.subarray(Math.min(toSkip, part.value.length)).subarray(0, left);
          toSkip = Math.max(0, toSkip - part.value.length);
          left -= wanted.length;
          if (wanted.length > 0 && left > 0) {
            controller.enqueue(wanted);
            return;
          }
          if (wanted.length > 0) controller.enqueue(wanted);
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
