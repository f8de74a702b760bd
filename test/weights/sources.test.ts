// Names, URLs, files and objects become sources.
import { describe, expect, test } from 'vitest';
import { CheckpointError, InputError, SourceError } from '../../src/errors.ts';
import { fileSource } from '../../src/weights/sources/file_source.ts';
import { readAll, readJson } from '../../src/weights/read/read.ts';
import { openFile, openFolder } from '../../src/weights/sources/open_source.ts';
import { memorySource } from '../support/memory_source.ts';

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

  test('names the folders and the option if several files have the name', async () => {
    const pipeline = fileSource([
      file('sana/vae/config.json', '{"a":3}'),
      file('sana/transformer/config.json', '{"a":4}'),
    ]);
    await expect(pipeline.size('config.json')).rejects.toThrow(
      "called config.json: sana/vae/config.json, sana/transformer/config.json. Pass `subfolder: 'vae'` to choose a folder",
    );
    expect(await readJson(pipeline, 'vae/config.json')).toEqual({ a: 3 });
  });

  test('lists the given files if one is missing', async () => {
    const source = fileSource([file('readme.md', '')]);
    await expect(source.size('config.json')).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('(readme.md)'),
    });
    await expect(source.read('config.json', 0, 1)).rejects.toBeInstanceOf(SourceError);
  });
});

describe('openFolder', () => {
  const label = (...args: Parameters<typeof openFolder>) => openFolder(...args).source.label;

  test('takes a repository, a URL, files, or an object that reads', async () => {
    const own = memorySource([]);
    expect(openFolder(own).source).toBe(own);
    expect(label('https://example.com/model')).toBe('https://example.com/model/');
    expect(label(new URL('https://example.com/a/b?x=1'))).toBe('https://example.com/a/b/?x=1');
    const size = (input: Parameters<typeof openFolder>[0]) => openFolder(input).source.size('a');
    expect(await size([new File(['abc'], 'a')])).toBe(3);
    expect(await size(new Set([new File(['abc'], 'a')]))).toBe(3);
    expect(await size(new File(['abcd'], 'a'))).toBe(4);
  });

  test.each<[string, string, Parameters<typeof openFolder>[1]?]>([
    ['mit-han-lab/dc-ae', 'https://huggingface.co/mit-han-lab/dc-ae/tree/main/'],
    [
      'mit-han-lab/dc-ae',
      'http://localhost:1/mit-han-lab/dc-ae/tree/v1/vae/',
      { hubUrl: 'http://localhost:1/', revision: 'v1', subfolder: '/vae' },
    ],
    ['https://huggingface.co/a/b', 'https://huggingface.co/a/b/tree/main/'],
    ['https://huggingface.co/a/b/tree/v1.0', 'https://huggingface.co/a/b/tree/v1.0/'],
    ['https://hf.co/a/b/resolve/refs%2Fpr%2F3/vae/', 'https://huggingface.co/a/b/tree/refs/pr/3/vae/'],
    [
      'http://localhost:1/hub/a/b/tree/main/x',
      'http://localhost:1/hub/a/b/tree/main/x/',
      { hubUrl: 'http://localhost:1/hub' },
    ],
    ['https://example.com/a/b/resolve/main/', 'https://example.com/a/b/resolve/main/'],
    ['https://example.com/a/', 'https://example.com/a/vae/', { subfolder: 'vae' }],
  ])('reads %s as %s', (input, expected, options) => {
    expect(label(input, options)).toBe(expected);
  });

  test('opens a subfolder of a source', async () => {
    const { source } = openFolder(memorySource([['vae/config.json', new Uint8Array(3)]]), { subfolder: 'vae' });
    expect(await source.size('config.json')).toBe(3);
  });

  test.each<[string, unknown, string, Parameters<typeof openFolder>[1]?]>([
    ['a number', 3, 'source was number; allowed are a repository'],
    ['null', null, 'source was null'],
    ['nothing', undefined, 'source was undefined'],
    ['a source without size()', { read: () => {} }, 'source was object'],
    ['an empty list', [], 'source was an empty list'],
    ['paths', ['config.json'], 'a list with something other than File objects'],
    ['a bare name', 'config', 'is neither a repository, nor a URL, nor a path'],
    ['a file', 'a/b/model.safetensors', 'load it with AutoencoderDC.fromSingleFile()'],
    ['a revision of a URL', 'https://example.com/a/', 'options.revision "v1" is for repositories', { revision: 'v1' }],
    ['a subfolder with ..', 'a/b', 'leads out of the source', { subfolder: '../c' }],
    ['an invalid hub', 'a/b', 'options.hubUrl "nowhere"', { hubUrl: 'nowhere' }],
    ['an invalid token', 'a/b', 'options.accessToken must be a token of the hub', { accessToken: 'secret' }],
  ])('refuses %s', (_, input, message, options) => {
    expect(() => openFolder(input as string, options)).toThrow(InputError);
    expect(() => openFolder(input as string, options)).toThrow(message);
  });
});

