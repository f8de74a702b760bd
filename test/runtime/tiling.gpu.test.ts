// diffusers' tiling and slicing, compared with diffusers in double precision.
import { describe, expect, test } from 'vitest';
import { AutoencoderDC, InputError, type ImageInput, type LatentInput, type TilingOptions } from '../../src/index.ts';
import { fileGpu } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { firstDifference, readFixture, relativeMaxError } from '../support/fixtures.ts';
import { expectNetworks } from '../support/expect_networks.ts';
import { hashTensor } from '../support/hash_weights.ts';
import { folderSource } from '../support/sources.ts';

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
    await expectNetworks(name, {
      dtype,
      device: shared.watched.device,
      prepare: (ae, { tiling }) => (tiling ? ae.enableTiling(tilingOf(tiling)) : ae.enableSlicing()),
      note: (output, network, error) => note(`${dtype} ${output}`, network, error),
    });
  });
});

test('options are checked, an abort leaves no buffers, and disableTiling restores one piece', async () => {
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

test('tiles of a batch, of one picture and with a small budget are the same', async () => {
  const folder = 'test/fixtures/e2e/tiled';
  using ae = await AutoencoderDC.fromPretrained(folderSource(folder), { device: shared.watched.device });
  ae.enableTiling({
    tileSampleMinHeight: 64,
    tileSampleMinWidth: 64,
    tileSampleStrideHeight: 48,
    tileSampleStrideWidth: 48,
  });
  const [height, width] = [104, 88];
  const tensor = (n: number): { data: Float32Array; shape: number[] } => {
    const shape = [n, 3, height, width];
    return { data: hashTensor('input', shape), shape };
  };
  const encode = async (image: ImageInput, memoryBudget?: number): Promise<Float32Array> => {
    using latent = (await ae.encode(image, { memoryBudget })).latent;
    return await latent.toArray();
  };
  const decode = async (latent: LatentInput, memoryBudget?: number): Promise<Float32Array> => {
    using sample = (await ae.decode(latent, { memoryBudget })).sample;
    return await sample.toArray();
  };
  const both = await encode(tensor(2));
  const one = await encode(tensor(1));
  expect(firstDifference(both.subarray(0, one.length), one)).toBeUndefined();

  // Regions within tiles.
  const tile = { which: 'encoder', height: 64, width: 64 } as const;
  let memoryBudget = (await ae.plan(tile)).peakBytes;
  while ((await ae.plan({ ...tile, memoryBudget })).regions === 1) memoryBudget *= 0.9;
  expect(firstDifference(await encode(tensor(2), memoryBudget), both)).toBeUndefined();
  const ratio = ae.spatialCompressionRatio;
  const latent = { data: one, shape: [1, ae.config.latentChannels, height / ratio, width / ratio] };
  expect(firstDifference(await decode(latent, memoryBudget), await decode(latent))).toBeUndefined();

  // Pixels, and the same as numbers.
  const pixels = Uint8ClampedArray.from({ length: 4 * height * width }, (_, i) =>
    i % 4 === 3 ? 255 : (i * 7919) % 256,
  );
  const planes = new Float32Array(3 * height * width);
  for (let i = 0; i < planes.length; i++) {
    const [channel, pixel] = [Math.floor(i / (height * width)), i % (height * width)];
    planes[i] = Math.fround(Math.fround(pixels[4 * pixel + channel]! / 127.5) - 1);
  }
  const fromPixels = await encode({ data: pixels, width, height });
  const fromNumbers = await encode({ data: planes, shape: [1, 3, height, width] });
  expect(relativeMaxError(fromPixels, fromNumbers)).toBeLessThan(1e-5);
});
