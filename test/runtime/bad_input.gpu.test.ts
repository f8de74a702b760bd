// Invalid inputs and options. Each one is a typed error with a remedy. Afterwards nothing is left on the GPU, the
// driver has reported no error, and the model still works.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type AutoencoderDC, DeviceError, InputError, type ImageInput, type LoadOptions } from '../../src/index.ts';
import { watchedDevice, type WatchedDevice } from '../support/device.ts';
import { failure } from '../support/failure.ts';
import { loadNano, testPicture } from '../support/nano.ts';

let watched: WatchedDevice;
let ae: AutoencoderDC;
let before: string[];
beforeAll(async () => {
  watched = await watchedDevice('default');
  ae = await loadNano({ device: watched.device });
});
beforeEach(() => {
  before = watched.live();
});
afterEach(async () => {
  await watched.device.queue.onSubmittedWorkDone();
  // a model keeps the buffers of its last size, whatever that was
  const others = (labels: readonly string[]) => labels.filter((label) => !/^(activations|params)/.test(label));
  expect(others(watched.live())).toEqual(others(before));
  expect(watched.uncaptured).toEqual([]);
});
afterAll(() => {
  ae.dispose();
  expect(watched.live()).toEqual([]);
  watched.device.destroy();
});

describe('an image', () => {
  const { data: pixels } = testPicture(4, 4);
  const tensor = { data: new Float32Array(3 * 64), shape: [1, 3, 8, 8] };
  const with_ = (index: number, value: number) => {
    const data = tensor.data.slice();
    data[index] = value;
    return { ...tensor, data };
  };
  const bad: Record<string, [image: () => unknown, ...patterns: RegExp[]]> = {
    'of zero size': [
      () => ({ data: new Uint8ClampedArray(0), width: 0, height: 0 }),
      /0 x 0 pixels/,
      /positive integers/,
    ],
    'of zero height': [() => ({ data: new Uint8ClampedArray(0), width: 5, height: 0 }), /5 x 0/, /positive integers/],
    'that has not loaded': [() => new Image(), /0 x 0/, /Wait until an <img> has loaded/],
    'that is an empty canvas': [() => new OffscreenCanvas(0, 3), /0 x 3/, /positive integers/],
    'with fewer bytes than pixels': [
      () => ({ data: pixels, width: 5, height: 4 }),
      /must hold 80 RGBA values/,
      /it holds 64/,
    ],
    'in a file that is no picture': [
      () => new Blob(['no picture'], { type: 'image/png' }),
      /not a picture that this environment can decode/,
      /Convert it/,
    ],
    'that is no picture': [() => ({ hello: 'world' }), /encode takes an ImageData/],
    'that is a number': [() => 42, /encode takes an ImageData/, /it was given 42/],
    'that is nothing': [() => undefined, /encode takes an ImageData/],
    'with NaN in it': [() => with_(17, NaN), /image.data holds NaN at index 17/, /finite/],
    'with infinity in it': [() => with_(3, -Infinity), /holds -Infinity at index 3/, /finite/],
    'of the wrong number of channels': [
      () => ({ ...tensor, shape: [1, 4, 8, 6] }),
      /must have 3 channels/,
      /\[1, 4, 8, 6\]/,
    ],
    'of three dimensions': [() => ({ ...tensor, shape: [3, 8, 8] }), /\[N, 3, H, W\]/, /it was \[3, 8, 8\]/],
    'of no batch at all': [() => ({ data: new Float32Array(0), shape: [0, 3, 8, 8] }), /positive integers/],
    'with fewer numbers than its shape': [
      () => ({ ...tensor, shape: [2, 3, 8, 8] }),
      /must hold 384 numbers/,
      /it holds 192/,
    ],
    'of 16-bit integers': [() => ({ ...tensor, data: new Uint16Array(192) }), /must be a Float32Array/, /Uint16Array/],
    'as a tensor of sides that do not fit': [
      () => ({ data: new Float32Array(3 * 8 * 12), shape: [1, 3, 8, 12] }),
      /8 x 12 doesn't fit this network, whose images' sides are multiples of 8/,
      /Pad or crop/,
    ],
  };

  test.for(Object.keys(bad))('%s', async (name) => {
    const [image, ...patterns] = bad[name]!;
    await failure(ae.encode(image() as ImageInput), InputError, 'input', ...patterns);
  });

  test('that exceeds the memory budget', async () => {
    const data = new Uint8ClampedArray(4 * 2048 * 1040).fill(255);
    const picture = { data, width: 2048, height: 1040 };
    const words = [
      /1040 x 2048 does not fit a memory budget of 8 MiB/,
      /smallest budget that fits is about \d+ MiB/,
      /Raise/,
    ];
    await failure(ae.encode(picture, { memoryBudget: 8 * 2 ** 20 }), DeviceError, 'limits', ...words);
    const planned = ae.plan({ which: 'encoder', ...picture, memoryBudget: 8 * 2 ** 20 });
    await expect(planned).rejects.toThrow(/smallest budget that fits/);
  });

  test.for([0, -1, NaN])('with a memory budget of %o', async (memoryBudget) => {
    const data = new Uint8ClampedArray(4 * 64).fill(255);
    const encoded = ae.encode({ data, width: 8, height: 8 }, { memoryBudget });
    await failure(encoded, InputError, 'input', /memoryBudget must be a positive number of bytes/);
  });

  test('that is a texture of another device, of an unreadable usage or kind, or destroyed', async () => {
    const other = await watchedDevice();
    const { TEXTURE_BINDING, COPY_DST } = GPUTextureUsage;
    const texture = (device: GPUDevice, options: Partial<GPUTextureDescriptor> = {}) =>
      device.createTexture({ size: [8, 8], format: 'rgba8unorm', usage: TEXTURE_BINDING | COPY_DST, ...options });
    const textures = [
      texture(other.device),
      texture(watched.device, { usage: COPY_DST }),
      texture(watched.device, { format: 'r32uint' }),
      texture(watched.device, { size: [8, 8, 3] }),
      texture(watched.device),
    ];
    textures.at(-1)!.destroy();
    for (const image of textures) {
      await failure(ae.encode(image), InputError, 'input', /GPUTexture/, /same device/, /TEXTURE_BINDING/);
    }
    expect(other.uncaptured).toEqual([]);
    for (const image of textures) image.destroy();
    other.device.destroy();
  });
});

