/** A .dcae file from the address that a link names. */
import { SourceError } from 'dc-ae-webgpu';

/** No picture's file is larger, and an endless answer ends here. */
const MAX_BYTES = 64 * 2 ** 20;

/**
 * Reads a file, of 64 MiB at most.
 *
 * @throws SourceError; the signal's reason when aborted
 */
export async function download(url: string, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  let response: Response;
  try {
    response = await fetch(url, { signal, credentials: 'omit', referrerPolicy: 'no-referrer' });
  } catch (cause) {
    signal.throwIfAborted();
    throw new SourceError(
      `${url} could not be read. Its host may be out of reach, or forbid other pages to read it (CORS).`,
      {
        cause,
      },
    );
  }
  if (!response.ok || !response.body) {
    throw new SourceError(`${url} could not be read: its host answered ${response.status}.`, {
      status: response.status,
    });
  }
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const part of response.body) {
    size += part.length;
    if (size > MAX_BYTES) throw new SourceError(`${url} is larger than any .dcae file should be.`);
    parts.push(part);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
