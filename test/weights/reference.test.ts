// Names and addresses of checkpoints as people type them, and the URLs that are asked for them.
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { openCheckpoint } from '../../src/weights/read/checkpoint.ts';
import { readAll, readJson } from '../../src/weights/read/read.ts';
import { openFile, openFolder } from '../../src/weights/sources/open_source.ts';
import { parseReference } from '../../src/weights/sources/reference.ts';
import { safetensorsFile } from '../support/memory_source.ts';

const HUB = 'https://huggingface.co';

describe('a repository', () => {
  test.each<[string, string, string | undefined, string]>([
    ['owner/name', 'owner/name', undefined, ''],
    ['  owner/name\n', 'owner/name', undefined, ''],
    ['owner/name/vae', 'owner/name', undefined, 'vae'],
    ['owner/name/a/b', 'owner/name', undefined, 'a/b'],
    ['owner/name@v1.1', 'owner/name', 'v1.1', ''],
    ['owner/name@v1.1/vae', 'owner/name', 'v1.1', 'vae'],
    ['owner/name@refs/pr/3/vae', 'owner/name', 'refs/pr/3', 'vae'],
    ['owner/name@refs%2Fpr%2F3', 'owner/name', 'refs/pr/3', ''],
    ['hf://owner/name', 'owner/name', undefined, ''],
    ['hf://owner/name/', 'owner/name', undefined, ''],
    ['hf://owner/name@main/vae', 'owner/name', 'main', 'vae'],
    ['hf://models/owner/name', 'owner/name', undefined, ''],
    ['git@hf.co:owner/name', 'owner/name', undefined, ''],
    ['huggingface.co/owner/name', 'owner/name', undefined, ''],
    ['hf.co/owner/name/tree/main/vae', 'owner/name', 'main', 'vae'],
    ['owner/name/tree/v2/vae', 'owner/name', 'v2', 'vae'],
    ['owner/name/blob/main/vae/x.safetensors', 'owner/name', 'main', 'vae/x.safetensors'],
    [`${HUB}/owner/name`, 'owner/name', undefined, ''],
    [`${HUB}/owner/name/`, 'owner/name', undefined, ''],
    [` ${HUB}/owner/name?library=diffusers#readme`, 'owner/name', undefined, ''],
    [`${HUB}/owner/name.git`, 'owner/name', undefined, ''],
    [`${HUB}/owner/name/tree/main/vae`, 'owner/name', 'main', 'vae'],
    [`${HUB}/owner/name/resolve/main/x.safetensors?download=true`, 'owner/name', 'main', 'x.safetensors'],
    [`${HUB}/owner/name/tree/refs%2Fpr%2F1`, 'owner/name', 'refs/pr/1', ''],
    [`${HUB}/api/models/owner/name/tree/main`, 'owner/name', 'main', ''],
  ])('is recognised: %s', (text, repo, revision, path) => {
    expect(parseReference(text)).toEqual({ kind: 'repo', hubUrl: HUB, repo, revision, path });
  });

  test('on a mirror is read from the mirror', () => {
    expect(parseReference('https://hf-mirror.com/owner/name/tree/main')).toMatchObject({
      kind: 'repo',
      hubUrl: 'https://hf-mirror.com',
      repo: 'owner/name',
    });
  });

  test('gives the folder and revision in its name to the hub', () => {
    const { source, id } = openFolder('owner/name@v1.1/vae');
    expect([source.label, id]).toEqual([`${HUB}/owner/name/tree/v1.1/vae/`, 'owner/name/vae']);
    expect(openFolder('owner/name@v1', { revision: 'v2' }).source.label).toContain('/tree/v2/');
  });

  test.each(['hf_abc123', 'hf_oauth_eyJhbGci.eyJzdWIi-x.s_ig-nature', ' hf_abc\n', 'Bearer hf_abc'])(
    'takes the token %j',
    (accessToken) => {
      expect(() => openFolder('owner/name', { accessToken })).not.toThrow();
    },
  );

  test('takes no other token, and does not repeat it in the message', () => {
    for (const accessToken of ['sk-secret', 'hf_', 'hf_a b', 'hf_a\r\nx: y']) {
      expect(() => openFolder('owner/name', { accessToken })).toThrow(/begins with "hf_"/);
      expect(() => openFolder('owner/name', { accessToken })).not.toThrow(/secret/);
    }
  });
});