describe('a latent', () => {
  const good = { data: new Float32Array(16 * 4), shape: [1, 16, 2, 2] };
  const bad: Record<string, [latent: () => unknown, ...patterns: RegExp[]]> = {
    'with NaN in it': [
      () => ({ ...good, data: good.data.map((_, i) => (i === 5 ? NaN : 0)) }),
      /latent.data holds NaN at index 5/,
      /finite/,
    ],
    'of the wrong number of channels': [
      () => ({ ...good, shape: [1, 32, 2, 1] }),
      /must have 16 channels/,
      /\[1, 32, 2, 1\]/,
    ],
    'of two dimensions': [() => ({ ...good, shape: [16, 4] }), /\[N, 16, H, W\]/],
    'of fractional size': [() => ({ ...good, shape: [1, 16, 0.5, 8] }), /positive integers/],
    'with more numbers than its shape': [() => ({ ...good, shape: [1, 16, 1, 2] }), /must hold 32 numbers/],
    'of a picture without height': [
      () => ({ ...good, imageSize: { height: 0, width: 8 } }),
      /latent.imageSize must be/,
      /at most 16 x 16/,
      /Leave it out/,
    ],
    'of a picture of fractional size': [
      () => ({ ...good, imageSize: { height: 4.5, width: 8 } }),
      /latent.imageSize must be/,
    ],
    'that is a picture': [() => testPicture(8, 8), /decode takes a latent of encode/],
    'that is nothing': [() => null, /decode takes a latent of encode/],
  };

  test.for(Object.keys(bad))('%s', async (name) => {
    const [latent, ...patterns] = bad[name]!;
    await failure(ae.decode(latent() as typeof good), InputError, 'input', ...patterns);
  });

  test('of another device', async () => {
    const other = await loadNano();
    const { latent } = await other.encode(testPicture(8, 8));
    await failure(ae.decode(latent), InputError, 'input', /on another device/, /await latent.toArray\(\)/);
    other.dispose();
  });

  test('whose picture exceeds the memory budget', async () => {
    const shape = [1, 16, 64, 140];
    const huge = ae.decode({ data: new Float32Array(16 * 64 * 140), shape }, { memoryBudget: 2 ** 20 });
    await failure(huge, DeviceError, 'limits', /64 x 140 does not fit a memory budget of 1 MiB/, /smallest/, /Raise/);
  });
});

test('a valid call works after all failures', async () => {
  const picture = testPicture(16, 8);
  const { latent } = await ae.encode(picture);
  expect(latent.shape).toEqual([1, 16, 1, 2]);
  latent.dispose();
});

test.for<[string, LoadOptions, RegExp]>([
  ['dtype', { dtype: 'f64' as 'f32' }, /options.dtype must be one of "f32", "f16"; it was "f64"/],
  ['activations', { activations: 'bf16' as 'f16' }, /options.activations must be one of "f32", "f16"; it was "bf16"/],
  ['networks', { networks: 'head' as 'both' }, /options.networks must be one of "both", "encoder", "decoder"/],
  ['device', { device: {} as GPUDevice }, /options.device must be a GPUDevice/],
])('an invalid value of options.%s is an InputError', async ([, options, pattern]) => {
  await failure(loadNano({ device: watched.device, ...options }), InputError, 'input', pattern);
});
