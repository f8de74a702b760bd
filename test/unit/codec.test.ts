// Latents to files and back, without a network.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { inspect, packLatent, unpackLatent, type ModelIdentity, type PlainLatent } from '../../src/codec/index.ts';

const model: ModelIdentity = {
  config: { latentChannels: 16, scalingFactor: 0.53374 },
  checkpoint: { id: 'someone/nano', encoder: '0123456789abcdef', decoder: 'fedcba9876543210' },
};
const golden = new Float32Array(readFileSync('test/fixtures/nano/golden_latent.f32').buffer.slice(0));
const latent: PlainLatent = { data: golden, shape: [1, 16, 32, 32], imageSize: { height: 250, width: 256 } };

describe('a latent comes back', () => {
  test.each([1, 30, 60, 90, 100])('to within the steps of quality %i', async (quality) => {
    const { bytes, stats } = await packLatent(latent, { model, quality });
    const back = await unpackLatent(bytes);
    expect(back.latent.shape).toEqual(latent.shape);
    expect(back.latent.imageSize).toEqual(latent.imageSize);
    const steps = stats.quantiser!.steps;
    expect(steps).toEqual(back.info.quantiser!.steps);
    back.latent.data.forEach((value, i) => {
      expect(Math.abs(value - golden[i]!)).toBeLessThanOrEqual(steps[Math.floor(i / 1024)]!);
    });
    expect(stats.bytes).toEqual(back.info.bytes);
    expect(stats.bytes.total).toBe(bytes.length);
    const bits = stats.bitsPerPosition.reduce((sum, spent) => sum + spent, 0);
    expect(bits / 8 / stats.bytes.payload).toBeCloseTo(1, 2);
  });

  test.each(['f32', 'f16'] as const)('exactly in %s', async (exact) => {
    const { bytes, stats } = await packLatent(latent, { model, exact });
    const back = await unpackLatent(bytes);
    if (exact === 'f32') expect(back.latent.data).toEqual(golden);
    const again = await packLatent(back.latent, { model, exact });
    expect(again.bytes).toEqual(bytes);
    console.info(exact, stats.bytes, golden.length);
  });
});

test('inspect reads the header alone', async () => {
  const { bytes } = await packLatent(latent, { model, metadata: { title: 'Ein Bild', orientationApplied: 6 } });
  const info = await inspect(new Blob([bytes]));
  expect(info.checkpoint).toEqual({ ...model.checkpoint, url: 'https://huggingface.co/someone/nano' });
  expect(info.metadata).toEqual({ title: 'Ein Bild', orientationApplied: 6 });
  expect(info.bytes.total).toBe(bytes.length);
  expect(await inspect(bytes.subarray(0, info.bytes.total - info.bytes.payload))).toEqual(info);
});