describe('an address that cannot be fetched', () => {
  test.each<[string, string]>([
    ['', 'is neither a repository, nor a URL, nor a path'],
    ['name', 'is neither a repository, nor a URL, nor a path'],
    ['s3://bucket/model/', 'Give its https address'],
    ['gs://bucket/model/', 'Give its https address'],
    ['localhost:5173/model/x', 'Write "http://" or "https://" before it'],
    ['https://user:word@example.com/model/', 'a user name or a password'],
    ['datasets/owner/name', "is not a model's repository"],
    ['hf://spaces/owner/name', "is not a model's repository"],
  ])('is refused with a remedy: %j', (text, message) => {
    expect(() => parseReference(text)).toThrow(InputError);
    expect(() => parseReference(text)).toThrow(message);
  });
});

describe('the URL that was given is the URL that is asked', () => {
  const bytes = safetensorsFile({ 'encoder.w': { dtype: 'F32', shape: [1], data: new Uint8Array(4) } });
  const recorder = () => {
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = async (input) => {
      asked.push(String(input));
      return new Response(bytes.slice(), { headers: { 'content-length': String(bytes.length) } });
    };
    return { asked, fetch };
  };

  test.each([
    'https://example.com/o/nano%2Fmodel.safetensors?alt=media&token=t',
    'https://example.com/100%.safetensors',
    'https://example.com/a%20b/ü%25.safetensors',
    'https://example.com/download?id=5',
    'https://example.com/files/7f3a',
    'https://example.com/x.safetensors?sig=a%2Fb%3D&sp=r',
    'https://example.com/a+b/c,d;e=f/model.safetensors',
  ])('as a file: %s', async (url) => {
    const { asked, fetch } = recorder();
    const { source, file } = openFile(url, { fetch });
    const { tensors } = await openCheckpoint(source, { weightsName: file });
    expect([...tensors.keys()]).toEqual(['encoder.w']);
    expect(new Set(asked)).toEqual(new Set([new URL(url).href]));
  });

  test.each<[string, string]>([
    ['https://example.com/m', 'https://example.com/m/config.json'],
    ['https://example.com/m/?sig=1', 'https://example.com/m/config.json?sig=1'],
    ['https://example.com/o/nano%2F?alt=media', 'https://example.com/o/nano%2Fconfig.json?alt=media'],
    ['https://example.com/o/a%2Fnano?alt=media', 'https://example.com/o/a%2Fnano%2Fconfig.json?alt=media'],
    ['https://example.com/100%/', 'https://example.com/100%/config.json'],
    ['https://example.com/a/b/blob/c/', 'https://example.com/a/b/blob/c/config.json'],
  ])('as a folder: %s', async (url, expected) => {
    const { asked, fetch } = recorder();
    await openFolder(url, { fetch }).source.size('config.json');
    expect(asked[0]).toBe(expected);
  });

  test('for the shards beside an index, with the same query', async () => {
    const index = JSON.stringify({ weight_map: { 'encoder.w': './a.safetensors' } });
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = async (input) => {
      asked.push(String(input));
      return new Response(String(input).includes('index') ? index : bytes.slice());
    };
    const { source, file } = openFile('https://example.com/o/m%2Fx.safetensors.index.json?t=1', { fetch });
    await openCheckpoint(source, { weightsName: file });
    expect(asked.at(-1)).toBe('https://example.com/o/m%2Fa.safetensors?t=1');
  });

  test('for a blob: URL and a data: URL', async () => {
    const blobUrl = URL.createObjectURL(new Blob([bytes.slice()]));
    const dataUrl = `data:application/octet-stream;base64,${Buffer.from(bytes).toString('base64')}`;
    for (const url of [blobUrl, dataUrl]) {
      const { source, file } = openFile(url);
      expect((await openCheckpoint(source, { weightsName: file })).tensors.size).toBe(1);
      expect(() => openFolder(url)).toThrow('Load it with AutoencoderDC.fromSingleFile()');
    }
    URL.revokeObjectURL(blobUrl);
  });

  test('and only then the file of a page on an unknown mirror', async () => {
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = async (input) => {
      asked.push(String(input));
      if (String(input).includes('/blob/'))
        return new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } });
      return new Response(bytes.slice());
    };
    const { source, file } = openFile('https://mirror.example/a/b/blob/main/x.safetensors', { fetch });
    expect((await openCheckpoint(source, { weightsName: file })).tensors.size).toBe(1);
    expect(asked.slice(0, 2)).toEqual([
      'https://mirror.example/a/b/blob/main/x.safetensors',
      'https://mirror.example/a/b/resolve/main/x.safetensors',
    ]);
  });
});

