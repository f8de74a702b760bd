// The header of a safetensors file: valid, damaged and hostile.
import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { CheckpointError } from '../../src/errors.ts';
import { impliedFileSize, parseHeader } from '../../src/weights/format/safetensors.ts';
import { readHeader } from '../../src/weights/read/header.ts';
import { readBytes } from '../support/fixtures.ts';
import { memorySource, safetensorsBytes, safetensorsFile } from '../support/memory_source.ts';

const parse = (bytes: Uint8Array, size = bytes.length) => parseHeader(bytes, size, 'model.safetensors');

const complaint = (bytes: Uint8Array, size = bytes.length): string => {
  try {
    parse(bytes, size);
  } catch (error) {
    if (error instanceof CheckpointError) return error.message;
    throw error;
  }
  return 'no complaint';
};

const numbers = (count: number) => new Uint8Array(count).map((_, i) => i);

/** A header text over `count` bytes of data. */
const file = (header: unknown, count = 16) =>
  safetensorsBytes(typeof header === 'string' ? header : JSON.stringify(header), [numbers(count)]);

const four = { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] };

describe('the header of a safetensors file', () => {
  test('gives every tensor with its place in the file, in the order of the bytes', () => {
    const bytes = safetensorsFile(
      {
        'z.weight': { dtype: 'F32', shape: [2, 1], data: numbers(8) },
        'a.bias': { dtype: 'BF16', shape: [3], data: numbers(6) },
        empty: { dtype: 'F16', shape: [0, 4], data: numbers(0) },
        'n.num_batches_tracked': { dtype: 'I64', shape: [], data: numbers(8) },
      },
      3,
    );
    const header = parse(bytes);
    const at = header.dataStart;
    expect(at + 22).toBe(bytes.length);
    expect(header.size).toBe(bytes.length);
    const file = 'model.safetensors';
    expect(header.tensors).toEqual([
      { name: 'z.weight', dtype: 'F32', shape: [2, 1], file, start: at, end: at + 8 },
      { name: 'a.bias', dtype: 'BF16', shape: [3], file, start: at + 8, end: at + 14 },
      { name: 'empty', dtype: 'F16', shape: [0, 4], file, start: at + 14, end: at + 14 },
      { name: 'n.num_batches_tracked', dtype: 'I64', shape: [], file, start: at + 14, end: at + 22 },
    ]);
  });

  test('may have no tensors, and metadata of any kind', () => {
    expect(parse(file({ __metadata__: { format: 'pt', odd: 3 } }, 0)).tensors).toEqual([]);
    expect(parse(file({ __metadata__: 'text', w: four })).tensors).toHaveLength(1);
  });

  test('may have tensors of formats that are not known yet', () => {
    const { tensors } = parse(
      file({ a: { ...four, dtype: 'F4', shape: [32] }, b: { ...four, data_offsets: [16, 32] } }, 32),
    );
    expect(tensors.map(({ name, dtype }) => [name, dtype])).toEqual([
      ['a', 'F4'],
      ['b', 'F32'],
    ]);
  });

  test('tells the size of its file', () => {
    const bytes = file({ __metadata__: { format: 'pt' }, w: four });
    expect(impliedFileSize(bytes)).toBe(bytes.length);
    expect(impliedFileSize(bytes.subarray(0, bytes.length - 16))).toBe(bytes.length);
    expect(impliedFileSize(bytes.subarray(0, 20))).toBeUndefined();
    expect(impliedFileSize(new TextEncoder().encode('{"latent_channels": 4}'))).toBeUndefined();
  });

  test('takes names as they are written', () => {
    for (const name of ['__proto__', 'constructor', 'a"b\\c', 'ключ', '{[,:', ' ']) {
      expect(parse(file(`{${JSON.stringify(name)}:${JSON.stringify(four)}}`)).tensors[0]?.name).toBe(name);
    }
  });

  test('of every fixture covers its file, wherever its data begin', async () => {
    const starts = new Set<number>();
    for (const folder of [
      'ops',
      'hash-slices',
      ...(await readdir(new URL('../fixtures/e2e/', import.meta.url))).map((name) => `e2e/${name}`),
    ]) {
      for (const name of await readdir(new URL(`../fixtures/${folder}/`, import.meta.url))) {
        if (!name.endsWith('.safetensors')) continue;
        const bytes = new Uint8Array(await readBytes(`test/fixtures/${folder}/${name}`));
        const header = parse(bytes);
        expect(header.tensors.at(-1)?.end, `${folder}/${name}`).toBe(bytes.length);
        starts.add(header.dataStart % 8);
      }
    }
    expect(starts.size).toBeGreaterThan(1); // one fixture's data are not aligned
  });

  test('is read with one request for the length and one for the text', async () => {
    const bytes = file({ w: four });
    const source = memorySource([['model.safetensors', bytes]], 5);
    const header = await readHeader(source, 'model.safetensors');
    expect(header).toEqual(parse(bytes));
    expect(source.reads.map(({ start, end }) => [start, end])).toEqual([
      [0, 8],
      [0, header.dataStart],
    ]);
  });
});

