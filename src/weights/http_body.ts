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