describe('a folder on the disk', () => {
  let folder = '';
  const weights = safetensorsFile({ 'encoder.w': { dtype: 'F32', shape: [4], data: new Uint8Array(16).fill(7) } });
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dc-ae 100% ü-'));
    await mkdir(join(folder, 'vae'));
    await writeFile(join(folder, 'vae', 'config.json'), '{"latent_channels": 4}');
    await writeFile(join(folder, 'vae', 'diffusion_pytorch_model.safetensors'), weights);
    await mkdir(join(folder, 'transformer'));
    await writeFile(join(folder, 'transformer', 'diffusion_pytorch_model-00001-of-00002.safetensors'), weights);
    await writeFile(join(folder, 'model_index.json'), '{}');
  });
  afterAll(() => rm(folder, { recursive: true }));
  afterEach(() => vi.unstubAllGlobals());

  test('loads by its path, by its file: URL, and by a subfolder', async () => {
    for (const [input, options] of [
      [join(folder, 'vae'), {}],
      [`${join(folder, 'vae')}/`, {}],
      [pathToFileURL(join(folder, 'vae')).href, {}],
      [pathToFileURL(`${folder}/`), { subfolder: 'vae' }],
      [folder, { subfolder: 'vae' }],
    ] as const) {
      const { source } = openFolder(input, options);
      expect(await readJson(source, 'config.json')).toEqual({ latent_channels: 4 });
      const { tensors, files } = await openCheckpoint(source);
      const { path, size } = files[0]!;
      expect([tensors.size, size]).toEqual([1, weights.length]);
      expect(Buffer.compare(await readAll(source, path, 3, size), weights.subarray(3))).toBe(0);
    }
  });

  test('loads by a relative path', async () => {
    vi.spyOn(process, 'cwd').mockReturnValue(folder);
    for (const path of ['./vae', './vae/', 'vae/', './transformer/../vae']) {
      expect(await openFolder(path).source.size('config.json')).toBe(22);
    }
    vi.restoreAllMocks();
  });

  test('may be a file', async () => {
    const path = join(folder, 'vae', 'diffusion_pytorch_model.safetensors');
    for (const input of [path, pathToFileURL(path).href]) {
      const { source, file } = openFile(input);
      expect((await openCheckpoint(source, { weightsName: file })).tensors.size).toBe(1);
    }
  });

  test('names its subfolders with weights if it has none itself', async () => {
    await expect(openCheckpoint(openFolder(folder).source)).rejects.toThrow(
      /Pass `subfolder: 'vae'`. Weights are in (transformer, vae|vae, transformer)\./,
    );
    await expect(openCheckpoint(openFolder(join(folder, 'none')).source)).rejects.toMatchObject({ status: 404 });
  });

  test.each(['C:\\models\\x', 'C:/models/x', '\\\\server\\models', 'models\\x', '~/models/x', 'file:///models/x/'])(
    'is named as such in a page, with what a page can do: %s',
    (path) => {
      vi.stubGlobal('location', new URL('https://app.example/'));
      vi.stubGlobal('process', undefined);
      expect(() => openFolder(path)).toThrow(InputError);
      expect(() => openFolder(path)).toThrow('pass its File objects to AutoencoderDC.fromPretrained()');
    },
  );

  test('is a URL in a page if its path begins with a dot or a slash', () => {
    vi.stubGlobal('location', new URL('https://app.example/demo/'));
    expect(openFolder('./my-model').source.label).toBe('https://app.example/demo/my-model/');
    expect(openFolder('/models/x').source.label).toBe('https://app.example/models/x/');
    expect(openFolder('my-model/').source.label).toBe('https://app.example/demo/my-model/');
  });
});
