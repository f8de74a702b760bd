// Files of photographs' latents that were written once: the format does not change, and it beats simpler coders.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { brotliCompressSync, constants, deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readHeader } from '../../src/codec/header.ts';
import { LevelModel } from '../../src/codec/levels.ts';
import { BitDecoder, BitEncoder } from '../../src/codec/range_coder.ts';

const FOLDER = 'test/fixtures/codec';
const QUALITIES = [20, 30, 40];

/** A file's integers, `[h, w, C]`, and what it spends on them. */
async function integersOf(bytes: Uint8Array) {
  const { length, latent, quantiser } = readHeader(bytes);
  const [, channels, height, width] = latent;
  const payload = bytes.subarray(length + 4, bytes.length - 4);
  const data = new Int32Array(channels * height * width);
  await new LevelModel(channels).code(new BitDecoder(payload), { data, channels, height, width }, () => undefined);
  // Tables: the quantiser's steps, offsets and quality.
  return { data, channels, height, width, payload, ours: payload.length + quantiser!.steps.length + 4 };
}

/** Bytes of an ideal coder that knows how often each integer comes in each channel, its tables for nothing. */
function zeroOrder(data: Int32Array, channels: number): number {
  let bits = 0;
  for (let c = 0; c < channels; c++) {
    const counts = new Map<number, number>();
    for (let i = c; i < data.length; i += channels) counts.set(data[i]!, (counts.get(data[i]!) ?? 0) + 1);
    for (const count of counts.values()) bits -= count * Math.log2((count * channels) / data.length);
  }
  return bits / 8;
}

/**
 * Bytes of the best of deflate and brotli at their highest levels, on the integers as bytes (or pairs of bytes) by
 * position and by channel.
 */
function generalPurpose(data: Int32Array, channels: number): number {
  const planes = new Int32Array(data.length);
  const area = data.length / channels;
  data.forEach((level, i) => (planes[(i % channels) * area + Math.floor(i / channels)] = level));
  const wide = data.some((level) => level < -128 || level > 127);
  const sizes = [data, planes].flatMap((order) => {
    const packed = wide ? new Uint8Array(Int16Array.from(order).buffer) : new Uint8Array(Int8Array.from(order).buffer);
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22 };
    // gzip is deflate with a longer header
    return [deflateRawSync(packed, { level: 9 }), brotliCompressSync(packed, { params })];
  });
  return Math.min(...sizes.map(({ length }) => length));
}

describe.each(QUALITIES)('twelve photographs at quality %i', (quality) => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(`.q${quality}.dcae`));

  test('are read, and written again as the same bytes', async () => {
    expect(files.length).toBe(12);
    for (const name of files) {
      const { data, channels, height, width, payload } = await integersOf(readFileSync(`${FOLDER}/${name}`));
      const encoder = new BitEncoder();
      await new LevelModel(channels).code(encoder, { data, channels, height, width }, () => undefined);
      expect(Buffer.from(encoder.finish()).equals(payload), name).toBe(true);
    }
  });

  test('take 8 % less than their zero-order entropy and 15 % less than general compressors', async () => {
    const total = { ours: 0, zeroOrder: 0, general: 0 };
    for (const name of files) {
      const { data, channels, ours } = await integersOf(readFileSync(`${FOLDER}/${name}`));
      total.ours += ours;
      total.zeroOrder += zeroOrder(data, channels);
      total.general += generalPurpose(data, channels);
    }
    const [order, general] = [total.ours / total.zeroOrder, total.ours / total.general];
    console.info(
      `quality ${quality}: ${total.ours} bytes, ${(100 * (1 - order)).toFixed(1)} % less than zero-order entropy (${Math.round(total.zeroOrder)}), ` +
        `${(100 * (1 - general)).toFixed(1)} % less than the best of deflate and brotli (${total.general})`,
    );
    expect(order).toBeLessThan(0.92);
    expect(general).toBeLessThan(0.85);
  });
});

test('a file decodes to the integers that it was written with', async () => {
  const { data } = await integersOf(readFileSync(`${FOLDER}/coffee_256.q30.dcae`));
  const hash = createHash('sha256').update(new Uint8Array(data.buffer)).digest('hex');
  expect(hash).toBe('f50be213ca5f18d003b9959930f905140d82b7e1a9b1dddf6109251200db8dd6');
});
