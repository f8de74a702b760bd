import { headerLength, LENGTH_BYTES, parseHeader, type SafetensorsHeader } from '../format/safetensors.ts';
import type { ByteSource } from '../sources/byte_source.ts';
import { readAll, sizeOf, type ReadOptions } from './read.ts';

/**
 * Reads and checks the header of the safetensors file at `path`.
 *
 * Rejects with a CheckpointError if the file is damaged, a SourceError if it cannot be read, or the signal's reason.
 */
export async function readHeader(
  source: ByteSource,
  path: string,
  { signal, retry }: ReadOptions = {},
): Promise<SafetensorsHeader> {
  const size = await sizeOf(source, path, { signal, retry });
  const start = await readAll(source, path, 0, Math.min(LENGTH_BYTES, size), signal, retry);
  const headerEnd = LENGTH_BYTES + headerLength(start, size, path);
  return parseHeader(await readAll(source, path, 0, headerEnd, signal, retry), size, path);
}
