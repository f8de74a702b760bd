/** The bodies of HTTP answers: dropped, read in part, cut to what was asked for. */
import { TransientError } from './failures.ts';

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

const smallPart = 64 * 1024;

/**
 * The same answer, its body in parts of 64 KiB at most. `@huggingface/hub` copies all that it has read and not yet unpacked once for each
 * chunk (about 64 KiB) of Xet storage, and Chromium gives a megabyte at a time: most of a load's time went into that.
 */
export function inSmallParts(response: Response): Response {
  if (response.body === null) return response;
  const parts = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(bytes, controller) {
      for (let at = 0; at < bytes.length; at += smallPart) controller.enqueue(bytes.subarray(at, at + smallPart));
    },
  });
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(parts), { status, statusText, headers });
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