describe('a damaged file', () => {
  test.each<[string, Uint8Array, string]>([
    ['nothing in it', new Uint8Array(0), 'has 0 bytes, too few'],
    ['seven bytes', numbers(7), 'has 7 bytes, too few'],
    ['a header beyond the file', file({ w: four }).subarray(0, 20), 'cut short or damaged: its header has'],
    ['a header length beyond 2^53', new Uint8Array(64).fill(255), 'its header would have 18446744073709552000 bytes'],
    ['a web page', new TextEncoder().encode('<!DOCTYPE html><html></html>'), 'it is a web page'],
    ['a Git LFS pointer', new TextEncoder().encode('version https://git-lfs.github.com/spec/v1'), 'git lfs pull'],
    ['a pickle', new TextEncoder().encode('PK\x03\x04........'), 'PyTorch pickle'],
    ['a header without a byte', file('', 0), 'begins with "" instead of "{"'],
    ['a header that is not JSON', file('{"w": }'), 'its header is not JSON'],
    ['a header that is a list', file('[1]'), 'begins with "[1]" instead of "{"'],
    ['a header of two values', file('{} {}'), 'its header is not JSON'],
    [
      'a header that is not UTF-8',
      safetensorsBytes('{"\u0001":1}', []).map((byte) => (byte === 1 ? 0xff : byte)),
      'its header is not UTF-8',
    ],
    ['a byte order mark', file('\ufeff{}', 0), 'instead of "{"'],
    ['a header nested without end', file('{"a":' + '['.repeat(100_000)), 'its header is not JSON'],
    ['an entry that is a number', file({ w: 3 }), '"w" is not an object with dtype, shape and data_offsets'],
    [
      'a dtype that is a number',
      file({ w: { ...four, dtype: 32 } }),
      '"w" has the dtype 32; allowed is a name such as',
    ],
    ['no dtype', file({ w: { ...four, dtype: undefined } }), '"w" has the dtype missing'],
    ['a negative dimension', file({ w: { ...four, shape: [-2, -2] } }), '"w" has the shape [-2,-2]'],
    ['a fractional dimension', file({ w: { ...four, shape: [0.5, 8] } }), '"w" has the shape [0.5,8]'],
    [
      'a dimension beyond numbers',
      file('{"w":{"dtype":"F32","shape":[1e999],"data_offsets":[0,16]}}'),
      '"w" has the shape [null]',
    ],
    [
      'a product beyond numbers',
      file({ w: { ...four, shape: new Array(40).fill(9e15) } }),
      '"w" is F32 of shape [9000000000000000',
    ],
    [
      'one offset',
      file({ w: { ...four, data_offsets: [16] } }),
      '"w" has the data_offsets [16]; allowed are two whole numbers',
    ],
    [
      'offsets backwards',
      file({ w: { ...four, data_offsets: [16, 0] } }),
      '"w" has data_offsets that run backwards: [16, 0]',
    ],
    [
      'offsets beyond the file',
      file({ w: { ...four, data_offsets: [8, 24] } }),
      '"w" ends at byte 24 of the data, but the file holds only 16',
    ],
    [
      'a shape that needs other bytes',
      file({ w: { ...four, shape: [3] } }),
      '"w" is F32 of shape [3], 12 bytes, but its data_offsets hold 16',
    ],
    ['a surplus at the end', file({ w: four }, 20), 'the last 4 bytes of the file belong to no tensor'],
    ['a hole', file({ w: { ...four, data_offsets: [4, 20] } }, 20), '4 bytes before "w" belong to no tensor'],
    ['an overlap', file({ v: four, w: { ...four, data_offsets: [8, 24] } }, 24), '"w" overlaps "v" by 8 bytes'],
    ['a name twice', file(`{"w":${JSON.stringify(four)},"\\u0077":${JSON.stringify(four)}}`), '"w" appears twice'],
  ])('is refused in words: %s', (_, bytes, message) => {
    expect(complaint(bytes)).toContain(message);
    expect(complaint(bytes)).toContain('model.safetensors');
  });

  test('has all its faults named, up to a dozen', () => {
    const entries = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`w${i}`, { ...four, dtype: 0 }]));
    const message = complaint(file(entries));
    expect(message).toContain('"w0" has');
    expect(message).toContain('"w11" has');
    expect(message).not.toContain('"w12" has');
    expect(message).toContain('and 18 more');
  });

  test('that was cut short is reported as cut short', () => {
    const whole = file({ w: four });
    expect(complaint(whole, whole.length - 1)).toContain('it is cut short');
    expect(complaint(whole.subarray(0, whole.length - 16), whole.length)).toBe('no complaint');
  });
});
