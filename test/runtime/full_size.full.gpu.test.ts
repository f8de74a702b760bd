// The released networks at full width, 312 million parameters and up. lavapipe binds at most 128 MiB at a time. f16 has
// no fixtures at this width; its tolerance is that of the same networks at quarter width.
import { expect, test } from 'vitest';
import { watchedDevice } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { hashModelFixture, loadHashModel, runHashModel } from '../support/hash_model.ts';

const MODELS = [
  ['dc-ae-f32c32-mix-1.0', 'mix-quarter'],
  ['dc-ae-f32c32-sana-1.0', 'sana-quarter'],
  ['dc-ae-lite-f32c32-sana-1.1', 'lite-quarter'],
] as const;

const note = worstErrors('hash-models, full width');
const MiB = 2 ** 20;

test.for(
  MODELS.flatMap(([name, quarter]) => (['f32', 'f16'] as const).map((dtype) => [name, dtype, quarter] as const)),
)('%s in %s', async ([name, dtype, quarter]) => {
  const { device, live, uncaptured } = await watchedDevice();
  const { runs, tolerance } = await hashModelFixture(name);
  const f16Runs = (await hashModelFixture(quarter)).runs;
  const started = performance.now();
  const ae = await loadHashModel(name, { dtype, device });
  const loaded = performance.now();
  for (const run of runs) {
    const errors = await runHashModel(ae, name, run);
    for (const output of ['latent', 'reconstruction'] as const) {
      note(`${dtype} ${output}`, `${name} ${run.file}`, errors[output]);
      const f16 = 3 * Math.max(...f16Runs.map(({ error }) => error[`f16sim_${output}`]!.max));
      const allowed = dtype === 'f32' ? tolerance.f32_rel_max : f16;
      expect(errors[output], `${output} of ${run.file}`).toBeLessThanOrEqual(allowed);
    }
  }
  const { weights, activations } = ae.memory;
  const seconds = [loaded - started, performance.now() - loaded].map((ms) => (ms / 1000).toFixed(1));
  console.info(
    `${name} ${dtype}: ${(weights / MiB).toFixed(0)} MiB of weights, ${(activations / MiB).toFixed(0)} MiB of activations, ` +
      `loaded in ${seconds[0]} s, ${runs.length} runs in ${seconds[1]} s`,
  );
  ae.dispose();
  expect(live()).toEqual([]);
  expect(uncaptured).toEqual([]);
  device.destroy();
});
