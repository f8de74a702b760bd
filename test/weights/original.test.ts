// The original single-file format: its keys become those of diffusers, and its tensors tell the config.
import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { findCheckpoint } from '../../src/config/checkpoints.ts';
import { parseConfig } from '../../src/config/config.ts';
import { CheckpointError } from '../../src/errors.ts';
import { openCheckpoint } from '../../src/weights/read/checkpoint.ts';
import { inferConfig, resolveConfig } from '../../src/weights/format/infer.ts';
import { fromOriginal, isOriginal } from '../../src/weights/format/original.ts';
import type { TensorInfo } from '../../src/weights/format/tensor_info.ts';
import { readBytes, readJson } from '../support/fixtures.ts';
import { folderSource } from '../support/memory_source.ts';

describe('the original format', () => {
  test.each(['f32c32-sana-1.0', 'lite-f32c32-sana-1.1', 'f32c32-mix-1.0', 'f64c128-mix-1.0', 'f128c512-mix-1.0'])(
    'becomes the diffusers format, key for key and shape for shape: %s',
    async (name) => {
      const original = await keyTable(`dc-ae-${name}.original`);
      const diffusers = await keyTable(`dc-ae-${name}`);
      expect(isOriginal(original.map((info) => info.name))).toBe(true);
      expect(isOriginal(diffusers.map((info) => info.name))).toBe(false);

      const converted = [...fromOriginal(original)].map(([key, info]) =>
        [key, info.dtype, info.shape.join()].join(' '),
      );
      const expected = diffusers.map((info) => [info.name, info.dtype, info.shape.join()].join(' '));
      expect(converted.sort()).toEqual(expected.sort());
      // Every byte of the original has one tensor that it belongs to.
      const ranges = [...fromOriginal(original).values()].sort((a, b) => a.start - b.start);
      ranges.forEach((range, i) => {
        expect(range.start).toBe(i === 0 ? 0 : ranges[i - 1]!.end);
      });
    },
  );

  test('splits a fused qkv into three neighbours and has any number of branches', () => {
    const block = 'encoder.stages.2.op_list.1.context_module.main';
    const converted = fromOriginal([
      info(`${block}.qkv.conv.weight`, [6, 4, 1, 1], 100),
      info(`${block}.aggreg.0.0.weight`, [6, 1, 5, 5], 300),
      info(`${block}.aggreg.1.0.weight`, [6, 1, 3, 3], 1000),
      info(`${block}.aggreg.1.1.weight`, [6, 2, 1, 1], 2000),
      info(`${block}.proj.conv.weight`, [1, 6, 1, 1], 3000),
    ]);
    const attn = 'encoder.down_blocks.2.1.attn';
    expect([...converted.keys()]).toEqual([
      `${attn}.to_q.weight`,
      `${attn}.to_k.weight`,
      `${attn}.to_v.weight`,
      `${attn}.to_qkv_multiscale.0.proj_in.weight`,
      `${attn}.to_qkv_multiscale.1.proj_in.weight`,
      `${attn}.to_qkv_multiscale.1.proj_out.weight`,
      `${attn}.to_out.weight`,
    ]);
    expect(converted.get(`${attn}.to_k.weight`)).toMatchObject({ shape: [2, 4], start: 132, end: 164 });
    expect(converted.get(`${attn}.to_out.weight`)?.shape).toEqual([1, 6]); // squeeze() would have made it [6]
  });

  test('may hold one network only', () => {
    const keys = (...names: string[]) => [...fromOriginal(names.map((name) => info(name, [4]))).keys()];
    expect(keys('decoder.project_out.op_list.2.conv.conv.bias')).toEqual(['decoder.conv_out.conv.bias']);
    expect(keys('decoder.project_out.op_list.2.conv.bias')).toEqual(['decoder.conv_out.bias']);
    expect(keys('encoder.project_in.conv.bias')).toEqual(['encoder.conv_in.bias']);
    expect(keys('encoder.project_in.conv.conv.bias')).toEqual(['encoder.conv_in.conv.bias']);
  });

  test('is refused if its tensors cannot be translated', () => {
    expect(() =>
      fromOriginal([info('encoder.stages.0.op_list.0.context_module.main.qkv.conv.weight', [7, 4, 1, 1])]),
    ).toThrow('has the shape [7, 4, 1, 1], which is not three matrices');
    expect(() => fromOriginal([info('encoder.stages.0.main.x', [1]), info('encoder.stages.0.x', [1])])).toThrow(
      'several tensors become encoder.down_blocks.0.x',
    );
  });
});

