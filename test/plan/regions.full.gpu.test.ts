// Images that no device holds in one piece, on an adapter that binds 128 MiB at a time where it is lavapipe. They are
// what a decode in one piece gives, at the places where that is known (test/fixtures/README.md). Under another budget,
// and so cut at other places, the rows from the upper border to below the middle have the same bytes.
import { expect, test } from 'vitest';
import { watchedDevice } from '../support/device.ts';
import { firstDifference, readFixture } from '../support/fixtures.ts';
import { hashModelFixture, loadHashModel } from '../support/hash_model.ts';
import { hashTensor } from '../support/hash_weights.ts';

const MiB = 2 ** 20;
const GiB = 2 ** 30;

interface Case {
  readonly name: string;
  /** Of the picture. */
  readonly side: number;
  readonly memoryBudget: number;
  /** Of the decode that is compared. */
  readonly otherBudget: number;
  /** Places of the picture that were computed in one piece, in double precision. */
  readonly places?: string;
}

/** The error of a picture at each place, relative to the largest value of all places. */
async function placeErrors(name: string, file: string, picture: Float32Array, side: number): Promise<PlaceError[]> {
  const places = await readFixture(`test/fixtures/hash-models/${name}/${file}`);
  const { data, shape } = places.get('reconstruction');
  const at = places.get('at').data;
  const [count = 0, channels = 0, height = 0, width = 0] = shape;
  const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const size = channels * height * width;
  return Array.from({ length: count }, (_, place) => {
    const [top, left] = [at[2 * place]!, at[2 * place + 1]!];
    const differences = data.subarray(size * place, size * (place + 1)).map((expected, i) => {
      const [channel, row] = [Math.floor(i / width / height), Math.floor(i / width) % height];
      return Math.abs(picture[(channel * side + top + row) * side + left + (i % width)]! - expected);
    });
    return { top, left, error: Math.max(...differences) / largest };
  });
}

interface PlaceError {
  readonly top: number;
  readonly left: number;
  readonly error: number;
}

test.for<Case>([
  { name: 'dc-ae-f32c32-sana-1.0', side: 1024, memoryBudget: GiB, otherBudget: 0.6 * GiB },
  {
    name: 'sana-quarter',
    side: 4096,
    memoryBudget: 512 * MiB,
    otherBudget: 800 * MiB,
    places: 'places-4096x4096.safetensors',
  },
])('$name decodes $side x $side in its budget', async ({ name, side, memoryBudget, otherBudget, places }) => {
  const { device, allocated, live, uncaptured } = await watchedDevice();
  const ae = await loadHashModel(name, { dtype: 'f32', device, networks: 'decoder' });
  const loaded = allocated();
  const size = side / ae.spatialCompressionRatio;
  const shape = [1, ae.config.latentChannels, size, size];
  const plan = await ae.plan({ which: 'decoder', height: side, width: side, memoryBudget });
  const started = performance.now();
  let peak = 0;
  const onProgress = (): void => {
    peak = Math.max(peak, allocated() - loaded);
  };
  const latent = { data: hashTensor('latent', shape), shape };
  const { sample } = await ae.decode(latent, { memoryBudget, onProgress });
  const result = sample.bands.reduce((sum, { buffer }) => sum + buffer.size, 0);
  await device.queue.onSubmittedWorkDone();
  const seconds = (performance.now() - started) / 1000;
  console.info(
    `${name} at ${side}: ${plan.regions} regions, recompute ${plan.recompute.toFixed(3)}, ${plan.dispatches} dispatches, planned ` +
      `${(plan.peakBytes / MiB).toFixed(1)} MiB, allocated ${((peak - result) / MiB).toFixed(1)} MiB beside the result, ${seconds.toFixed(0)} s`,
  );
  expect(plan.regions).toBeGreaterThan(1);
  expect(peak - result).toBeLessThanOrEqual(1.05 * plan.peakBytes);
  if (places !== undefined) {
    const { tolerance } = await hashModelFixture(name);
    const errors = await placeErrors(name, places, await sample.toArray(), side);
    console.info(errors.map(({ top, left, error }) => `(${top}, ${left}) ${error.toExponential(1)}`).join(', '));
    for (const { top, left, error } of errors)
      expect(error, `at row ${top}, column ${left}`).toBeLessThanOrEqual(tolerance.f32_rel_max);
  }
  const { data } = await sample.toPixels();
  sample.dispose();
  expect(new Set(data).size).toBeGreaterThan(100); // it is no flat picture

  const other = await ae.plan({ which: 'decoder', height: side, width: side, memoryBudget: otherBudget });
  expect(other.regions).not.toBe(plan.regions);
  let rows = 0;
  for await (const strip of ae.decodeStrips(latent, { memoryBudget: otherBudget })) {
    const same = data.subarray(4 * side * strip.y, 4 * side * (strip.y + strip.height));
    expect(firstDifference(strip.data, same), `rows from ${strip.y} on, ${other.regions} regions`).toBeUndefined();
    rows = strip.y + strip.height;
    if (rows > side / 2) break;
  }
  expect(rows).toBeGreaterThan(side / 2);
  ae.dispose();
  expect(live()).toEqual([]);
  expect(uncaptured).toEqual([]);
  device.destroy();
});
