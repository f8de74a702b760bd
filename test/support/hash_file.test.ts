// Checkpoints made from hashes have the names, shapes and sizes of the released files.
import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { decoder, encoder } from '../../src/model/autoencoder.ts';
import { parameters } from '../../src/model/layers.ts';
import { openCheckpoint } from '../../src/weights/read/checkpoint.ts';
import { matchParameters } from '../../src/weights/format/parameters.ts';
import { readJson } from './fixtures.ts';
import { hashFile, narrowConfig, releasedTensors } from './hash_file.ts';
import { hashTensor } from './hash_weights.ts';

const networks = (await readdir(new URL('../fixtures/keys/', import.meta.url)))
  .filter((file) => !file.includes('original'))
  .map((file) => file.replace('.tsv', ''));

test.each(networks)(
  '%s made by hash is the checkpoint that was released, at full and at quarter width',
  async (network) => {
    for (const divisor of [1, 4]) {
      const json = await readJson<Record<string, unknown>>(`test/fixtures/configs/${network}.json`);
      const config = parseConfig(narrowConfig(json, divisor));
      const wanted = [encoder(config), decoder(config)].flatMap(parameters);
      for (const format of ['diffusers', 'original'] as const) {
        const file = hashFile(await releasedTensors(network, format, divisor));
        const source = {
          size: async () => file.size,
          read: async (_: string, a: number, b: number) => file.read(a, b),
        };
        const checkpoint = await openCheckpoint(source);
        expect(checkpoint.format).toBe(format);
        const { tensors } = matchParameters(wanted, checkpoint.tensors);
        for (const key of [
          'encoder.conv_out.weight',
          'encoder.down_blocks.4.1.attn.to_k.weight',
          'decoder.norm_out.bias',
        ]) {
          const { shape, start, end } = tensors.get(key)!;
          const expected = new Uint8Array(hashTensor(key, shape).buffer);
          expect(Buffer.compare(file.read(start, end), expected), key).toBe(0);
          expect(Buffer.compare(file.read(start + 6, end - 2), expected.subarray(6, -2)), key).toBe(0);
        }
      }
    }
  },
);
