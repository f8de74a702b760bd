// Whole networks with hashed weights: test/fixtures/hash-models.
import { expect } from 'vitest';
import { AutoencoderDC, type LoadOptions } from '../../src/index.ts';
import { readFixture, readJson, relativeMaxError } from './fixtures.ts';
import { hashSource } from './hash_source.ts';
import { hashTensor } from './hash_weights.ts';

interface HashModelFixture {
  readonly runs: readonly HashModelRun[];
  readonly tolerance: { readonly f32_rel_max: number };
}

/** One input of a model, and the error that an f16 implementation may have there. */
export interface HashModelRun {
  readonly file: string;
  readonly input: readonly number[];
  readonly error: Readonly<Record<string, { readonly max: number } | undefined>>;
}

/** Errors of the encoder and the decoder against PyTorch in double precision, relative to the largest value. */
export interface HashModelErrors {
  readonly run: HashModelRun;
  readonly latent: number;
  readonly reconstruction: number;
}

/** The fixture of a model: its runs, and the tolerance in f32. */
export function hashModelFixture(name: string): Promise<HashModelFixture> {
  return readJson(`test/fixtures/hash-models/${name}/fixture.json`);
}

/** Loads the model. Its weights are hashed when they are read. */
export async function loadHashModel(name: string, options: LoadOptions): Promise<AutoencoderDC> {
  const config = await readJson(`test/fixtures/hash-models/${name}/config.json`);
  return await AutoencoderDC.fromPretrained(hashSource(config), options);
}

/** Encodes a run's input and decodes its stored latent. */
export async function runHashModel(ae: AutoencoderDC, name: string, run: HashModelRun): Promise<HashModelErrors> {
  const io = await readFixture(`test/fixtures/hash-models/${name}/${run.file}`);
  const [expectedLatent, expectedSample] = [io.get('latent'), io.get('reconstruction')];
  const { latent } = await ae.encode({ data: hashTensor('input', run.input), shape: run.input });
  const { sample } = await ae.decode(expectedLatent);
  expect(latent.shape).toEqual(expectedLatent.shape);
  expect(sample.shape).toEqual(expectedSample.shape);
  const errors = {
    run,
    latent: relativeMaxError(await latent.toArray(), expectedLatent.data),
    reconstruction: relativeMaxError(await sample.toArray(), expectedSample.data),
  };
  latent.dispose();
  sample.dispose();
  return errors;
}
