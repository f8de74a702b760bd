/** Files as callers have them: bytes, blobs, responses and streams. */
import { FormatError, InputError, SourceError } from '../errors.ts';
import { bufferBytes, classNameOf, isBlob } from '../brand.ts';

/** A `.dcae` file, whole: bytes of any view, a Blob or File, a fetched Response, or a stream. */
export type FileInput = ArrayBufferView | ArrayBuffer | Blob | Response | ReadableStream<Uint8Array>;

const ACCEPTED = 'a Uint8Array, ArrayBuffer, DataView, Blob, File, Response or ReadableStream';

/**
 * Reads a file. Bytes are copied at once, so that later changes by the caller have no effect.
 *
 * @throws InputError if the input is not a file; SourceError for a Response with an error status; the signal's reason
 * if aborted
 */
export async function readFile(input: FileInput, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const file = openFile(input);
  if (file instanceof Uint8Array) return file.slice();
  return await readStream(isBlob(file) ? file.stream() : file, Infinity, signal);
}

/**
 * Reads the beginning of a file, step by step.
 *
 * @param bytesNeeded - the number of bytes that are needed, given those that were read; called until it is satisfied
 * @returns at least the bytes that are needed, or all if the file is shorter
 */
export async function readFileStart(input: FileInput, bytesNeeded: (start: Uint8Array) => number): Promise<Uint8Array> {
  const file = openFile(input);
  if (file instanceof Uint8Array) return file;
  return await readStream(isBlob(file) ? file.stream() : file, bytesNeeded, undefined);
}

function openFile(input: unknown): Uint8Array | Blob | ReadableStream<Uint8Array> {
  const bytes = bufferBytes(input);
  if (bytes !== undefined) return bytes;
  const type = classNameOf(input);
  if (isBlob(input)) return input;
  if (type === 'Response') return bodyOf(input as Response);
  if (type === 'ReadableStream') return unlocked(input as ReadableStream<Uint8Array>);
  const shown = typeof input === 'object' && input !== null ? `an object of type ${type}` : String(input);
  throw new InputError(`The file must be ${ACCEPTED}; it was ${shown}.`);
}

function bodyOf({ ok, status, url, body }: Response): ReadableStream<Uint8Array> {
  if (!ok) throw new SourceError(`The Response has the status ${status} and no file${url && ` (${url})`}.`, { status });
  if (body === null) throw new FormatError('not-dcae', 'The Response is empty.');
  return unlocked(body);
}

function unlocked(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  if (!stream.locked) return stream;
  throw new InputError('The stream is locked or was read already. Pass a Response or stream that nothing has read.');
}

async function readStream(
  stream: ReadableStream<Uint8Array>,
  needed: number | ((start: Uint8Array) => number),
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  signal?.throwIfAborted();
  const reader = stream.getReader();
  const cancel = (): void => void reader.cancel(signal?.reason).catch(() => undefined);
  signal?.addEventListener('abort', cancel, { once: true });
  let bytes = new Uint8Array(2 ** 16);
  let length = 0;
  const isEnough = (): boolean =>
    typeof needed === 'function' && length > 0 && length >= needed(bytes.subarray(0, length));
  try {
    while (!isEnough()) {
      const { done, value } = await reader.read();
      signal?.throwIfAborted();
      if (done) break;
      if (!ArrayBuffer.isView(value as unknown)) {
        throw new InputError(`The stream must give Uint8Arrays; it gave ${String(value)}.`);
      }
      if (length + value.length > bytes.length) {
        const larger = new Uint8Array(2 * (length + value.length));
        larger.set(bytes.subarray(0, length));
        bytes = larger;
      }
      bytes.set(value, length);
      length += value.length;
    }
    return bytes.slice(0, length);
  } finally {
    signal?.removeEventListener('abort', cancel);
    cancel();
  }
}
