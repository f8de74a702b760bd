import { expect, inject, test } from 'vitest';
import { fileGpu } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { hashModelFixture, loadHashModel, runHashModel } from '../support/hash_model.ts';

// The released architectures with all widths divided by four: test/fixtures/hash-models. The full widths are in test/full.
const MODELS = ['sana-quarter', 'mix-quarter', 'lite-quarter'];
/** SwiftShader takes half a minute for each; f16 runs there in all the smaller tests. */
const STORAGE = (
  [
    { dtype: 'f32', activations: 'f32' },
    { dtype: 'f16', activations: 'f32' },
    { dtype: 'f32', activations: 'f16' },
    { dtype: 'f16', activations: 'f16' },
  ] as const
).slice(0, inject('adapter') === 'swiftshader' ? 1 : 4);

const shared = fileGpu();
const note = worstErrors('hash-models, quarter width');

test.for(MODELS.flatMap((name) => STORAGE.map((storage) => ({ name, ...storage }))))(
  '$name in $dtype, activations $activations',
  async ({ name, dtype, activations }) => {
    const { runs, tolerance } = await hashModelFixture(name);
    using ae = await loadHashModel(name, { dtype, activations, device: shared.watched.device });
    for (const run of runs) {
      const errors = await runHashModel(ae, name, run);
      for (const half of ['latent', 'reconstruction'] as const) {
        note(`${dtype} ${activations} ${half}`, `${name} ${run.file}`, errors[half]);
        const allowed =
          dtype === 'f32' && activations === 'f32' ? tolerance.f32_rel_max : 3 * run.error[`f16sim_${half}`]!.max;
        expect(errors[half], `${half} of ${run.file}`).toBeLessThanOrEqual(allowed);
      }
    }
  },
);