describe('openFile', () => {
  test.each<[string, string, string]>([
    ['a/b/model.safetensors', 'https://huggingface.co/a/b/tree/main/', 'model.safetensors'],
    ['a/b', 'https://huggingface.co/a/b/tree/main/', 'model.safetensors'],
    ['a/b/deep/x.safetensors', 'https://huggingface.co/a/b/tree/main/deep/', 'x.safetensors'],
    [
      'https://huggingface.co/a/b/blob/v2/deep/x.safetensors',
      'https://huggingface.co/a/b/tree/v2/deep/',
      'x.safetensors',
    ],
    [
      'https://huggingface.co/a/b/resolve/main/x.safetensors?download=true',
      'https://huggingface.co/a/b/tree/main/',
      'x.safetensors',
    ],
    ['https://example.com/x%20y.safetensors?sig=1', 'https://example.com/x%20y.safetensors?sig=1', 'x y.safetensors'],
  ])('opens %s', (input, label, file) => {
    const opened = openFile(input);
    expect([opened.source.label, opened.file]).toEqual([label, file]);
  });

  test('takes a File, and bytes without a name', async () => {
    const named = openFile(new File(['abc'], 'my.safetensors'));
    expect(named.file).toBe('my.safetensors');
    expect(await named.source.size('my.safetensors')).toBe(3);
    expect(await openFile(new Blob(['ab'])).source.size('model.safetensors')).toBe(2);
  });

  test.each<[unknown, string]>([
    ['https://example.com/model/', 'is the address of a folder'],
    ['a/b/model.ckpt', 'is not the address of a .safetensors file'],
    [7, 'The file was number'],
  ])('refuses %s', (input, message) => {
    expect(() => openFile(input as string)).toThrow(InputError);
    expect(() => openFile(input as string)).toThrow(message);
  });
});

describe('readJson', () => {
  test.each<[string, string, string]>([
    ['a web page', ' <!doctype html>', 'x.json is a web page (HTML), not JSON'],
    ['nothing', '  ', 'x.json is empty'],
    ['a file that is cut short', '{"a": [1, 2', 'x.json is cut short'],
    ['a pointer', 'version https://git-lfs.github.com/spec/v1\noid', 'x.json is a Git LFS pointer'],
    ['something else', 'PK..', 'x.json is not JSON; it begins with "PK.."'],
  ])('names what it got instead: %s', async (_, text, message) => {
    const source = memorySource([['x.json', new TextEncoder().encode(text)]]);
    await expect(readJson(source, 'x.json')).rejects.toThrow(message);
    await expect(readJson(source, 'x.json')).rejects.toBeInstanceOf(CheckpointError);
  });

  test('refuses huge files and invalid sizes', async () => {
    const source = { ...memorySource([]), size: async () => 10 ** 10 };
    await expect(readJson(source, 'x.json')).rejects.toThrow('too many for a JSON file');
    for (const size of [-1, 0.5, NaN, '3']) {
      const lying = { ...source, size: async () => size as number };
      await expect(readJson(lying, 'x.json')).rejects.toThrow(`the source gave ${size} as its size`);
    }
    await expect(readJson(memorySource([]), 'x.json')).rejects.toMatchObject({ status: 404, name: 'SourceError' });
  });
});
