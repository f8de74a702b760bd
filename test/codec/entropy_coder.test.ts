// The entropy coder and its models reproduce every input.
import { describe, expect, test } from 'vitest';
import { packLatent, unpackLatent, type PlainLatent } from '../../src/codec/index.ts';
import { crc32 } from '../../src/codec/crc32.ts';
import { fromF16, toF16 } from '../../src/codec/f16.ts';
import { LevelModel } from '../../src/codec/levels.ts';
import { SQUASH, STRETCH } from '../../src/codec/logistic.ts';
import { BitDecoder, BitEncoder } from '../../src/codec/range_coder.ts';
import { latentOf, modelWith, randomNumbers } from '../support/codec.ts';
import { nanoLatent } from '../support/nano_latent.ts';

const steady = (): undefined => undefined;

async function roundTrip(data: Int32Array, channels: number, height: number, width: number): Promise<number> {
  const shape = { channels, height, width };
  const encoder = new BitEncoder();
  await new LevelModel(channels).code(encoder, { ...shape, data: data.slice() }, steady);
  const bytes = encoder.finish();
  const back = new Int32Array(data.length);
  await new LevelModel(channels).code(new BitDecoder(bytes), { ...shape, data: back }, steady);
  expect(back).toEqual(data);
  return bytes.length;
}

describe('the range coder', () => {
  test.each([1, 22, 300, 32768, 65000, 65514, 65535])('reproduces decisions with the probability %i / 65536', (p) => {
    const random = randomNumbers(p);
    const bits = Array.from({ length: 20_000 }, () => (random() * 65536 < p ? 1 : 0));
    const encoder = new BitEncoder();
    for (const bit of bits) encoder.code(p, bit);
    const bytes = encoder.finish();
    const decoder = new BitDecoder(bytes);
    expect(bits.map(() => decoder.code(p))).toEqual(bits);
    expect(8 * bytes.length).toBeLessThan(1.01 * encoder.spent + 40);
  });

  test('propagates carries through bytes of 255', () => {
    const random = randomNumbers(7);
    for (let run = 0; run < 200; run++) {
      const bits = Array.from({ length: 300 }, () => [random() < 0.02 ? 65535 : 1, random() < 0.9 ? 0 : 1] as const);
      const encoder = new BitEncoder();
      for (const [p, bit] of bits) encoder.code(p, bit);
      const decoder = new BitDecoder(encoder.finish());
      expect(bits.map(([p]) => decoder.code(p))).toEqual(bits.map(([, bit]) => bit));
    }
  });

  test('has the tables and the checksums of the format', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array(SQUASH.buffer))).toBe(0x674ad380);
    expect(crc32(new Uint8Array(STRETCH.buffer))).toBe(0xa61df3cd);
  });
});

describe('quantised latents', () => {
  const random = randomNumbers(1);
  const shapes: [string, (i: number) => number][] = [
    ['zeros', () => 0],
    ['one value', () => -3],
    ['small noise', () => Math.round(4 * (random() - 0.5))],
    ['large noise', () => Math.round(2000 * (random() - 0.5))],
    ['extremes', () => (random() < 0.5 ? -1 : 1) * 2 ** 20],
    ['rare peaks', () => (random() < 0.01 ? Math.round(2 ** 20 * (random() - 0.5)) : 0)],
    ['a ramp', (i) => i],
  ];
  test.each(shapes)('are reproduced: %s', async (_, make) => {
    for (const [channels, height, width] of [
      [1, 1, 1],
      [1, 1, 9],
      [2, 7, 1],
      [3, 5, 4],
      [20, 6, 11],
    ] as const) {
      const data = Int32Array.from({ length: channels * height * width }, (__, i) => make(i));
      await roundTrip(data, channels, height, width);
    }
  });

  test('of zeros take a few bytes', async () => {
    expect(await roundTrip(new Int32Array(32 * 32 * 32), 32, 32, 32)).toBeLessThan(40);
  });
});

