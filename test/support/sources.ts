import { SourceError } from '../../src/errors.ts';
import type { ByteSource } from '../../src/weights/sources/byte_source.ts';
import { readBytes } from './fixtures.ts';

/** Files held in memory as a source, by path. */
export function memorySource(files: Readonly<Record<string, ArrayBuffer | Uint8Array | string>>): ByteSource {
  const bytes = (path: string): Uint8Array => {
    const file = files[path];
    if (file === undefined) throw new SourceError(`${path} is not there`, { status: 404 });
    if (typeof file === 'string') return new TextEncoder().encode(file);
    return file instanceof Uint8Array ? file : new Uint8Array(file);
  };
  return {
    size: (path) => new Promise((resolve) => resolve(bytes(path).length)),
    read: (path, start, end) => new Promise((resolve) => resolve(bytes(path).slice(start, end))),
  };
}

/** A folder of this repository as a source. */
export function folderSource(folder: string): ByteSource {
  const files = new Map<string, Promise<ArrayBuffer>>();
  const file = (path: string): Promise<ArrayBuffer> => {
    let bytes = files.get(path);
    if (!bytes) {
      bytes = readBytes(`${folder}/${path}`).catch((cause: unknown) => {
        throw new SourceError(`${path} is not there`, { status: 404, cause });
      });
      files.set(path, bytes);
    }
    return bytes;
  };
  return {
    size: async (path) => (await file(path)).byteLength,
    read: async (path, start, end) => (await file(path)).slice(start, end),
  };
}
