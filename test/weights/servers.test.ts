// Servers and sources as they really are: missing lengths, several nodes, forbidden names, prefixes, surplus tensors.
import { describe, expect, test } from 'vitest';
import { openPretrained, openSingleFile } from '../../src/loading/open.ts';
import { keyPrefix } from '../../src/weights/format/key_prefix.ts';
import { openCheckpoint } from '../../src/weights/read/checkpoint.ts';
import { readAll, sizeOf } from '../../src/weights/read/read.ts';
import type { ByteSource } from '../../src/weights/sources/byte_source.ts';
import { fileSource } from '../../src/weights/sources/file_source.ts';
import { urlFolderSource } from '../../src/weights/sources/url_source.ts';
import { memorySource, safetensorsFile } from '../support/memory_source.ts';

const data = Uint8Array.from({ length: 400_000 }, (_, i) => (i * 31 + (i >> 8)) & 255);
const weights = safetensorsFile({ 'encoder.conv_in.weight': { dtype: 'F32', shape: [100_000], data } });
const page = () => new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } });
const plain = async <T>({ source }: { source: T }): Promise<T> => source;

/** A `fetch` that answers by the name of the file, and records the requests. */
function server(answer: (name: string, range: readonly [number, number], count: number) => Response) {
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const name = new URL(String(input)).pathname.split('/').at(-1)!;
    const [, first = 0, last = 0] = /(\d+)-(\d+)/.exec(new Headers(init?.headers).get('range') ?? '') ?? [];
    asked.push(name);
    return answer(name, [Number(first), Number(last) + 1], asked.length);
  };
  return { asked, fetch, source: urlFolderSource('https://example.com/m/', { fetch }) };
}

/** A part of `weights` as a server with ranges sends it. */
function partial([start, end]: readonly [number, number], headers: Record<string, string>): Response {
  const stop = Math.min(end, weights.length);
  const range = `bytes ${start}-${stop - 1}/${weights.length}`;
  return new Response(weights.slice(start, stop), { status: 206, headers: { 'content-range': range, ...headers } });
}

describe('a server', () => {
  test('that sends no length is read: the size is in the header of the weights', async () => {
    const { asked, source } = server(() => new Response(weights.slice()));
    expect(await source.size('model.safetensors')).toBe(weights.length);
    expect(await readAll(source, 'model.safetensors', 200_000, 200_010)).toEqual(weights.slice(200_000, 200_010));
    expect(asked).toHaveLength(2);
  });

  test.each([401, 403, 404, 410])('that answers %i for a missing name is asked for the next one', async (status) => {
    const { fetch } = server((name, range) =>
      name === 'model.safetensors' ? partial(range, {}) : new Response('no', { status }),
    );
    const source = urlFolderSource('https://example.com/m/', { fetch });
    expect((await openCheckpoint(source)).files[0]?.path).toBe('model.safetensors');
  });

  test('that forbids every name is reported as such', async () => {
    const { source } = server(() => new Response('no', { status: 403 }));
    await expect(openCheckpoint(source)).rejects.toMatchObject({
      status: 403,
      message: expect.stringContaining('Either the file does not exist there, or reading it needs permission'),
    });
  });

  test('of several nodes may send a different ETag from each, if length and time of change agree', async () => {
    const lastModified = 'Mon, 02 Jun 2025 10:00:00 GMT';
    const { source } = server((_, range, count) =>
      partial(range, { etag: `"node-${count % 3}"`, 'last-modified': lastModified }),
    );
    expect(await readAll(source, 'x', 0, weights.length)).toEqual(weights);
    const changed = server((_, range, count) =>
      partial(range, { etag: `"node-${count}"`, 'last-modified': new Date(count * 1e9).toUTCString() }),
    );
    await changed.source.size('x');
    await expect(readAll(changed.source, 'x', 200_000, 300_000)).rejects.toThrow('changed on the server');
  });

  test('with different ETags and no Last-Modified may have changed the file: the error names both cases', async () => {
    const { source } = server((_, range, count) => partial(range, { etag: `"v${count}"` }));
    await source.size('x');
    await expect(readAll(source, 'x', 200_000, 300_000)).rejects.toMatchObject({
      name: 'SourceError',
      message: expect.stringMatching(/has another ETag.*"v2" instead of "v1".*load again.*Last-Modified.*`fetch`/),
    });
    // the remedy of the message
    const { fetch } = server((_, range, count) => partial(range, { etag: `"v${count}"` }));
    const withoutTag: typeof fetch = async (input, init) => {
      const { body, status, headers } = await fetch(input, init);
      const kept = [...headers].filter(([name]) => name !== 'etag');
      return new Response(body, { status, headers: kept });
    };
    const mended = urlFolderSource('https://example.com/m/', { fetch: withoutTag });
    expect(await readAll(mended, 'x', 0, weights.length)).toEqual(weights);
    // one of them tells its time of change, the other does not
    const mixed = server((_, range, count) =>
      partial(range, { etag: `"v${count}"`, ...(count > 1 && { 'last-modified': 'Mon, 02 Jun 2025 10:00:00 GMT' }) }),
    );
    await mixed.source.size('x');
    await expect(readAll(mixed.source, 'x', 200_000, 300_000)).rejects.toThrow(/has another ETag/);
  });

  test('that gives a time in Retry-After is waited for by its own clock', async () => {
    const at = (seconds: number) => new Date(Date.UTC(2001, 0, 1, 0, 0, seconds)).toUTCString();
    let isBusy = true;
    const { source } = server((_, range) => {
      if (!isBusy) return partial(range, {});
      isBusy = false;
      return new Response('busy', { status: 503, headers: { 'retry-after': at(9), date: at(2) } });
    });
    const waits: number[] = [];
    const retry = { sleep: async (ms: number) => void waits.push(ms) };
    expect(await sizeOf(source, 'x', { retry })).toBe(weights.length);
    expect(waits).toEqual([7000]);
  });

  test('that gives a web page for config.json is reported before anything else', async () => {
    const { fetch } = server((name, range) => (name === 'model.safetensors' ? partial(range, {}) : page()));
    await expect(openPretrained('https://example.com/m/', { fetch }, plain)).rejects.toThrow(
      /^config\.json cannot be read: https:\/\/example\.com\/m\/config\.json answered with a web page/,
    );
    const nothing = server(page);
    await expect(openPretrained('https://example.com/m/', { fetch: nothing.fetch }, plain)).rejects.toThrow(
      /^config\.json cannot be read/,
    );
    const missing = server(() => new Response('no', { status: 404 }));
    await expect(openPretrained('https://example.com/m/', { fetch: missing.fetch }, plain)).rejects.toThrow(
      /^config\.json does not exist in .*No weights in/,
    );
  });

  test('with a pipeline is reported as one', async () => {
    const index = JSON.stringify({ _class_name: 'SanaPipeline', vae: [], transformer: [] });
    const { source } = server((name) =>
      name === 'model_index.json' ? new Response(index) : new Response('no', { status: 404 }),
    );
    await expect(openCheckpoint(source)).rejects.toThrow(
      "This is a pipeline of vae, transformer: pass `subfolder: 'vae'`.",
    );
  });
});

