/**
 * Networks on a device that offers only what WebGPU guarantees in its compatibility mode: bindings of 128 MiB, 8
 * storage buffers, 16 KiB of workgroup memory, workgroups of 128, textures of 4096, and no optional feature.
 */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { watchedDevice, type WatchedDevice } from '../support/device.ts';
import { expectNetworks } from '../support/expect_networks.ts';
import { relativeMaxError } from '../support/fixtures.ts';
import { loadNano, testPicture } from '../support/nano.ts';
import { NETWORKS } from '../support/networks.ts';

let watched: WatchedDevice;
beforeAll(async () => {
  watched = await watchedDevice('compatibility');
});
afterAll(async () => {
  await watched.device.queue.onSubmittedWorkDone();
  expect(watched.live()).toEqual([]);
  expect(watched.uncaptured).toEqual([]);
  watched.device.destroy();
});

test('the device offers no more than that', () => {
  const { limits, features } = watched.device;
  expect([...features]).toEqual([]);
  expect(limits.maxStorageBufferBindingSize).toBe(128 * 2 ** 20);
  expect(limits.maxStorageBuffersPerShaderStage).toBe(8);
  expect(limits.maxComputeWorkgroupStorageSize).toBe(16_384);
  expect(limits.maxComputeInvocationsPerWorkgroup).toBe(128);
});

const isFull = inject('variants') === 'all';
const KERNELS = isFull ? (['registers', 'workgroup'] as const) : (['workgroup'] as const);

/** Every network in `npm run test:full`; the ones whose kernels differ most in `npm test`. */
const SOME = isFull ? NETWORKS : ['multiscale', 'quadratic-deep', 'original-in'];
/** Pictures that exceed a texture in width or in height; in `npm run test:full` also a larger square one. */
const SIZES: readonly (readonly [number, number])[] = [
  [5000, 64],
  [72, 5000],
  ...(isFull ? [[1000, 1000] as const] : []),
];

test.for(SOME.flatMap((network) => KERNELS.map((kernels) => [network, kernels] as const)))(
  '%s runs with the kernels "%s"',
  async ([network, kernels]) => {
    const { device } = watched;
    await expectNetworks(network, { device, kernels, note: () => undefined });
  },
);

test.for(SIZES)('a picture of %i x %i gives the numbers of a larger device', async ([width, height]) => {
  const large = await watchedDevice();
  const picture = testPicture(width, height);
  const numbers = async (device: GPUDevice) => {
    using model = await loadNano({ device });
    using latent = (await model.encode(picture)).latent;
    using sample = (await model.decode(latent)).sample;
    return [await latent.toArray(), Float32Array.from((await sample.toPixels()).data)] as const;
  };
  const [latent, pixels] = await numbers(watched.device);
  const [expectedLatent, expectedPixels] = await numbers(large.device);
  expect(relativeMaxError(latent, expectedLatent)).toBeLessThanOrEqual(1e-4);
  expect(pixels.every((value, i) => Math.abs(value - expectedPixels[i]!) <= 1)).toBe(true);
  large.device.destroy();
});
