import { describe, expect, test } from 'vitest';
import { AutoencoderDC } from '../../src/index.ts';
import { fileGpu } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { readFixture, readJson, relativeMaxError } from '../support/fixtures.ts';
import { NETWORKS } from '../support/networks.ts';
import { folderSource } from '../support/sources.ts';

// Whole networks against diffusers in double precision: test/fixtures/e2e.
interface Fixture {
  readonly tolerance: { readonly f32_rel_max: number; readonly f16_rel_max: number };
}

const shared = fileGpu();
const note = worstErrors('e2e');

describe.each(['f32', 'f16'] as const)('%s', (dtype) => {
  test.for(NETWORKS)('%s', async (name) => {
    const folder = `test/fixtures/e2e/${name}`;
    const [io, { tolerance }] = await Promise.all([
      readFixture(`${folder}/io.safetensors`),
      readJson<Fixture>(`${folder}/fixture.json`),
    ]);
    const allowed = dtype === 'f32' ? tolerance.f32_rel_max : tolerance.f16_rel_max;
    const { device } = shared.watched;
    using ae = await AutoencoderDC.fromPretrained(folderSource(folder), { dtype, device });
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