describe('latents', () => {
  test.each([1, 30, 60, 90, 100])('are reproduced to within the steps of quality %i', async (quality) => {
    const latent = nanoLatent();
    const { bytes, stats } = await packLatent(latent, { model: modelWith(16), quality });
    const { latent: back, info } = await unpackLatent(bytes);
    expect([back.shape, back.imageSize]).toEqual([latent.shape, latent.imageSize]);
    expect(info.quantiser).toEqual(stats.quantiser);
    const steps = stats.quantiser!.steps;
    const worst = back.data.reduce((most, value, i) => {
      return Math.max(most, Math.abs(value - latent.data[i]!) / steps[Math.floor(i / 1024)]!);
    }, 0);
    expect(worst).toBeLessThan(1);
  });

  test('have statistics that sum to the payload', async () => {
    const { bytes, stats } = await packLatent(nanoLatent(), { model: modelWith(16) });
    const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);
    expect(stats.bytes.header + stats.bytes.payload).toBe(bytes.length);
    expect(sum(stats.bitsPerPosition) / 8 / stats.bytes.payload).toBeCloseTo(1, 2);
    expect(sum(stats.bitsPerChannel)).toBeCloseTo(sum(stats.bitsPerPosition), 0);
    expect([stats.bitsPerPosition.length, stats.bitsPerChannel.length, stats.count]).toEqual([1024, 16, 16384]);
  });

  test('of a batch are reproduced', async () => {
    const random = randomNumbers(3);
    const latent = latentOf([3, 5, 4, 6], () => 6 * (random() - 0.5));
    const { bytes } = await packLatent(latent, { model: modelWith(5), quality: 100 });
    const { latent: back } = await unpackLatent(bytes);
    back.data.forEach((value, i) => expect(Math.abs(value - latent.data[i]!)).toBeLessThan(0.2));
  });
});

describe('exact latents', () => {
  const odd = [0, -0, 1, -1, NaN, Infinity, -Infinity, 1e-45, -3e-39, 3.4e38, 65504, 65520, 6e-8, 2 ** -24, 0.1, -2.5];
  const bits = ({ data }: PlainLatent): Uint32Array => new Uint32Array(data.buffer);

  test.each([
    ['of a photograph', nanoLatent()],
    ['of odd numbers', latentOf([2, 2, 2, 4], (i) => odd[i % odd.length]!)],
    ['of one number', latentOf([1, 1, 1, 1], () => Math.PI)],
  ])('%s keep every bit', async (_, latent) => {
    const { bytes, stats } = await packLatent(latent, { model: modelWith(latent.shape[1]), exact: 'f32' });
    expect(bits((await unpackLatent(bytes)).latent)).toEqual(bits(latent));
    expect(stats.quantiser).toBeUndefined();
    if (stats.count > 100) expect(bytes.length).toBeLessThan(4 * stats.count);
  });

  test('in f16 are rounded to the nearest f16 once', async () => {
    const latent = nanoLatent();
    const once = await packLatent(latent, { model: modelWith(16), exact: 'f16' });
    const { latent: back } = await unpackLatent(once.bytes);
    back.data.forEach((value, i) => expect(value).toBe(fromF16(toF16(latent.data[i]!))));
    expect((await packLatent(back, { model: modelWith(16), exact: 'f16' })).bytes).toEqual(once.bytes);
    expect(once.bytes.length).toBeLessThan(2 * latent.data.length);
  });

  test('every f16 rounds to itself', () => {
    for (let half = 0; half < 65536; half++) {
      const value = fromF16(half);
      if (Number.isNaN(value)) expect(toF16(value) & 0x7c00).toBe(0x7c00);
      else if (toF16(value) !== half) expect.fail(`${half} became ${toF16(value)}`);
    }
    expect([65519, 65520, 2 ** -25, 1.5 * 2 ** -24, 1 + 2 ** -11, 1 + 3 * 2 ** -11].map(toF16)).toEqual([
      0x7bff, 0x7c00, 0, 2, 0x3c00, 0x3c02,
    ]);
  });
});

test('a call reports its progress and stops when aborted', async () => {
  const random = randomNumbers(5);
  const latent = latentOf([1, 16, 128, 128], () => 8 * (random() - 0.5));
  const stop = new AbortController();
  const phases = new Set<string>();
  const packing = packLatent(latent, {
    model: modelWith(16),
    signal: stop.signal,
    onProgress: ({ phase, fraction }) => {
      phases.add(phase);
      if (fraction > 0) stop.abort(new Error('enough'));
    },
  });
  await expect(packing).rejects.toThrow('enough');
  expect([...phases]).toEqual(['pack']);
});
