// Single operations and blocks equal PyTorch in double precision: every entry of test/fixtures/ops.
import { expect, inject, test } from 'vitest';
import { fileGpu } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { readFixture, readJson, relativeMaxError } from '../support/fixtures.ts';
import { roundToF16 } from '../support/f16.ts';
import { extraWeights, moduleOf, weightsAt, type ModuleFixture } from '../support/modules.ts';
import { planModule, runModule, type RawWeight } from '../support/run_module.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import type { Target } from '../../src/graph/target.ts';
import { supportedVariants } from '../../src/loading/target.ts';

const FIXTURES = await readJson<ModuleFixture[]>('test/fixtures/ops/index.json');

/** The tolerance in f32, as in test/fixtures/README.md. */
const F32 = 1e-5;
/**
 * The tolerance with weights in f16: ten times 2^-11. Rounding changes a weight by 2^-12 of itself on average and by
 * 2^-11 at most. Sums average this out, but norms and attention divide by small numbers, and blocks chain four weights.
 */
const F16 = 5e-3;
/** Targets that together choose every kernel and algorithm. Algorithms are forced where possible. */
function others(gpu: Gpu): [string, Partial<Target>][] {
  const algorithms = ['direct', 'winograd2', 'winograd4', 'phases'] as const;
  const kernels = supportedVariants(gpu, 'f16');
  return [
    ...algorithms.map(
      (algorithm) => [`kernels of other adapters, ${algorithm}`, { software: !gpu.software, algorithm }] as const,
    ),
    ...kernels.flatMap((kernel) =>
      algorithms.map(
        (algorithm) => [`${kernel}, ${algorithm}`, { kernels: { conv: kernel, multiply: kernel }, algorithm }] as const,
      ),
    ),
  ].map(([name, target]) => [name, target]);
}

/** A binding size that suits every fixture. It avoids a staging buffer of 32 MiB for each run. */
const binding = 2 ** 20;
/**
 * The tolerance between f16 and f32 with the same rounded weights. Only the storage differs, so only sums of another
 * kernel are rounded differently.
 */
const STORAGE = 1e-6;

const shared = fileGpu();
const note = worstErrors('ops');

/** Whether all targets run, or only the one that this adapter gets. */
const isThorough = inject('variants') !== 'few';
/** Every fixture, or the first of each op. */
const CHOSEN = FIXTURES.filter(
  ({ op }, i) => inject('variants') !== 'few' || FIXTURES.findIndex((other) => other.op === op) === i,
);

test.for(CHOSEN.map((fixture) => [fixture.name, fixture] as const))('%s', async ([, fixture]) => {
  const { tensors, get } = await readFixture(`test/fixtures/ops/${fixture.name}.safetensors`);
  const input = get('input');
  const output = get('output');
  const build = moduleOf(fixture);
  const weights = new Map([...weightsAt(tensors), ...extraWeights(fixture)]);

  const f32 = await runModule(shared.gpu, build, input, weights, { binding });
  expect(f32.shape).toEqual(output.shape);
  const f32Error = relativeMaxError(f32.data, output.data);
  note('f32', fixture.name, f32Error);
  expect(f32Error).toBeLessThanOrEqual(F32);

  const f16 = await runModule(shared.gpu, build, input, weights, { dtype: 'f16', binding });
  const f16Error = relativeMaxError(f16.data, output.data);
  note('f16', fixture.name, f16Error);
  expect(f16Error).toBeLessThanOrEqual(F16);

  const stored = await runModule(shared.gpu, build, input, weights, { dtype: 'f16', activations: 'f16', binding });
  const storedError = relativeMaxError(stored.data, output.data);
  note('f16, activations too', fixture.name, storedError);
  expect(storedError).toBeLessThanOrEqual(F16);

  // The kernels of other adapters and the algorithms of other sizes. An op without a convolution has one form only.
  const seen = new Set<string>();
  for (const [name, target] of isThorough ? others(shared.gpu) : []) {
    for (const dtype of target.kernels?.conv === 'f16' ? (['f16'] as const) : (['f32', 'f16'] as const)) {
      const { dispatches } = planModule(shared.gpu, build, input.shape, { dtype, binding, target }).plan;
      const form = dispatches
        .map(({ dispatch }) => [dispatch.shader.code, JSON.stringify(dispatch.constants)].join())
        .join();
      if (seen.has(form)) continue;
      seen.add(form);
      const other = await runModule(shared.gpu, build, input, weights, { dtype, binding, target });
      const error = relativeMaxError(other.data, output.data);
      note(`${dtype}, ${name}`, fixture.name, error);
      expect(error, `${name} in ${dtype}`).toBeLessThanOrEqual(dtype === 'f32' ? F32 : F16);
    }
  }

  const rounded = await runModule(shared.gpu, build, input, withRoundedMatrices(weights), { binding });
  const storageError = relativeMaxError(f16.data, rounded.data);
  note('f16 against f32 of rounded weights', fixture.name, storageError);
  expect(storageError).toBeLessThanOrEqual(STORAGE);
});

/** Rounds weights as f16 storage does: those of two and more dimensions. Vectors stay f32. */
function withRoundedMatrices(weights: ReadonlyMap<string, RawWeight>): Map<string, RawWeight> {
  const round = ({ shape, data }: RawWeight) => ({ shape, data: roundToF16(data as Float32Array) });
  return new Map([...weights].map(([key, weight]) => [key, weight.shape.length > 1 ? round(weight) : weight]));
}
