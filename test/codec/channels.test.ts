// Channels of a latent: those that are zero cost nothing, and the first ones can be kept alone.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { inspect, packLatent, unpackLatent } from '../../src/codec/index.ts';
import { latentOf, modelWith } from '../support/codec.ts';
import { nanoLatent } from '../support/nano_latent.ts';

const AREA = 1024;
const nano = nanoLatent();

/** The nano latent among 112 channels of zeros: its channel c is channel 8 c + 3. */
const sparse = {
  ...latentOf([1, 128, 32, 32], (i) => {
    const [c, k] = [Math.floor(i / AREA), i % AREA];
    return c % 8 === 3 ? nano.data[Math.floor(c / 8) * AREA + k]! : 0;
  }),
  imageSize: nano.imageSize,
};

describe('channels that are zero', () => {
  test.each([{ quality: 40 }, { exact: 'f16' as const }])('take 16 bytes of the header alone: %o', async (options) => {
    const alone = await packLatent(nano, { model: modelWith(16), ...options });
    const among = await packLatent(sparse, { model: modelWith(128), ...options });
    expect(among.stats.channels).toEqual({ kept: 128, coded: 16 });
    expect(among.stats.bytes.payload).toBe(alone.stats.bytes.payload);
    expect(among.stats.bytes.header - alone.stats.bytes.header).toBeLessThanOrEqual(16);
    const [expected, { latent }] = [await unpackLatent(alone.bytes), await unpackLatent(among.bytes)];
    for (let c = 0; c < 16; c++) {
      const plane = latent.data.subarray((8 * c + 3) * AREA, (8 * c + 4) * AREA);
      expect(plane).toEqual(expected.latent.data.subarray(c * AREA, (c + 1) * AREA));
    }
    expect(latent.data.filter((value) => value !== 0).length).toBe(
      expected.latent.data.filter((value) => value !== 0).length,
    );
  });

  test('take no time', async () => {
    const time = async (latent: typeof sparse, channels: number): Promise<number> => {
      let best = Infinity;
      for (let run = 0; run < 5; run++) {
        const start = performance.now();
        const { bytes } = await packLatent(latent, { model: modelWith(channels), quality: 40 });
        await unpackLatent(bytes);
        best = Math.min(best, performance.now() - start);
      }
      return best;
    };
    const [alone, among] = [await time(nano, 16), await time(sparse, 128)];
    console.info(`16 channels: ${alone.toFixed(1)} ms; among 128, 112 of them zero: ${among.toFixed(1)} ms`);
    expect(among).toBeLessThan(4 * alone + 5);
  });

  test('alone make a file without a payload, also of a large picture', async () => {
    const zero = latentOf([1, 128, 128, 128], () => 0);
    const { bytes, stats } = await packLatent(zero, { model: modelWith(128), quality: 40 });
    expect([stats.bytes.payload, stats.channels.coded]).toEqual([0, 0]);
    const { latent } = await unpackLatent(bytes);
    expect(latent.data.length).toBe(zero.data.length);
    expect(latent.data.every((value) => value === 0)).toBe(true);
  });
});

test('a file of version 1 holds all channels', async () => {
  const info = await inspect(readFileSync('test/fixtures/codec/python/v1/small.q60.dcae'));
  expect([info.version, info.channels]).toEqual([1, { kept: 3, coded: 3 }]);
  expect(info.quantiser?.steps.length).toBe(3);
});

describe('the first channels', () => {
  test.each([1, 7, 8, 9, 16])('of a latent are kept and the others decoded as zeros: %i', async (channels) => {
    const whole = await unpackLatent((await packLatent(nano, { model: modelWith(16), quality: 40 })).bytes);
    const { bytes, stats } = await packLatent(nano, { model: modelWith(16), quality: 40, channels });
    expect(stats.channels).toEqual({ kept: channels, coded: channels });
    expect((await inspect(bytes)).channels).toEqual({ kept: channels, coded: channels });
    const { latent, info } = await unpackLatent(bytes);
    expect(info.latent).toEqual([1, 16, 32, 32]);
    expect(info.quantiser?.steps.slice(channels).every((step) => step === 0)).toBe(true);
    latent.data.forEach((value, i) => {
      const step = info.quantiser!.steps[Math.floor(i / AREA)]!;
      // The points at which integers are reconstructed are means over all channels of a file.
      if (Math.abs(value - (i < channels * AREA ? whole.latent.data[i]! : 0)) > step) expect.fail(`at ${i}: ${value}`);
    });
  });
});

describe('a model with one step for all channels', () => {
  const model = { ...modelWith(16), config: { ...modelWith(16).config, uniformQuantiserStep: 0.8 } };

  test('has that step at quality 50, and half of it at 70', async () => {
    const at50 = await packLatent(nano, { model, quality: 50 });
    const at70 = await packLatent(nano, { model, quality: 70 });
    for (const [{ bytes }, expected] of [
      [at50, 0.8],
      [at70, 0.4],
    ] as const) {
      const { quantiser } = await inspect(bytes);
      expect(new Set(quantiser!.steps).size).toBe(1);
      // Files hold eighths of powers of two.
      expect(Math.abs(Math.log2(quantiser!.steps[0]! / expected))).toBeLessThan(1 / 16 + 1e-6);
    }
  });

  test('has one byte for it in the header', async () => {
    const uniform = await packLatent(nano, { model, quality: 50 });
    const each = await packLatent(nano, { model: modelWith(16), quality: 50 });
    expect(each.stats.bytes.header - uniform.stats.bytes.header).toBe(15);
  });
});
