// The fixtures are complete, and the error measure of all tests is right.
import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { readFixture, readFloats, readJson, relativeMaxError } from './fixtures.ts';
import { NETWORKS } from './networks.ts';

describe('fixtures', () => {
  test('are read from safetensors, with their metadata', async () => {
    const fixture = await readFixture('test/fixtures/ops/pixel-shuffle.safetensors');
    expect(fixture.metadata['op']).toBeTypeOf('string');
    const { shape, data } = fixture.get('input');
    expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
    expect(() => fixture.get('nothing')).toThrow('has no tensor nothing, only: ');
  });

  test.for(['ops', 'hash-slices'])('in %s are those of its index, which the tests on the GPU go by', async (folder) => {
    const files = await readdir(new URL(`../fixtures/${folder}/`, import.meta.url));
    const index = await readJson<{ name: string }[]>(`test/fixtures/${folder}/index.json`);
    const listed = index.map(({ name }) => `${name}.safetensors`);
    expect(files.filter((file) => file !== 'index.json').sort()).toEqual(listed.sort());
  });

  test('of whole networks are all tested, but those of tiling', async () => {
    const folders = await readdir(new URL('../fixtures/e2e/', import.meta.url));
    expect(folders.filter((name) => !name.startsWith('tiled')).sort()).toEqual([...NETWORKS].sort());
  });

  test('are read from raw floats', async () => {
    const golden = await readJson<{ tensors: { latent: { min: number; max: number } } }>(
      'test/fixtures/nano/golden.json',
    );
    const latent = await readFloats('test/fixtures/nano/golden_latent.f32');
    expect(latent.length).toBe(16 * 32 * 32);
    expect(Math.min(...latent)).toBe(golden.tensors.latent.min);
    expect(Math.max(...latent)).toBe(golden.tensors.latent.max);
  });
});

describe('relativeMaxError', () => {
  test('is the largest difference over the largest expected value', () => {
    expect(relativeMaxError([1, 2, -3.5], [1, 2, -4])).toBe(0.125);
    expect(relativeMaxError([0, 0], [0, 0])).toBe(0);
  });

  test('is infinite where either side is not finite, or zero was expected', () => {
    expect(relativeMaxError([1, NaN], [1, 1])).toBe(Infinity);
    expect(relativeMaxError([1, 1], [1, -Infinity])).toBe(Infinity);
    expect(relativeMaxError([1], [0])).toBe(Infinity);
  });

  test('refuses tensors of different lengths', () => {
    expect(() => relativeMaxError([1], [1, 2])).toThrow('1 values where 2 were expected');
  });
});
