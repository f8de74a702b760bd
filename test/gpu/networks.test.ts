import { describe, expect, inject, test } from 'vitest';
import { AutoencoderDC } from '../../src/index.ts';
import { readFixture, readJson, relativeMaxError } from '../support/fixtures.ts';
import { folderSource } from '../support/sources.ts';

// Whole networks against diffusers in double precision: test/fixtures/e2e. The tiled and sliced ones are here without tiling only where their
// numbers don't depend on it.
const NAMES = [
  'bf16-weights',
  'bn-attention',
  'conv0-interp0',
  'empty-stages',
  'f16-weights',
  'in-like',
  'lite-like',
  'multiscale',
  'no-shortcuts',
  'odd-channels',
  'original-in',
  'original-sana',
  'other-activations',
  'quadratic-boundary',
  'quadratic-deep',
  'sana-like',
  'sharded',
  'slicing-batch3',
  'widths-differ',
];

interface Tolerance {
  readonly tolerance: { readonly f32_rel_max: number; readonly f16_rel_max: number };
}

describe.each(['f32', 'f16'] as const)('%s', (dtype) => {
  test.for(NAMES)('%s', async (name) => {
    const folder = `test/fixtures/e2e/${name}`;
    const [io, { tolerance }] = await Promise.all([
      readFixture(`${folder}/io.safetensors`),
      readJson<Tolerance>(`${folder}/fixture.json`),
    ]);
    const allowed = dtype === 'f32' ? tolerance.f32_rel_max : tolerance.f16_rel_max;
    using ae = await AutoencoderDC.fromPretrained(folderSource(folder), { dtype });
    const { latent } = await ae.encode(io.get('input'));
    const { sample } = await ae.decode(io.get('latent'));
    expect(latent.shape).toEqual(io.get('latent').shape);
    expect(sample.shape).toEqual(io.get('reconstruction').shape);
    const encoded = relativeMaxError(await latent.toArray(), io.get('latent').data);
    const decoded = relativeMaxError(await sample.toArray(), io.get('reconstruction').data);
    console.log(
      `${inject('adapter')} ${dtype} ${name}: latent ${encoded.toExponential(1)}, reconstruction ${decoded.toExponential(1)}`,
    );
    expect(encoded).toBeLessThanOrEqual(allowed);
    expect(decoded).toBeLessThanOrEqual(allowed);
    latent.dispose();
    sample.dispose();
  });
});
