// One set of weights, SANA's at a sixteenth of its width, wherever it comes from and however it is written: the same
// numbers to the last bit.
import { beforeAll, describe, expect, test } from 'vitest';
import { parseHeader } from '../../src/weights/format/safetensors.ts';
import { fromBfloat16, f16Value, toBfloat16, toHalf } from '../support/f16.ts';
import { hashFile, releasedTensors } from '../support/hash_file.ts';
import { loadingBench, type LoadingPage } from '../support/loading.ts';
import { safetensorsFile, type FileTensor } from '../support/memory_source.ts';
import { networkConfig, putNetwork } from '../support/networks_on_hub.ts';
import type { LoadRequest } from './page/page.ts';

const divisor = 16;
const network = 'dc-ae-f32c32-sana-1.1';
const diffusers = `someone/${network}-diffusers`;
const weightsName = 'diffusion_pytorch_model.safetensors';
const bench = loadingBench();
let page: LoadingPage;
let expected: readonly number[] | undefined;
let config: Record<string, unknown>;

beforeAll(async () => {
  await putNetwork(bench.hub, 'someone', network, divisor);
  config = await networkConfig(network, divisor);
  page = await bench.open();
  expected = await numbersOf({ source: diffusers });
});

async function numbersOf(request: LoadRequest): Promise<readonly number[] | undefined> {
  const options = { hubUrl: bench.hub.url, cache: false, ...request.options };
  const outcome = await page.load({ ...request, options });
  expect(outcome.error).toBeUndefined();
  expect(outcome.warnings).toEqual([]);
  return outcome.numbers;
}

describe('the same numbers come from', () => {
  const folder = () => `${bench.hub.url}/${diffusers}/resolve/main`;
  /** The same server under a name that is not known as a hub. */
  const elsewhere = (url: string) => url.replace('127.0.0.1', 'localhost');

  test.each<[string, () => LoadRequest]>([
    ["a folder's URL", () => ({ source: `${elsewhere(folder())}/` })],
    ["a repository's page", () => ({ source: `${bench.hub.url}/${diffusers}/tree/main` })],
    ['a file in a repository', () => ({ single: true, source: `someone/${network}/model.safetensors` })],
    [
      "a file's page",
      () => ({ single: true, source: `${bench.hub.url}/someone/${network}/blob/main/model.safetensors` }),
    ],
    [
      "a file's page on a mirror",
      () => ({ single: true, source: `${elsewhere(bench.hub.url)}/someone/${network}/blob/main/model.safetensors` }),
    ],
    [
      "a file's URL on a mirror",
      () => ({ single: true, source: `${elsewhere(bench.hub.url)}/someone/${network}/resolve/main/model.safetensors` }),
    ],
  ])('%s', async (_, request) => {
    const given = request();
    expect(await numbersOf(given.single === true ? { ...given, options: { config } } : given)).toEqual(expected);
  });

  test('a folder in a repository: the autoencoder of a pipeline, at a revision', async () => {
    bench.hub.put('someone/pipeline', 'vae/config.json', JSON.stringify(config));
    bench.hub.put('someone/pipeline', `vae/${weightsName}`, await weights());
    const options = { subfolder: 'vae', revision: 'refs/pr/1' };
    expect(await numbersOf({ source: 'someone/pipeline', options })).toEqual(expected);
  });

  test('files that were dropped, and an object of the page', async () => {
    const found = await page.page.evaluate(
      async ({ folder, weightsName }) => {
        const { dcae, numbersOf } = window.page;
        const names = ['config.json', weightsName];
        const answers = await Promise.all(names.map(async (name) => await fetch(`${folder}/${name}`)));
        const blobs = await Promise.all(answers.map(async (answer) => await answer.blob()));
        const device = await window.page.shared;
        const files = names.map((name, i) => new File([blobs[i]!], name));
        const blobOf = (path: string): Blob => {
          const blob = blobs[names.indexOf(path)];
          if (!blob) throw Object.assign(new Error(`no ${path}`), { status: 404 });
          return blob;
        };
        const object = {
          size: async (path: string) => blobOf(path).size,
          read: async (path: string, start: number, end: number) => blobOf(path).slice(start, end).stream(),
        };
        const config = JSON.parse(await blobs[0]!.text()) as object;
        return [
          await numbersOf(dcae.AutoencoderDC.fromPretrained(files, { device })),
          await numbersOf(dcae.AutoencoderDC.fromPretrained(object, { device })),
          await numbersOf(dcae.AutoencoderDC.fromSingleFile(files[1]!, { device, config })),
        ];
      },
      { folder: folder(), weightsName },
    );
    expect(found).toEqual([expected, expected, expected]);
  });

  test('shards with an index, in F64', async () => {
    const tensors = Object.entries(await recoded('F64'));
    const shards = [0, 1, 2].map((n) => ({
      name: `diffusion_pytorch_model-0000${n + 1}-of-00003.safetensors`,
      tensors: tensors.filter((_, i) => i % 3 === n),
    }));
    const repo = 'someone/sharded';
    bench.hub.put(repo, 'config.json', JSON.stringify(config));
    for (const { name, tensors } of shards) bench.hub.put(repo, name, safetensorsFile(Object.fromEntries(tensors)));
    const weight_map = Object.fromEntries(
      shards.flatMap(({ name, tensors }) => tensors.map(([key]) => [key, name] as const)),
    );
    bench.hub.put(repo, `${weightsName}.index.json`, JSON.stringify({ metadata: {}, weight_map }));
    expect(await numbersOf({ source: repo })).toEqual(expected);
  });
});

test.each([
  ['fp16', 'F16'],
  ['bf16', 'BF16'],
] as const)('variant "%s" gives what its numbers give in F32', async (variant, dtype) => {
  const repo = `someone/${variant}`;
  bench.hub.put(repo, 'config.json', JSON.stringify(config));
  bench.hub.put(repo, `diffusion_pytorch_model.${variant}.safetensors`, safetensorsFile(await recoded(dtype)));
  bench.hub.put(repo, weightsName, safetensorsFile(await recoded('F32', dtype)));
  const found = await numbersOf({ source: repo, options: { variant } });
  expect(found).toEqual(await numbersOf({ source: repo }));
  expect(found).not.toEqual(expected);
});

async function weights(): Promise<Uint8Array> {
  const file = hashFile(await releasedTensors('dc-ae-f32c32-sana-1.0', 'diffusers', divisor));
  return file.read(0, file.size);
}

/** The weights in another number format, after rounding to a third. */
async function recoded(to: 'F32' | 'F16' | 'BF16' | 'F64', through = to): Promise<Record<string, FileTensor>> {
  const bytes = await weights();
  const entries = parseHeader(bytes, bytes.length, weightsName).tensors.map(({ name, shape, start, end }) => {
    const values = new Float32Array(bytes.slice(start, end).buffer);
    const rounded = through === 'F16' ? Float32Array.from(toHalf(values), f16Value) : values;
    const exact = through === 'BF16' ? fromBfloat16(toBfloat16(values)) : rounded;
    const write = {
      F32: () => exact,
      F16: () => toHalf(exact),
      BF16: () => toBfloat16(exact),
      F64: () => Float64Array.from(exact),
    };
    return [name, { dtype: to, shape, data: new Uint8Array(write[to]().buffer) }] as const;
  });
  return Object.fromEntries(entries);
}
