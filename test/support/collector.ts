// Helpers for tests of streaming: tensors in memory, and a sink that checks the promises of its interface.
import { expect } from 'vitest';
import type { TensorSink } from '../../src/weights/read/tensor_cutter.ts';
import type { TensorInfo } from '../../src/weights/format/tensor_info.ts';
import type { MemorySource } from './memory_source.ts';

/** A sink that checks the promises of its interface and assembles the tensors. */
export function collector(): TensorSink & { readonly tensors: Map<string, Uint8Array>; readonly pieces: number[] } {
  const tensors = new Map<string, Uint8Array>();
  const pieces: number[] = [];
  let current: { info: TensorInfo; bytes: Uint8Array; filled: number } | undefined;
  const open = (info: TensorInfo) => (current ??= { info, bytes: new Uint8Array(info.end - info.start), filled: 0 });
  return {
    tensors,
    pieces,
    async write(info, offset, bytes) {
      const tensor = open(info);
      expect(tensor.info).toBe(info);
      expect(offset).toBe(tensor.filled);
      expect(offset % 8).toBe(0);
      expect(bytes.length).toBeGreaterThan(0);
      tensor.bytes.set(bytes, offset);
      tensor.filled += bytes.length;
      pieces.push(bytes.length);
      if (tensor.filled < tensor.bytes.length) expect(bytes.length % 8).toBe(0);
      await Promise.resolve();
      bytes.fill(0xee); // it was only lent
    },
    end(info) {
      const tensor = open(info);
      expect(tensor.filled).toBe(tensor.bytes.length);
      expect(tensors.has(info.name)).toBe(false);
      tensors.set(info.name, tensor.bytes);
      current = undefined;
    },
  };
}

/** The bytes `[start, end)` of a file as a tensor. */
export const info = (name: string, file: string, start: number, end: number): TensorInfo => ({
  name,
  dtype: 'U8',
  shape: [end - start],
  file,
  start,
  end,
});

/** Random bytes from a seed. */
export function randomBytes(length: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  let x = seed;
  for (let i = 0; i < words.length; i++) words[i] = x = (Math.imul(x, 1664525) + 1013904223) | 0;
  return new Uint8Array(words.buffer, 0, length);
}

/** Checks that every tensor arrived with the bytes of its file. */
export function expectAll(
  sink: { tensors: Map<string, Uint8Array> },
  source: MemorySource,
  infos: readonly TensorInfo[],
): void {
  expect(sink.tensors.size).toBe(infos.length);
  for (const { name, file, start, end } of infos) {
    expect(Buffer.compare(sink.tensors.get(name)!, source.files.get(file)!.subarray(start, end)), name).toBe(0);
  }
}
