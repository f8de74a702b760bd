// Opening a checkpoint: one file or shards, either format, variants, and damaged indices.
import { describe, expect, test } from 'vitest';
import { CheckpointError, SourceError } from '../../src/errors.ts';
import { openCheckpoint } from '../../src/weights/read/checkpoint.ts';
import { readBytes, readJson } from '../support/fixtures.ts';
import { folderSource, memorySource, randomFrom, safetensorsFile } from '../support/memory_source.ts';

const e2e = (name: string) => folderSource(`test/fixtures/e2e/${name}`, 1000);
const index = 'diffusion_pytorch_model.safetensors.index.json';
const single = 'diffusion_pytorch_model.safetensors';

const tensor = (bytes = 4) => ({ dtype: 'F32', shape: [bytes / 4], data: new Uint8Array(bytes) });
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

describe('openCheckpoint', () => {
  test('finds one file, and reads nothing of it but the header', async () => {
    const source = await e2e('sana-like');
    const checkpoint = await openCheckpoint(source);
    expect(checkpoint.format).toBe('diffusers');
    expect(checkpoint.files).toEqual([{ path: single, size: source.files.get(single)!.length }]);
    expect(checkpoint.tensors.get('encoder.conv_in.weight')).toMatchObject({
      dtype: 'F32',
      shape: [8, 3, 3, 3],
      file: single,
    });
    const last = Math.max(...source.reads.map((read) => read.end));
    expect(last).toBe(Math.min(...[...checkpoint.tensors.values()].map((info) => info.start)));
  });

  test('puts shards together by their index', async () => {
    const source = await e2e('sharded');
    const { tensors, files } = await openCheckpoint(source);
    const { weight_map: map } = await readJson<{ weight_map: Record<string, string> }>(
      `test/fixtures/e2e/sharded/${index}`,
    );
    expect(Object.fromEntries([...tensors].map(([key, info]) => [key, info.file]))).toEqual(map);
    expect(files.map((file) => file.path).sort()).toEqual([...new Set(Object.values(map))].sort());
  });

  test.each(['original-in', 'original-sana'])('translates the original format: %s', async (name) => {
    const { tensors, format } = await openCheckpoint(await e2e(name));
    expect(format).toBe('original');
    expect(
      [...tensors.keys()].every((key) =>
        /^(en|de)coder\.(conv_in|conv_out|norm_out|down_blocks|up_blocks)\./.test(key),
      ),
    ).toBe(true);
    expect(
      [...tensors.values()].every((info) => info.name === info.name.trim() && info.file === 'model.safetensors'),
    ).toBe(true);
  });

  test('looks for a variant, for a name, and beside an index in a folder', async () => {
    const file = safetensorsFile({ 'encoder.w': tensor() });
    const open = async (path: string, options = {}, more: readonly (readonly [string, Uint8Array])[] = []) =>
      (await openCheckpoint(memorySource([[path, file], ...more]), options)).files[0]?.path;
    expect(await open('diffusion_pytorch_model.fp16.safetensors', { variant: 'fp16' })).toContain('fp16');
    expect(await open('model.bf16.safetensors', { variant: 'bf16' })).toBe('model.bf16.safetensors');
    expect(await open('a.safetensors', { weightsName: 'a.safetensors' })).toBe('a.safetensors');
    const map = json({ weight_map: { 'encoder.w': 'a.safetensors' } });
    expect(await open('vae/a.safetensors', { weightsName: 'vae/i.json' }, [['vae/i.json', map]])).toBe(
      'vae/a.safetensors',
    );
    expect(
      await open('a.safetensors', { variant: 'fp16' }, [['diffusion_pytorch_model.safetensors.index.fp16.json', map]]),
    ).toBe('a.safetensors');
  });

  test('lists the names it tried if there are no weights', async () => {
    const empty = memorySource([]);
    await expect(openCheckpoint(empty)).rejects.toMatchObject({
      name: 'SourceError',
      status: 404,
      message: expect.stringMatching(
        /No weights in the source: looked for .*model\.safetensors, .*index\.json, model\.safetensors\. .*subfolder: 'vae'/,
      ),
    });
    await expect(openCheckpoint(empty, { variant: 'fp16' })).rejects.toThrow('Leave variant "fp16" out');
  });

  test('passes every other failure on', async () => {
    const source = await e2e('original-in');
    const broken = {
      ...source,
      size: (path: string) =>
        path === single ? Promise.reject(new SourceError('busy', { status: 500 })) : source.size(path),
    };
    await expect(openCheckpoint(broken)).rejects.toThrow('busy');
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    await expect(openCheckpoint(source, { signal: controller.signal })).rejects.toThrow('enough');
  });

  const twoShards = (weightMap: unknown): Promise<unknown> =>
    openCheckpoint(
      memorySource([
        [index, json({ weight_map: weightMap })],
        ['1.safetensors', safetensorsFile({ a: tensor(), b: tensor() })],
        ['2.safetensors', safetensorsFile({ c: tensor() })],
      ]),
    );

  test.each<[string, unknown, string]>([
    ['no weight_map', undefined, 'has no weight_map object'],
    ['a list', ['1.safetensors'], 'has no weight_map object'],
    ['no shards', {}, 'names 0 shards'],
    ['a shard elsewhere', { a: '../1.safetensors' }, '"a" is in "../1.safetensors"'],
    [
      'a shard on another server',
      { a: 'https://evil.example/1.safetensors' },
      'are not .safetensors files in its own folder',
    ],
    ['a shard that is a number', { a: 1 }, '"a" is in 1'],
    [
      'a missing shard',
      { a: '1.safetensors', b: '1.safetensors', c: '3.safetensors' },
      '3.safetensors is missing, a shard that',
    ],
    [
      'a key in the wrong shard',
      { a: '1.safetensors', b: '2.safetensors', c: '2.safetensors' },
      'b should be in 2.safetensors, is in 1.safetensors',
    ],
    [
      'a key in no shard',
      { a: '1.safetensors', b: '1.safetensors', c: '2.safetensors', d: '2.safetensors' },
      'd should be in 2.safetensors, is in none',
    ],
    [
      'a key that it leaves out',
      { a: '1.safetensors', c: '2.safetensors' },
      'b is in 1.safetensors, but not in the index',
    ],
    [
      'too many shards',
      Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`k${i}`, `${i}.safetensors`])),
      'names 2000 shards',
    ],
  ])('refuses an index with %s', async (_, weightMap, message) => {
    await expect(twoShards(weightMap)).rejects.toThrow(message);
    await expect(twoShards(weightMap)).rejects.toBeInstanceOf(CheckpointError);
  });

  test('refuses a key in two shards', async () => {
    const source = memorySource([
      [index, json({ weight_map: { a: '1.safetensors', b: '2.safetensors' } })],
      ['1.safetensors', safetensorsFile({ a: tensor() })],
      ['2.safetensors', safetensorsFile({ a: tensor(), b: tensor() })],
    ]);
    await expect(openCheckpoint(source)).rejects.toThrow('a is in 1.safetensors and 2.safetensors');
  });

  test('refuses thousands of mutated indices in words', async () => {
    const bytes = new Uint8Array(await readBytes(`test/fixtures/e2e/sharded/${index}`));
    const source = await e2e('sharded');
    source.files.delete(single);
    const room = [...source.files.values()].reduce((sum, file) => sum + file.length, 0);
    const random = randomFrom(7);
    let refused = 0;
    for (let i = 0; i < 3000; i++) {
      const mutated = random(4) === 0 ? bytes.slice(0, random(bytes.length)) : bytes.slice();
      if (random(4) === 0) mutated.copyWithin(random(mutated.length), random(mutated.length), random(mutated.length));
      else for (let n = random(5); n >= 0; n--) mutated[random(mutated.length)] = 32 + random(95);
      source.files.set(index, mutated);
      source.reads.length = 0;
      await openCheckpoint(source, { weightsName: index }).catch((error: unknown) => {
        if (!(error instanceof CheckpointError)) throw error;
        if (error.message.length > 5000) throw new Error(`a message of ${error.message.length} characters`);
        refused++;
      });
      // What is read is what is allocated.
      const read = source.reads.reduce((sum, { start, end }) => sum + end - start, 0);
      if (read > room) throw new Error(`${read} bytes were read of files of ${room}`);
    }
    expect(refused).toBeGreaterThan(2000);
    expect(refused).toBeLessThan(3000); // a changed number in its metadata does no harm
  });
});
