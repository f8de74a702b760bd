// Activations stored in f16. Only their storage differs from f32: test/kernels and networks.gpu.test.ts compare
// numbers.
import { expect, test } from 'vitest';
import { IDENTITY } from '../../src/graph/ops.ts';
import { fileGpu } from '../support/device.ts';
import { firstDifference, relativeMaxError } from '../support/fixtures.ts';
import { loadNano, testPicture } from '../support/nano.ts';
import { psnr } from '../support/picture_quality.ts';
import { runModule } from '../support/run_module.ts';

const shared = fileGpu();

test('a trained model gives the same picture within one level, in less memory', async () => {
  const { device } = shared.watched;
  using full = await loadNano({ device });
  using f16 = await loadNano({ device, activations: 'f16' });
  expect([full.activations, f16.activations]).toEqual(['f32', 'f16']);
  const picture = testPicture(200, 136);
  using latent = (await full.encode(picture)).latent;
  using other = (await f16.encode(picture)).latent;
  expect(relativeMaxError(await other.toArray(), await latent.toArray())).toBeLessThan(3e-3);

  // Latents are f32 in both, and each model takes the other's.
  using sample = (await full.decode(other)).sample;
  using stored = (await f16.decode(other)).sample;
  const [a, b] = [await sample.toPixels(), await stored.toPixels()];
  expect(Math.max(...a.data.map((value, i) => Math.abs(value - b.data[i]!)))).toBeLessThanOrEqual(1);
  expect(psnr({ ...a, bytes: 4 }, { ...b, bytes: 4 })).toBeGreaterThan(60);

  const size = { height: 136, width: 200 };
  const encoder = await f16.plan({ which: 'encoder', ...size });
  const decoder = await f16.plan({ which: 'decoder', ...size });
  expect(f16.memory.activations).toBe(encoder.peakBytes + decoder.peakBytes);
  expect(f16.memory.activations).toBeLessThan(full.memory.activations);
});

test('numbers beyond f16 become its largest, and numbers of f16 are unchanged', async () => {
  const values = [1e5, 65504, 65505, 1, 2 ** -14, 2 ** -24, 0, 3e38].flatMap((v) => [v, -v]);
  const input = { shape: [1, 3, 1, values.length], data: Float32Array.from([...values, ...values, ...values]) };
  const copied = await runModule(shared.gpu, (b, x) => b.resample('copy', x, 3, IDENTITY), input, new Map(), {
    activations: 'f16',
  });
  const most = (v: number): number => Math.sign(v) * Math.min(Math.abs(v), 65504);
  expect(firstDifference(copied.data, input.data.map(most))).toBeUndefined();
});
