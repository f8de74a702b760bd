// The released architectures with all widths divided by four (test/fixtures/hash-models).
import { expect, inject, test } from 'vitest';
import { fileGpu } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { hashModelFixture, loadHashModel, runHashModel } from '../support/hash_model.ts';

const MODELS = ['sana-quarter', 'mix-quarter', 'lite-quarter'];
const STORAGE = [
  { dtype: 'f32', activations: 'f32' },
  { dtype: 'f16', activations: 'f32' },
  { dtype: 'f32', activations: 'f16' },
  { dtype: 'f16', activations: 'f16' },
] as const;

const shared = fileGpu();
const note = worstErrors('hash-models, quarter width');

/** Each network in f32 and in one other storage. */
const CASES = MODELS.flatMap((name, model) =>
  STORAGE.filter((_, i) => inject('variants') === 'all' || i === 0 || i === model + 1).map((storage) => ({
    name,
    ...storage,
  })),
);

test.for(CASES)('$name in $dtype, activations $activations', async ({ name, dtype, activations }) => {
  const { runs, tolerance } = await hashModelFixture(name);
  using ae = await loadHashModel(name, { dtype, activations, device: shared.watched.device });
  for (const run of runs) {
    const errors = await runHashModel(ae, name, run);
    for (const output of ['latent', 'reconstruction'] as const) {
      note(`${dtype} ${activations} ${output}`, `${name} ${run.file}`, errors[output]);
      const allowed =
        dtype === 'f32' && activations === 'f32' ? tolerance.f32_rel_max : 3 * run.error[`f16sim_${output}`]!.max;
      expect(errors[output], `${output} of ${run.file}`).toBeLessThanOrEqual(allowed);
    }
  }
});
