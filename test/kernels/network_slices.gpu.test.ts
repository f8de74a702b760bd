// Single blocks at the width of the released networks, with weights from a hash, equal PyTorch:
// test/fixtures/hash-slices.
import { expect, inject, test } from 'vitest';
import { fileGpu } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { readFixture, readJson, relativeMaxError } from '../support/fixtures.ts';
import { hashTensor } from '../support/hash_weights.ts';
import { moduleOf, weightsAt, type ModuleFixture } from '../support/modules.ts';
import { runModule } from '../support/run_module.ts';

const FIXTURES = await readJson<Required<ModuleFixture>[]>('test/fixtures/hash-slices/index.json');

/** The tolerance of test/fixtures/README.md. */
const F32 = 1e-5;
/**
 * The tolerance with weights in f16. Rounding changes a weight by at most 2^-11 of itself, and sums of thousands
 * average this out. A block gets four times that.
 */
const F16 = 2e-3;

const STORAGE = (
  [
    ['f32', 'f32', F32],
    ['f16', 'f16', F16],
    ['f16', 'f32', F16],
    ['f32', 'f16', F16],
  ] as const
).slice(0, { all: 4, some: 2, few: 1, fewest: 1 }[inject('variants')]);

const shared = fileGpu();
const note = worstErrors('hash-slices');

test.for(FIXTURES.map((fixture) => [fixture.name, fixture] as const))('%s', async ([name, fixture]) => {
  const expected = (await readFixture(`test/fixtures/hash-slices/${name}.safetensors`)).get('output');
  const input = { shape: fixture.input, data: hashTensor('input', fixture.input) };
  const weights = weightsAt(
    Object.entries(fixture.keys).map(([key, shape]) => [key, { shape, data: hashTensor(key, shape) }]),
  );
  for (const [dtype, activations, tolerance] of STORAGE) {
    const { shape, data } = await runModule(shared.gpu, moduleOf(fixture), input, weights, { dtype, activations });
    expect(shape).toEqual(expected.shape);
    const error = relativeMaxError(data, expected.data);
    note(`${dtype} ${activations}`, name, error);
    expect(error).toBeLessThanOrEqual(tolerance);
  }
});
