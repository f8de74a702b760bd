import { describe, expect, test } from 'vitest';
import { AutoencoderDC, type TilingOptions } from '../../src/index.ts';
import { fileGpu } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { firstDifference, readFixture, readJson, relativeMaxError } from '../support/fixtures.ts';
import { folderSource } from '../support/sources.ts';

// diffusers' own tiling and slicing, against diffusers in double precision.
interface Fixture {
  readonly options: { readonly tiling?: Readonly<Record<string, number>> };
  readonly tolerance: { readonly f32_rel_max: number; readonly f16_rel_max: number };
}

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
    const folder = `test/fixtures/e2e/${name}`;
    const io = await readFixture(`${folder}/io.safetensors`);
    const { options, tolerance } = await readJson<Fixture>(`${folder}/fixture.json`);
    const allowed = dtype === 'f32' ? tolerance.f32_rel_max : tolerance.f16_rel_max;
    const { device } = shared.watched;
    using ae = await AutoencoderDC.fromPretrained(folderSource(folder), { dtype, device });
    if (options.tiling) ae.enableTiling(tilingOf(options.tiling));
    else ae.enableSlicing();
    using latent = (await ae.encode(io.get('input'))).latent;
    using sample = (await ae.decode(io.get('latent'))).sample;
    expect(latent.shape).toEqual(io.get('latent').shape);
    expect(sample.shape).toEqual(io.get('reconstruction').shape);
    const encoded = relativeMaxError(await latent.toArray(), io.get('latent').data);
    const decoded = relativeMaxError(await sample.toArray(), io.get('reconstruction').data);
    note(`${dtype} latent`, name, encoded);
    note(`${dtype} reconstruction`, name, decoded);
    expect(encoded).toBeLessThanOrEqual(allowed);
    expect(decoded).toBeLessThanOrEqual(allowed);
  });
});

test('options are checked, an abort leaves no buffers, and disableTiling goes back', async () => {
  const folder = 'test/fixtures/e2e/tiled';
  const io = await readFixture(`${folder}/io.safetensors`);
  const { watched } = shared;
  using ae = await AutoencoderDC.fromPretrained(folderSource(folder), { device: watched.device });
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
