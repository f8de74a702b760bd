// Work that ends early: by dispose(), an AbortSignal, a lost device, or a missing one. Calls reject at once with the
// right error, nothing is left on the GPU, and the driver has reported no error.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AutoencoderDC, DeviceError, DisposedError, type ByteSource, type LoadOptions } from '../../src/index.ts';
import { watchedDevice, type WatchedDevice } from '../support/device.ts';
import { failure } from '../support/failure.ts';
import { firstDifference } from '../support/fixtures.ts';
import { asTensor, loadNano, nanoSource, testPicture } from '../support/nano.ts';

let watched: WatchedDevice;
beforeEach(async () => {
  watched = await watchedDevice();
});
afterEach(async () => {
  await watched.device.queue.onSubmittedWorkDone();
  expect(watched.live()).toEqual([]);
  expect(watched.uncaptured).toEqual([]);
  watched.device.destroy();
});

/** Calls `then` when the device has been given `count` more submits. */
function afterSubmits(device: GPUDevice, count: number, then: () => void): void {
  const { queue } = device;
  let left = count;
  queue.submit = (buffers) => {
    GPUQueue.prototype.submit.call(queue, buffers);
    if (--left === 0) then();
  };
}

/** A source with a method that never answers. `then` is called while the caller waits for it. */
function hanging(method: 'size' | 'read', then: () => void): ByteSource {
  const hang = () => {
    setTimeout(then);
    return new Promise<never>(() => undefined);
  };
  return { ...nanoSource, [method]: hang };
}

describe('after dispose()', () => {
  test.for([1, 2])(
    'a model rejects every call, including waiting and running ones: %i submits into a call',
    async (submits) => {
      const model = await loadNano({ device: watched.device });
      const picture = testPicture(64, 64);
      const { latent } = await model.encode(picture);
      afterSubmits(watched.device, submits, () => model.dispose());
      const calls = [model.encode(picture), model.decode(latent), model.forward(picture)];
      await Promise.all(calls.map((call) => failure(call, DisposedError, 'disposed', /was used after its dispose/)));
      await failure(model.encode(picture), DisposedError, 'disposed', /create a new one/);
      await failure(model.decode(latent), DisposedError, 'disposed', /create a new one/);
      // on a device that was handed in, results outlive their model
      expect((await latent.toArray()).length).toBe(16 * 64);
      latent.dispose();
    },
  );

  test('a model destroys its own device and the results on it', async () => {
    const model = await loadNano();
    const { latent } = await model.encode(testPicture(8, 8));
    model.dispose();
    await failure(latent.toArray(), DisposedError, 'disposed', /after the last use/);
    latent.dispose();
  });

  test('a latent and a sample reject every call', async () => {
    const model = await loadNano({ device: watched.device });
    const { latent } = await model.encode(testPicture(8, 8));
    const { sample } = await model.decode(latent);
    for (const result of [latent, sample]) {
      result.dispose();
      result.dispose();
      await failure(result.toArray(), DisposedError, 'disposed', /result was used after its dispose/);
      expect(() => result.buffer).toThrow(DisposedError);
    }
    await failure(model.decode(latent), DisposedError, 'disposed', /result was used after its dispose/);
    await failure(sample.toImageData(), DisposedError, 'disposed', /result was used after its dispose/);
    await failure(
      sample.drawTo(document.createElement('canvas')),
      DisposedError,
      'disposed',
      /result was used after its dispose/,
    );
    model.dispose();
  });
});

describe('an aborted', () => {
  const reason = new Error('changed my mind');

  test('load rejects with the reason: before it starts', async () => {
    const signal = AbortSignal.abort(reason);
    await expect(loadNano({ device: watched.device, signal })).rejects.toBe(reason);
  });

  test.for(['size', 'read'] as const)(
    'load rejects with the reason: while %s() of its source hangs',
    async (method) => {
      const abort = new AbortController();
      const source = hanging(method, () => abort.abort(reason));
      const loading = AutoencoderDC.fromPretrained(source, { device: watched.device, signal: abort.signal });
      await expect(loading).rejects.toBe(reason);
    },
  );

  test.for(['resolve', 'download', 'upload', 'compile'] as const)(
    'load rejects with the reason: in phase %s',
    async (phase) => {
      const abort = new AbortController();
      const onProgress: LoadOptions['onProgress'] = (progress) => {
        if (progress.phase === phase && (phase !== 'download' || progress.loaded > 1000)) abort.abort(reason);
      };
      await expect(loadNano({ device: watched.device, signal: abort.signal, onProgress })).rejects.toBe(reason);
      // once more, and nothing stands in the way
      (await loadNano({ device: watched.device })).dispose();
    },
  );

  test('run rejects with the reason, before it starts and in the middle, and the model still works', async () => {
    const model = await loadNano({ device: watched.device });
    const picture = asTensor(testPicture(128, 128));
    const { latent } = await model.encode(picture);
    const expected = await latent.toArray();
    const aborted = AbortSignal.abort(reason);
    await expect(model.encode(picture, { signal: aborted })).rejects.toBe(reason);
    await expect(model.decode(latent, { signal: aborted })).rejects.toBe(reason);
    await expect(model.forward(picture, { signal: aborted })).rejects.toBe(reason);
    for (const submits of [1, 2, 3]) {
      const abort = new AbortController();
      afterSubmits(watched.device, submits, () => abort.abort(reason));
      await expect(model.forward(picture, { signal: abort.signal })).rejects.toBe(reason);
      // one that waits behind it is not touched
      const { latent: again } = await model.encode(picture);
      expect(firstDifference(await again.toArray(), expected)).toBeUndefined();
      again.dispose();
    }
    latent.dispose();
    model.dispose();
  });
});

