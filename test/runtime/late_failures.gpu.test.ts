/**
 * Failures that the GPU reports late: memory that runs out, work that the driver refuses. Each one rejects the call
 * that caused it, frees what the call had made, and leaves the model usable.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DeviceError, type AutoencoderDC } from '../../src/index.ts';
import { watchedDevice, type WatchedDevice } from '../support/device.ts';
import { failure } from '../support/failure.ts';
import { firstDifference } from '../support/fixtures.ts';
import { gpuFaults, type GpuFaults } from '../support/gpu_faults.ts';
import { asTensor, loadNano, testPicture } from '../support/nano.ts';

let watched: WatchedDevice;
let faults: GpuFaults;
let texture: GPUTexture;
beforeEach(async () => {
  watched = await watchedDevice();
  const usage = GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_SRC;
  texture = watched.device.createTexture({ label: 'own', size: [16, 8], format: 'rgba8unorm', usage });
  faults = gpuFaults();
});
afterEach(async () => {
  faults.restore();
  texture.destroy();
  await watched.device.queue.onSubmittedWorkDone();
  expect(watched.uncaptured).toEqual([]);
  expect(watched.live()).toEqual([]);
  watched.device.destroy();
});

/** Calls of every kind: each uses the GPU in its own way and frees its results. */
const CALLS: Record<string, (ae: AutoencoderDC) => Promise<void>> = {
  'encode a picture': async (ae) => (await ae.encode(testPicture(21, 16))).latent.dispose(),
  'encode a file': async (ae) => {
    const canvas = new OffscreenCanvas(16, 8);
    canvas.getContext('2d');
    (await ae.encode(await canvas.convertToBlob())).latent.dispose();
  },
  'encode a texture': async (ae) => (await ae.encode(texture)).latent.dispose(),
  'forward a tensor and read numbers': async (ae) => {
    using sample = (await ae.forward(asTensor(testPicture(16, 16)))).sample;
    await sample.toArray();
  },
  'decode a result and read pixels': async (ae) => {
    using latent = (await ae.encode(testPicture(16, 16))).latent;
    using sample = (await ae.decode(latent)).sample;
    await sample.toPixels();
    await sample.drawTo(new OffscreenCanvas(1, 1));
  },
  'decode numbers in strips': async (ae) => {
    const latent = { data: new Float32Array(16 * 4), shape: [1, 16, 2, 2] };
    for await (const strip of ae.decodeStrips(latent)) expect(strip.width).toBe(16);
  },
  'encode in tiles': async (ae) => {
    ae.enableTiling({
      tileSampleMinHeight: 32,
      tileSampleMinWidth: 32,
      tileSampleStrideHeight: 24,
      tileSampleStrideWidth: 24,
    });
    try {
      (await ae.encode(testPicture(40, 40))).latent.dispose();
    } finally {
      ae.disableTiling();
    }
  },
  'encode with a profile': async (ae) =>
    (await ae.encode(testPicture(8, 8), { onProfile: () => undefined })).latent.dispose(),
};

test.for(Object.keys(CALLS))('%s: every error reaches the call', async (name) => {
  const call = CALLS[name]!;
  using model = await loadNano({ device: watched.device });
  await call(model);
  const kept = watched.live();
  const before = faults.scopes();
  await call(model);
  const count = faults.scopes() - before;
  expect(count).toBeGreaterThan(1);
  expect(faults.unscoped).toEqual([]);
  for (const [kind, code] of [
    ['out-of-memory', 'limits'],
    ['validation', 'gpu'],
  ] as const) {
    for (let index = 0; index < count; index++) {
      faults.fail(index, kind);
      const error: unknown = await call(model).catch((caught: unknown) => caught);
      // a texture of the caller that cannot be read is an invalid input
      const codes = name === 'encode a texture' && code === 'gpu' ? ['gpu', 'input'] : [code];
      expect(codes, `${kind} in scope ${index} of ${count}`).toContain((error as DeviceError).code);
      expect((error as Error).message).toMatch(/out of memory|driver rejected|could not be read/);
      await watched.device.queue.onSubmittedWorkDone();
    }
  }
  await call(model);
  expect(watched.live()).toEqual(kept);
});

test('a load: memory that runs out rejects it, and the next one succeeds', async () => {
  const { device } = watched;
  (await loadNano({ device })).dispose();
  expect(faults.unscoped).toEqual([]);
  const count = faults.scopes();
  for (const index of [1, 2, 3, count >> 2, count >> 1, count - 2, count - 1]) {
    faults.fail(index, 'out-of-memory');
    await failure(loadNano({ device }), DeviceError, 'limits', /ran out of memory for the weights/, /"f16"/);
    expect(watched.live()).toEqual(['own']);
  }
  (await loadNano({ device })).dispose();
});

test('a readback that the GPU cannot map rejects with a DeviceError, also where the device is lost later', async () => {
  const model = await loadNano({ device: watched.device });
  const { latent } = await model.encode(testPicture(16, 8));
  const expected = await latent.toArray();
  const { mapAsync } = GPUBuffer.prototype;
  try {
    GPUBuffer.prototype.mapAsync = () => Promise.reject(new DOMException('no memory', 'OperationError'));
    await failure(latent.toArray(), DeviceError, 'gpu', /could not hand a result to JavaScript/, /Try again/);
    GPUBuffer.prototype.mapAsync = mapAsync;
    expect(firstDifference(await latent.toArray(), expected)).toBeUndefined();

    GPUBuffer.prototype.mapAsync = () => {
      setTimeout(() => watched.device.destroy());
      return Promise.reject(new DOMException('the device is going', 'AbortError'));
    };
    await failure(latent.toArray(), DeviceError, 'device-lost', /load it again/);
  } finally {
    GPUBuffer.prototype.mapAsync = mapAsync;
  }
  latent.dispose();
  model.dispose();
});
