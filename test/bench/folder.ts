import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ByteSource } from '../../src/index.ts';

/** A checkpoint in a folder on disk. */
export function folder(path: string): ByteSource {
  const read = (name: string): Buffer => readFileSync(join(path, name));
  return {
    label: path,
    size: (name) => Promise.resolve(read(name).length),
    read: (name, start, end) => Promise.resolve(new Uint8Array(read(name).subarray(start, end))),
  };
}