describe('a config that is told by the tensors', () => {
  const tensorsOf = async (name: string) =>
    new Map((await keyTable(`dc-ae-${name}`)).map((tensor) => [tensor.name, tensor]));

  test.each([
    ['f32c32-sana-1.0', 0.41407, false],
    ['lite-f32c32-sana-1.1', 0.41407, false],
    ['f32c32-mix-1.0', 0.4552, true],
    ['f64c128-mix-1.0', 0.4538, true],
    ['f128c512-mix-1.0', 0.362, true],
  ] as const)('is the released one: %s', async (name, scalingFactor, inDoubt) => {
    const expected = parseConfig(await readJson(`test/fixtures/configs/dc-ae-${name}.json`));
    const tensors = await tensorsOf(name);
    const both = inferConfig(tensors);
    expect(both.config).toEqual(expected);
    expect(both.config.scalingFactor).toBe(scalingFactor);
    expect(both.warning === undefined).toBe(!inDoubt);
    if (inDoubt)
      expect(both.warning).toContain(`pass \`config: "mit-han-lab/dc-ae-${name.replace('mix', 'in')}-diffusers"\``);

    const decoder = new Map([...tensors].filter(([key]) => key.startsWith('decoder.')));
    expect(inferConfig(decoder).config.decoder).toEqual(expected.decoder);
  });

  test('is refused where the network is none of the released ones', async () => {
    const { tensors } = await openCheckpoint(await folderSource('test/fixtures/e2e/sana-like'));
    expect(() => inferConfig(tensors)).toThrow('belong to none of the released DC-AE networks');
    expect(() => inferConfig(new Map())).toThrow(CheckpointError);
  });

  test('gives way to config.json, and to the name in an original config.json', async () => {
    const tensors = await tensorsOf('f32c32-mix-1.0');
    const byName = resolveConfig({ model_name: 'dc-ae-f32c32-in-1.0' }, tensors);
    expect(byName).toEqual({ config: findCheckpoint('dc-ae-f32c32-in-1.0')?.config, warning: undefined });
    expect(resolveConfig({ latent_channels: 16 }, tensors).config.latentChannels).toBe(16);
    expect(resolveConfig(undefined, tensors).config.scalingFactor).toBe(0.4552);
    expect(resolveConfig({ model_name: 'dc-ae-f64c128-in-1.0' }, tensors).config.latentChannels).toBe(32);
  });
});

function info(name: string, shape: readonly number[], start = 0): TensorInfo {
  const bytes = 4 * shape.reduce((product, n) => product * n, 1);
  return { name, dtype: 'F32', shape, file: 'model.safetensors', start, end: start + bytes };
}

/** The tensors of a table of keys, as though they lay one after the other in a file. */
async function keyTable(name: string): Promise<TensorInfo[]> {
  const text = new TextDecoder().decode(await readBytes(`test/fixtures/keys/${name}.tsv`));
  let start = 0;
  return text
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [key = '', dtype = '', shape = '[]'] = line.split('\t');
      const one = info(key, JSON.parse(shape) as number[], start);
      start = one.end + (dtype === 'I64' ? 4 : 0);
      return { ...one, dtype, end: start };
    });
}

test('every table of keys is used', async () => {
  expect((await readdir(new URL('../fixtures/keys/', import.meta.url))).length).toBe(10);
});
