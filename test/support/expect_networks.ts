// Compares the encoder and the decoder with a fixture of test/fixtures/e2e.
import { expect } from 'vitest';
import { AutoencoderDC, type LoadOptions } from '../../src/index.ts';
import { readFixture, readJson, relativeMaxError } from './fixtures.ts';
import { folderSource } from './sources.ts';

interface Fixture {
  readonly options: { readonly tiling?: Readonly<Record<string, number>> };
  readonly tolerance: { readonly f32_rel_max: number; readonly f16_rel_max: number };
}

/** Options of a run, and the receiver of its errors. */
export interface NetworkFixtureOptions extends LoadOptions {
  /** Applies the fixture's options to the model. */
  readonly prepare?: (ae: AutoencoderDC, options: Fixture['options']) => void;
  readonly note: (output: Side, name: string, error: number) => void;
  /**
   * Results with a pixel where rounding decides. The median of their errors, not the largest, must meet the tolerance.
   */
  readonly except?: readonly Side[];
}

type Side = 'latent' | 'reconstruction';

/**
 * Encodes the fixture's input, decodes its latent, and compares both with diffusers' results within the fixture's
 * tolerance.
 */
export async function expectNetworks(
  name: string,
  { prepare, note, except, ...options }: NetworkFixtureOptions,
): Promise<void> {
  const folder = `test/fixtures/e2e/${name}`;
  const [io, fixture] = await Promise.all([
    readFixture(`${folder}/io.safetensors`),
    readJson<Fixture>(`${folder}/fixture.json`),
  ]);
  const { tolerance } = fixture;
  const inHalf = options.dtype === 'f16' || options.activations === 'f16';
  const allowed = inHalf ? tolerance.f16_rel_max : tolerance.f32_rel_max;
  using ae = await AutoencoderDC.fromPretrained(folderSource(folder), options);
  prepare?.(ae, fixture.options);
  using latent = (await ae.encode(io.get('input'))).latent;
  using sample = (await ae.decode(io.get('latent'))).sample;
  for (const [output, result] of [
    ['latent', latent],
    ['reconstruction', sample],
  ] as const) {
    const expected = io.get(output);
    expect(result.shape).toEqual(expected.shape);
    const values = await result.toArray();
    const error = relativeMaxError(values, expected.data);
    note(output, name, error);
    const judged = except?.includes(output) === true ? relativeMedianError(values, expected.data) : error;
    expect(judged, output).toBeLessThanOrEqual(allowed);
  }
}

/** The median of differences, relative to the largest value. */
function relativeMedianError(values: ArrayLike<number>, expected: Float32Array): number {
  const errors = expected.map((value, i) => Math.abs(values[i]! - value)).sort();
  return errors[errors.length >> 1]! / expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
