import { describe, expect, test } from 'vitest';
import { AutoencoderDC, InputError, type TilingOptions } from '../../src/index.ts';
import { fileGpu } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { firstDifference, readFixture } from '../support/fixtures.ts';
import { expectHalves } from '../support/halves.ts';
import { folderSource } from '../support/sources.ts';

// diffusers' own tiling and slicing, against diffusers in double precision.
const shared = fileGpu();
const note = worstErrors('tiling');

function tilingOf(options: Readonly<Record<string, number>>): TilingOptions {
  return {
    tileSampleMinHeight: options['tile_sample_min_height'],
    tileSampleMinWidth: options['tile_sample_min_width'],
    tileSampleStrideHeight: options['tile_sample_stride_height'],
    tileSampleStrideWidth: options['tile_sample_stride_width'],
  };
}

describe.each(['f32', 'f16'] as const)('%s', (dtype) => {
  test.for(['tiled', 'tiled-pad', 'slicing-batch3'])('%s', async (name) => {
    await expectHalves(name, {
      dtype,
      device: shared.watched.device,
      prepare: (ae, { tiling }) => (tiling ? ae.enableTiling(tilingOf(tiling)) : ae.enableSlicing()),
      note: (half, network, error) => note(`${dtype} ${half}`, network, error),
    });
  });
});

test('options are checked, an abort leaves no buffers, and disableTiling goes back', async () => {
  const folder = 'test/fixtures/e2e/tiled';
  const io = await readFixture(`${folder}/io.safetensors`);
  const { watched } = shared;
  using ae = await AutoencoderDC.fromPretrained(folderSource(folder), { device: watched.device });
  expect(() => ae.enableTiling({ tileSampleMinWidth: 2.5 })).toThrow(InputError);
  expect(() => ae.enableTiling({ tileSampleMinWidth: 2.5 })).toThrow(/tileSampleMinWidth must be/);
  expect(() => ae.enableTiling({ tileSampleMinHeight: 24 })).toThrow(/tileSampleStrideHeight \(448\) must not exceed/);
  using whole = (await ae.encode(io.get('input'))).latent;
  const expected = await whole.toArray();
  ae.enableTiling({
    tileSampleMinHeight: 24,
    tileSampleMinWidth: 24,
    tileSampleStrideHeight: 16,
    tileSampleStrideWidth: 16,
  });
  const stop = new AbortController();
  const onProgress = ({ done }: { readonly done: number }): void => {
    if (done === 6) stop.abort();
  };
  await expect(ae.encode(io.get('input'), { signal: stop.signal, onProgress })).rejects.toThrow(/abort/i);
  expect(watched.live().filter((label) => /tile/.test(String(label)))).toEqual([]);
  ae.disableTiling();
  using again = (await ae.encode(io.get('input'))).latent;
  expect(firstDifference(await again.toArray(), expected)).toBeUndefined();
});
