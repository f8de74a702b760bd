// The table of released checkpoints has the configs and sizes that were released.
import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { findCheckpoint, knownCheckpoints } from '../../src/config/checkpoints.ts';
import { parseConfig } from '../../src/config/config.ts';
import { compressionRatio, decoder, encoder } from '../../src/model/autoencoder.ts';
import { readBytes, readJson } from '../support/fixtures.ts';

describe('released checkpoints', () => {
  test('have the configs that diffusers saves', async () => {
    for (const file of await readdir(new URL('../fixtures/configs/', import.meta.url))) {
      const name = file.replace(/\.json$/, '');
      const parsed = parseConfig(await readJson(`test/fixtures/configs/${file}`));
      const known = findCheckpoint(name);
      expect(known?.config, name).toEqual(parsed);
      expect(known?.scalingFactor).toBe(parsed.scalingFactor);
    }
  });

  test('have the bytes that their tensors take', async () => {
    for (const file of await readdir(new URL('../fixtures/keys/', import.meta.url))) {
      const bytes = { encoder: 0, decoder: 0 };
      for (const [key = '', dtype, shape = '[]'] of (await readTable(`test/fixtures/keys/${file}`)).slice(1)) {
        const numbers = (JSON.parse(shape) as number[]).reduce((product, n) => product * n, 1);
        bytes[key.startsWith('encoder.') ? 'encoder' : 'decoder'] += numbers * (dtype === 'I64' ? 8 : 4);
      }
      const name = file.replace(/(\.original)?\.tsv$/, '');
      for (const same of [name, name.replace('-mix-', '-in-'), name.replace('sana-1.0', 'sana-1.1')]) {
        expect(findCheckpoint(same)?.bytes, same).toEqual(bytes);
      }
    }
  });

  test('compress by what their names say, and are found by repository or by name', () => {
    expect(knownCheckpoints).toHaveLength(19);
    expect(new Set(knownCheckpoints.map((known) => known.repo)).size).toBe(19);
    for (const { repo, config, format } of knownCheckpoints) {
      const [, ratio, latent] = /f(\d+)c(\d+)/.exec(repo) ?? [];
      expect([compressionRatio(encoder(config)), compressionRatio(decoder(config))], repo).toEqual([
        Number(ratio),
        Number(ratio),
      ]);
      expect(config.latentChannels).toBe(Number(latent));
      expect(format).toBe(repo.endsWith('-diffusers') ? 'diffusers' : 'original');
      expect(findCheckpoint(repo)?.repo).toBe(repo);
    }
    expect(findCheckpoint('dc-ae-f64c128-in-1.0')?.repo).toBe('mit-han-lab/dc-ae-f64c128-in-1.0-diffusers');
    expect(findCheckpoint('someone/dc-ae-f64c128-in-1.0')).toBeUndefined();
  });

  test('and every fixture parses, with the ratio that its shapes have', async () => {
    for (const group of ['e2e', 'hash-models']) {
      for (const name of await readdir(new URL(`../fixtures/${group}/`, import.meta.url))) {
        const folder = `test/fixtures/${group}/${name}`;
        const config = parseConfig(await readJson(`${folder}/config.json`));
        const { shapes } = await readJson<{ shapes?: Record<string, number[]> }>(`${folder}/fixture.json`);
        if (shapes?.['latent'] === undefined || name.startsWith('tiled')) continue;
        expect(shapes['input']![3]! / shapes['latent'][3]!, name).toBe(compressionRatio(encoder(config)));
        expect(shapes['reconstruction']![3]! / shapes['latent'][3]!, name).toBe(compressionRatio(decoder(config)));
        expect([shapes['input']![1], shapes['latent'][1]]).toEqual([config.inChannels, config.latentChannels]);
      }
    }
  });
});

async function readTable(path: string): Promise<string[][]> {
  const text = new TextDecoder().decode(await readBytes(path));
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
}
