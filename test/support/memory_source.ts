// Byte sources in memory: files as arrays, with a log of the reads.
import { readdir } from 'node:fs/promises';
import type { ByteSource } from '../../src/weights/sources/byte_source.ts';
import { readBytes } from './fixtures.ts';

/** A source over `files` that logs each read. */
export interface MemorySource extends ByteSource {
  readonly files: Map<string, Uint8Array>;
  readonly reads: { readonly path: string; readonly start: number; readonly end: number }[];
}

/** Answers with whole arrays, or with streams of `chunk` bytes each. */
export function memorySource(files: Iterable<readonly [string, Uint8Array]>, chunk?: number): MemorySource {
  const map = new Map(files);
  const reads: { path: string; start: number; end: number }[] = [];
  const get = (path: string): Uint8Array => {
    const bytes = map.get(path);
    if (bytes === undefined) throw Object.assign(new Error(`no ${path}`), { status: 404 });
    return bytes;
  };
  return {
    files: map,
    reads,
    size: async (path) => get(path).length,
    read: async (path, start, end) => {
      reads.push({ path, start, end });
      const bytes = get(path).slice(start, end);
      return chunk === undefined ? bytes : streamOf(bytes, chunk);
    },
  };
}

/** A stream of `bytes` in pieces of `chunk` bytes. */
export function streamOf(bytes: Uint8Array, chunk: number): ReadableStream<Uint8Array> {
  let position = 0;
  return new ReadableStream({
    pull(controller) {
      if (position >= bytes.length) controller.close();
      else controller.enqueue(bytes.subarray(position, (position += chunk)));
    },
  });
}

/** The files of a folder of this repository. */
export async function folderSource(folder: string, chunk?: number): Promise<MemorySource> {
  const names = await readdir(new URL(`../../${folder}/`, import.meta.url));
  return memorySource(
    await Promise.all(names.map(async (name) => [name, new Uint8Array(await readBytes(`${folder}/${name}`))] as const)),
    chunk,
  );
}

/** A tensor for a file. Its bytes are invented if absent. */
export interface FileTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** A safetensors file as bytes. `padding`: spaces after the JSON. */
export function safetensorsFile(tensors: Readonly<Record<string, FileTensor>>, padding = 0): Uint8Array {
  let position = 0;
  const entries = Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
    const begin = position;
    position += data.length;
    return [name, { dtype, shape, data_offsets: [begin, position] }] as const;
  });
  return safetensorsBytes(
    JSON.stringify(Object.fromEntries(entries)) + ' '.repeat(padding),
    Object.values(tensors).map((tensor) => tensor.data),
  );
}

/** A file with this header text, valid or not, and this data. */
export function safetensorsBytes(header: string, data: readonly Uint8Array[]): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + data.reduce((sum, part) => sum + part.length, 0));
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  let position = 8 + text.length;
  for (const part of data) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}

/** Random whole numbers from a seed (mulberry32): `random(n)` is in [0, n). */
export function randomFrom(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * n);
  };
}
