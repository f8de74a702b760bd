/**
 * Calls: an abort ends a waiting one at once, progress counts FLOPs, wrong options are refused, late refusals of the
 * driver reach the call.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DeviceError, InputError, type AutoencoderDC } from '../../src/index.ts';
import { fileGpu } from '../support/device.ts';
import { failure } from '../support/failure.ts';
import { asTensor, loadNano, testPicture } from '../support/nano.ts';

const shared = fileGpu();
let ae: AutoencoderDC;
beforeAll(async () => {
  ae = await loadNano({ device: shared.watched.device });
});
afterAll(() => ae.dispose());

describe('a call', () => {
  test('that waits for another ends at once when aborted', async () => {
    const picture = asTensor(testPicture(256, 256));
    const running = ae.encode(picture);
    using latent = (await ae.encode(testPicture(8, 8))).latent;
    const busy = ae.encode(picture);
    const controller = new AbortController();
    const { signal } = controller;
    let isBusy = true;
    void busy.finally(() => (isBusy = false));
    const waiting = [
      ae.encode(picture, { signal }),
      ae.decode(latent, { signal }),
      ae.forward(picture, { signal }),
      ae.decodeStrips(latent, { signal }).next(),
      ae.decodeTo(new OffscreenCanvas(1, 1), latent, { signal }),
    ];
    const settled = Promise.allSettled(waiting);
    controller.abort(new Error('enough'));
    const results = await settled;
    expect(isBusy).toBe(true);
    expect(results.map((result) => result.status === 'rejected' && String(result.reason))).toEqual(
      waiting.map(() => 'Error: enough'),
    );
    (await busy).latent.dispose();
    (await running).latent.dispose();
  });

  test('tells its progress by share of the FLOPs, never backwards, up to 1', async () => {
    for (const memoryBudget of [undefined, 2 ** 22]) {
      const fractions: number[] = [];
      const call = ae.forward(testPicture(192, 192), {
        ...(memoryBudget !== undefined && { memoryBudget }),
        onProgress: ({ fraction, done, total }) => {
          expect(done).toBeLessThanOrEqual(total);
          fractions.push(fraction);
        },
      });
      (await call).sample.dispose();
      const second = fractions.indexOf(1) + 1;
      for (const run of [fractions.slice(0, second), fractions.slice(second)]) {
        expect(run.at(-1)).toBe(1);
        expect([...run].sort((a, b) => a - b)).toEqual(run);
      }
    }
  });

  test.for<[object, RegExp]>([
    [{ progress_callback: () => undefined }, /no option "progress_callback". Did you mean "onProgress"/],
    [{ budget: 1e9 }, /Did you mean "memoryBudget"/],
    [{ signal: new AbortController() }, /options.signal must be an AbortSignal/],
    [{ onProgress: 'log' }, /options.onProgress must be a function/],
    [{ memoryBudget: '1e9' }, /options.memoryBudget must be a positive number/],
  ])('with a wrong option is refused: %o', async ([options, message]) => {
    await failure(ae.encode(testPicture(8, 8), options), InputError, 'input', message);
    const latent = { data: new Float32Array(16), shape: [1, 16, 1, 1] };
    await failure(ae.decode(latent, options), InputError, 'input', message);
    await failure(ae.decodeStrips(latent, options).next(), InputError, 'input', message);
  });

  test('whose submit the driver refuses rejects with a DeviceError', async () => {
    const { device, uncaptured } = shared.watched;
    const { copyBufferToBuffer } = GPUCommandEncoder.prototype;
    GPUCommandEncoder.prototype.copyBufferToBuffer = function (this: GPUCommandEncoder, ...args: unknown[]) {
      const [source, , target] = args as [GPUBuffer, number, GPUBuffer];
      copyBufferToBuffer.call(this, source, 2, target, 0, 4); // offsets must be multiples of 4
    } as typeof copyBufferToBuffer;
    try {
      await failure(ae.encode(testPicture(16, 16)), DeviceError, 'gpu', /The GPU driver rejected the result/);
    } finally {
      GPUCommandEncoder.prototype.copyBufferToBuffer = copyBufferToBuffer;
    }
    await device.queue.onSubmittedWorkDone();
    expect(uncaptured).toEqual([]);
    (await ae.encode(testPicture(16, 16))).latent.dispose();
  });
});

test('models and results are left alone by Vue’s proxies', async () => {
  using latent = (await ae.encode(testPicture(8, 8))).latent;
  for (const object of [ae, latent]) expect(Reflect.get(object, '__v_skip')).toBe(true);
});

test('drawTo and decodeTo refuse things that are no canvas', async () => {
  using sample = (await ae.forward(testPicture(8, 8))).sample;
  for (const target of [null, undefined, 'canvas', {}]) {
    await failure(sample.drawTo(target as never), InputError, 'input', /drawTo needs an HTMLCanvasElement/);
    const latent = { data: new Float32Array(16), shape: [1, 16, 1, 1] };
    await failure(ae.decodeTo(target as never, latent), InputError, 'input', /decodeTo needs a canvas/);
  }
});