describe('a device that is lost', () => {
  /** Buffers of a lost device need no freeing. */
  const forget = () => {
    watched = { ...watched, live: () => [] };
  };

  test('during a run ends that call, waiting calls and all later ones', async () => {
    const model = await loadNano({ device: watched.device });
    const picture = testPicture(64, 64);
    const { latent } = await model.encode(picture);
    afterSubmits(watched.device, 2, () => watched.device.destroy());
    const calls = [model.encode(picture), model.decode(latent), model.forward(picture), latent.toArray()];
    const lost = (call: Promise<unknown>) =>
      failure(call, DeviceError, 'device-lost', /device was lost/, /Dispose of this model and load it again/);
    await Promise.all(calls.map(lost));
    for (const call of [() => model.encode(picture), () => model.decode(latent), () => latent.toArray()])
      await lost(call());
    latent.dispose();
    model.dispose();
    forget();
  });

  test.for(['size', 'read'] as const)('while a load waits for %s() ends the load', async (method) => {
    const source = hanging(method, () => watched.device.destroy());
    const loading = AutoencoderDC.fromPretrained(source, { device: watched.device });
    await failure(loading, DeviceError, 'device-lost', /load it again/);
    forget();
  });

  test.for(['download', 'upload'] as const)('while a load is in phase %s ends the load', async (phase) => {
    const onProgress: LoadOptions['onProgress'] = (progress) => {
      if (progress.phase === phase) watched.device.destroy();
    };
    await failure(loadNano({ device: watched.device, onProgress }), DeviceError, 'device-lost', /load it again/);
    forget();
  });

  test('before the load is refused', async () => {
    watched.device.destroy();
    await watched.device.lost;
    await failure(loadNano({ device: watched.device }), DeviceError, 'device-lost', /load it again/);
    forget();
  });
});

const GPU_OF_PAGE = navigator.gpu;

describe('without WebGPU', () => {
  const stubGpu = (value: unknown) => Object.defineProperty(navigator, 'gpu', { value, configurable: true });
  afterEach(() => {
    Reflect.deleteProperty(navigator, 'gpu');
    expect(navigator.gpu).toBeInstanceOf(GPU);
  });

  test('in full, a device of the compatibility mode is used', async () => {
    const { requestAdapter } = GPU.prototype;
    const asked: unknown[] = [];
    const compatible = {
      requestAdapter: (options: GPURequestAdapterOptions) => {
        asked.push(options.featureLevel);
        const isCore = options.featureLevel === undefined || options.featureLevel === 'core';
        return isCore ? Promise.resolve(null) : requestAdapter.call(GPU_OF_PAGE, options);
      },
    };
    stubGpu(compatible);
    using model = await loadNano();
    expect(asked).toEqual([undefined, 'compatibility']);
    expect(model.device.features.has('core-features-and-limits')).toBe(false);
    (await model.encode(testPicture(16, 8))).latent.dispose();
  });

  const device = { limits: {}, features: new Set(), requestDevice: () => Promise.reject(new Error('no')) };
  test.for<[string, unknown, RegExp]>([
    ['no navigator.gpu', undefined, /no WebGPU.*Use Chrome or Edge/],
    ['no adapter', { requestAdapter: async () => null }, /no adapter.*hardware acceleration/],
    ['no device', { requestAdapter: async () => device }, /no device.*Reload the page/],
  ])('%s: the error says what to do', async ([, gpu, pattern]) => {
    stubGpu(gpu);
    await failure(loadNano(), DeviceError, 'unsupported', pattern);
  });
});

describe('a device that cannot provide', () => {
  /** Makes the device say that it binds no more bytes than this. */
  function limitBindings(maxStorageBufferBindingSize: number): void {
    const limits = new Proxy(watched.device.limits, {
      get: (own, name) =>
        name === 'maxStorageBufferBindingSize' ? maxStorageBufferBindingSize : Reflect.get(own, name),
    });
    Object.defineProperty(watched.device, 'limits', { value: limits });
  }

  // As f128c512 is loaded where 128 MiB are bound at most: the inputs that shaders are compiled for have tensors of 4
  // MiB here.
  test('large tensors still loads weights that fit', async () => {
    const picture = testPicture(24, 16);
    const numbers = async (): Promise<Float32Array> => {
      using model = await loadNano({ device: watched.device });
      using latent = (await model.encode(picture)).latent;
      using sample = (await model.decode(latent)).sample;
      return await sample.toArray();
    };
    const expected = await numbers();
    limitBindings(150_000);
    expect(firstDifference(await numbers(), expected)).toBeUndefined();
  });

  test('buffers as large as the weights names the limit', async () => {
    limitBindings(5000);
    await failure(
      loadNano({ device: watched.device }),
      DeviceError,
      'limits',
      /allows 5000/,
      /maxStorageBufferBindingSize/,
    );
  });

  test.for(['weights', 'activations', 'result'])('the buffers of the %s rejects the call', async (what) => {
    const model = what === 'weights' ? undefined : await loadNano({ device: watched.device });
    const label = { weights: 'encoder.conv_in.conv.bias', activations: 'activations 1', result: 'result' }[what];
    const { device } = watched;
    const create = device.createBuffer;
    // A buffer that is larger than allowed is a validation error, which the driver reports later.
    device.createBuffer = (descriptor) =>
      create(descriptor.label === label ? { ...descriptor, size: 4 * device.limits.maxBufferSize } : descriptor);
    const work = model ? model.encode(testPicture(16, 16)) : loadNano({ device });
    await failure(work, DeviceError, 'gpu', /The GPU driver rejected/);
    device.createBuffer = create;
    if (model) {
      const { latent } = await model.encode(testPicture(16, 16));
      latent.dispose();
      model.dispose();
    }
  });
});