describe('a source of your own', () => {
  const memory = memorySource([['model.safetensors', weights]]);

  test('may answer undefined or null for a file that does not exist, and sizes as BigInt', async () => {
    for (const nothing of [undefined, null]) {
      const source = {
        ...memory,
        size: async (path: string) => (path === 'model.safetensors' ? BigInt(weights.length) : nothing),
      } as ByteSource;
      expect((await openCheckpoint(source)).files).toEqual([{ path: 'model.safetensors', size: weights.length }]);
      await expect(sizeOf(source, 'x')).rejects.toMatchObject({ name: 'SourceError', status: 404 });
    }
  });

  test('keeps the status of its errors, and is not asked again if it refuses', async () => {
    let asked = 0;
    const size = (): Promise<never> => (asked++, Promise.reject(Object.assign(new Error('no'), { status: 403 })));
    await expect(sizeOf({ ...memory, size }, 'x')).rejects.toMatchObject({ name: 'SourceError', status: 403 });
    expect(asked).toBe(1);
  });
});

describe('dropped files', () => {
  const file = (path: string, content: string | Uint8Array<ArrayBuffer> = '') =>
    Object.defineProperty(new File([content], path.split('/').at(-1)!), 'webkitRelativePath', { value: path });

  test('of a pipeline are named with the option that chooses the folder', async () => {
    const files = [
      file('sana/model_index.json', '{}'),
      file('sana/vae/config.json', '{}'),
      file('sana/vae/diffusion_pytorch_model.fp16.safetensors'),
      file('sana/transformer/diffusion_pytorch_model-00001-of-00002.safetensors'),
    ];
    await expect(openCheckpoint(fileSource(files))).rejects.toThrow(
      "Pass `subfolder: 'vae'`. Weights are in sana/vae, sana/transformer.",
    );
  });
});

describe('keys', () => {
  test.each(['vae.', 'first_stage_model.', 'module.', 'model.', 'module.model.', 'state_dict.vae.', '_orig_mod.'])(
    'may have the prefix %s',
    async (prefix) => {
      const tensor = { dtype: 'F32', shape: [1], data: new Uint8Array(4) };
      const names = ['encoder.conv_in.weight', 'decoder.up_blocks.0.0.conv1.bias'];
      const file = safetensorsFile({
        ...Object.fromEntries(names.map((name) => [prefix + name, tensor])),
        'text_encoder.encoder.block.0.weight': tensor,
      });
      const { tensors } = await openCheckpoint(memorySource([['model.safetensors', file]]));
      expect([...tensors.keys()]).toEqual([...names, 'text_encoder.encoder.block.0.weight']);
    },
  );

  test('without a prefix are preferred, and an unclear prefix is left alone', () => {
    expect(keyPrefix(['ema.encoder.conv_in.weight', 'encoder.conv_in.weight'])).toBe('');
    expect(keyPrefix(['ema.encoder.conv_in.weight', 'model.encoder.conv_in.weight'])).toBe('model.');
    expect(keyPrefix(['a.encoder.conv_in.weight', 'b.encoder.conv_in.weight'])).toBe('');
    expect(keyPrefix(['text_encoder.conv_in.weight'])).toBe('');
  });

  test('of the original format may have a prefix', async () => {
    const tensor = { dtype: 'F32', shape: [4, 3, 3, 3], data: new Uint8Array(432) };
    const file = safetensorsFile({ 'module.encoder.project_in.conv.weight': tensor });
    const { tensors, format } = await openCheckpoint(memorySource([['model.safetensors', file]]));
    expect([format, [...tensors.keys()]]).toEqual(['original', ['encoder.conv_in.weight']]);
    await expect(openSingleFile(new Blob([file.slice()]), {}, plain)).rejects.toThrow('Pass `config`');
  });
});
