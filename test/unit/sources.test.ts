import { describe, expect, test } from 'vitest';
import { CheckpointError, InputError, SourceError } from '../../src/errors.ts';
import { fileSource } from '../../src/weights/file_source.ts';
import { readAll, readJson } from '../../src/weights/read.ts';
import { toSource } from '../../src/weights/source.ts';
import { memorySource } from '../support/memory-source.ts';

describe('fileSource', () => {
  const file = (path: string, text: string) =>
    Object.defineProperty(new File([text], path.slice(path.lastIndexOf('/') + 1)), 'webkitRelativePath', {
      value: path.includes('/') ? path : '',
    });

  test('finds files by name, with or without folders', async () => {
    const flat = fileSource([file('config.json', '{"a":1}'), file('x.safetensors', '0123456789')]);
    expect(await readJson(flat, 'config.json')).toEqual({ a: 1 });
    expect(new TextDecoder().decode(await readAll(flat, 'x.safetensors', 2, 5))).toBe('234');
    const dropped = fileSource([file('my-vae/config.json', '{"a":2}'), file('my-vae/deep/config.json.bak', '')]);
    expect(await readJson(dropped, 'config.json')).toEqual({ a: 2 });
  });

  test('wants to know which file is meant where two have the name', async () => {
    const pipeline = fileSource([
      file('sana/vae/config.json', '{"a":3}'),
      file('sana/transformer/config.json', '{"a":4}'),
    ]);
    await expect(pipeline.size('config.json')).rejects.toThrow(
      'could be any of sana/vae/config.json, sana/transformer/config.json',
    );
    expect(await readJson(pipeline, 'vae/config.json')).toEqual({ a: 3 });
  });

  test('says which files there are where one is missing', async () => {
    const source = fileSource([file('readme.md', '')]);
    await expect(source.size('config.json')).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('(readme.md)'),
    });
    await expect(source.read('config.json', 0, 1)).rejects.toBeInstanceOf(SourceError);
  });
});

describe('toSource', () => {
  test('takes a URL, files, or an object that reads', async () => {
    const own = memorySource([]);
    expect(toSource(own)).toBe(own);
    expect(toSource('https://example.com/model').label).toBe('https://example.com/model/');
    expect(toSource(new URL('https://example.com/a/b?x=1')).label).toBe('https://example.com/a/b/?x=1');
    expect(await toSource([new File(['abc'], 'a')]).size('a')).toBe(3);
    expect(await toSource(new Set([new File(['abc'], 'a')])).size('a')).toBe(3);
    expect(await toSource(new File(['abcd'], 'a')).size('a')).toBe(4);
  });

  test.each<[string, unknown, string]>([
    ['a number', 3, 'source was number; allowed: the URL'],
    ['null', null, 'source was null'],
    ['nothing', undefined, 'source was undefined'],
    ['half a source', { read: () => {} }, 'source was object'],
    ['no files', [], 'source was an empty list'],
    ['paths', ['config.json'], 'holds something else than File objects'],
    [
      'a repository',
      'mit-han-lab/dc-ae-f32c32-sana-1.1-diffusers',
      'https://huggingface.co/mit-han-lab/dc-ae-f32c32-sana-1.1-diffusers/resolve/main/',
    ],
    ['no address', 'config', "isn't a URL"],
  ])('refuses %s in words', (_, input, message) => {
    expect(() => toSource(input as string)).toThrow(InputError);
    expect(() => toSource(input as string)).toThrow(message);
  });
});

describe('readJson', () => {
  test.each<[string, string, string]>([
    ['a web page', ' <!doctype html>', 'x.json is a web page (HTML), not JSON'],
    ['nothing', '  ', 'x.json is empty'],
    ['half a file', '{"a": [1, 2', 'x.json is cut short'],
    ['a pointer', 'version https://git-lfs.github.com/spec/v1\noid', 'x.json is a Git LFS pointer'],
    ['something else', 'PK..', 'x.json is not JSON; it begins with "PK.."'],
  ])('says what came instead: %s', async (_, text, message) => {
    const source = memorySource([['x.json', new TextEncoder().encode(text)]]);
    await expect(readJson(source, 'x.json')).rejects.toThrow(message);
    await expect(readJson(source, 'x.json')).rejects.toBeInstanceOf(CheckpointError);
  });

  test('reads no file that cannot be one, and trusts no size that is none', async () => {
    const source = { ...memorySource([]), size: async () => 10 ** 10 };
    await expect(readJson(source, 'x.json')).rejects.toThrow('too long for a JSON file');
    for (const size of [-1, 0.5, NaN, '3']) {
      const lying = { ...source, size: async () => size as number };
      await expect(readJson(lying, 'x.json')).rejects.toThrow(`the source gave ${size} as its size`);
    }
    await expect(readJson(memorySource([]), 'x.json')).rejects.toMatchObject({ status: 404, name: 'SourceError' });
  });
});
