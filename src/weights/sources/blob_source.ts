import { SourceError } from '../../errors.ts';
import type { ByteSource } from './byte_source.ts';

/**
 * Reads a `blob:` or `data:` URL, which holds a single file. It is fetched once as a Blob rather than by ranges: Node
 * cuts the last byte off some ranges of `blob:` URLs, and not all browsers support them.
 */
export function blobSource(url: URL, fetch: typeof globalThis.fetch): ByteSource {
  let opening: Promise<Blob> | undefined;
  const open = (): Promise<Blob> => {
    opening ??= fetchBlob(url, fetch);
    return opening;
  };
  return {
    label: url.href.slice(0, 100),
    size: async () => (await open()).size,
    read: async (_, start, end) => (await open()).slice(start, end).stream(),
  };
}

async function fetchBlob(url: URL, fetch: typeof globalThis.fetch): Promise<Blob> {
  try {
    return await (await fetch(url)).blob();
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new SourceError(
      `${url.href.slice(0, 100)} could not be read (${detail}). A blob: URL ends when it is revoked or its ` +
        'page is closed: ' +
        'make a new one, or pass the Blob itself.',
      { cause },
    );
  }
}
