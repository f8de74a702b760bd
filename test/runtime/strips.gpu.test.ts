// Pictures that are read in rectangles and decoded in strips have the same bytes as in one piece.
import { describe, expect, test } from 'vitest';
import { DeviceError, InputError, type Strip } from '../../src/index.ts';
import { fileGpu, watchedDevice } from '../support/device.ts';
import { failure } from '../support/failure.ts';
import { firstDifference } from '../support/fixtures.ts';
import { loadNano, testPicture } from '../support/nano.ts';
import { randomTensor } from '../support/meets.ts';

const shared = fileGpu();
const SIZE = { width: 203, height: 300 };
const MiB = 2 ** 20;

/** A memory budget that makes the nano network run in several regions. */
const memoryBudget = 3.2 * MiB;

async function nano() {
  return await loadNano({ device: shared.watched.device });
}

describe('a picture', () => {
  test('encodes region by region as in one piece, from pixels, a bitmap, a canvas and a texture', async () => {
    using ae = await nano();
    const picture = testPicture(SIZE.width, SIZE.height);
    const encoded = async (image: Parameters<typeof ae.encode>[0], budget?: number) => {
      using latent = (await ae.encode(image, { memoryBudget: budget })).latent;
      expect(latent.imageSize).toEqual(SIZE);
      return await latent.toArray();
    };
    expect((await ae.plan({ which: 'encoder', ...SIZE, memoryBudget })).regions).toBeGreaterThan(3);
    const expected = await encoded(picture);
    expect(firstDifference(await encoded(picture, memoryBudget), expected)).toBeUndefined();
    const image = new ImageData(picture.data, picture.width, picture.height);
    const bitmap = await createImageBitmap(image);
    expect(firstDifference(await encoded(bitmap, memoryBudget), expected)).toBeUndefined();
    bitmap.close();
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    canvas.getContext('2d')!.putImageData(image, 0, 0);
    expect(firstDifference(await encoded(canvas, memoryBudget), expected)).toBeUndefined();
    const { device } = shared.watched;
    const { TEXTURE_BINDING, COPY_DST } = GPUTextureUsage;
    const usage = TEXTURE_BINDING | COPY_DST;
    const texture = device.createTexture({ size: [SIZE.width, SIZE.height], format: 'rgba8unorm', usage });
    device.queue.writeTexture({ texture }, picture.data, { bytesPerRow: 4 * SIZE.width }, [SIZE.width, SIZE.height]);
    expect(firstDifference(await encoded(texture, memoryBudget), expected)).toBeUndefined();
    texture.destroy();
  });

  test('decodes to strips that form the picture, with an iterator, a stream and a canvas', async () => {
    using ae = await nano();
    using latent = (await ae.encode(testPicture(SIZE.width, SIZE.height))).latent;
    using sample = (await ae.decode(latent)).sample;
    const { data } = await sample.toPixels();
    const put = (picture: Uint8ClampedArray, strip: Strip) => picture.set(strip.data, 4 * strip.width * strip.y);

    const progress: number[] = [];
    const fromIterator = new Uint8ClampedArray(data.length);
    let strips = 0;
    const onProgress = ({ done, total }: { done: number; total: number }) => void progress.push(done / total);
    for await (const strip of ae.decodeStrips(latent, { memoryBudget, onProgress })) {
      expect(strip.image).toEqual(SIZE);
      expect(strip.width).toBe(SIZE.width);
      put(fromIterator, strip);
      strips++;
    }
    expect(strips).toBeGreaterThan(1);
    expect(firstDifference(fromIterator, data)).toBeUndefined();
    expect(progress.at(-1)).toBe(1);
    expect([...progress].sort((a, b) => a - b)).toEqual(progress);

    const fromStream = new Uint8ClampedArray(data.length);
    await ae.decodeTo(new WritableStream<Strip>({ write: (strip) => put(fromStream, strip) }), latent, {
      memoryBudget,
    });
    expect(firstDifference(fromStream, data)).toBeUndefined();

    const canvas = new OffscreenCanvas(1, 1);
    await ae.decodeTo(canvas, latent, { memoryBudget });
    const shown = canvas.getContext('2d')!.getImageData(0, 0, SIZE.width, SIZE.height);
    expect(firstDifference(shown.data, data)).toBeUndefined();
  });

  test('stops decoding when the loop ends after the first strip, and the model still works', async () => {
    using ae = await nano();
    using latent = (await ae.encode(testPicture(SIZE.width, SIZE.height))).latent;
    for await (const strip of ae.decodeStrips(latent, { memoryBudget })) {
      expect(strip.y).toBe(0);
      break;
    }
    using again = (await ae.encode(testPicture(8, 8))).latent;
    expect(again.shape).toEqual([1, 16, 1, 1]);
  });

  test('of a batch, or for a canvas with another context, is an InputError', async () => {
    using ae = await nano();
    using latent = (await ae.encode(randomTensor('input', [2, 3, 16, 16]))).latent;
    await failure(ae.decodeStrips(latent).next(), InputError, 'input', /takes one picture; this latent has 2/);
    const canvas = document.createElement('canvas');
    canvas.getContext('webgl');
    await failure(ae.decodeTo(canvas, latent), InputError, 'input', /needs a canvas/);
  });
});

describe('a batch', () => {
  test('is sliced if it does not fit or slicing is enabled, with the same numbers', async () => {
    using ae = await nano();
    const input = randomTensor('input', [3, 3, 64, 48]);
    const encoded = async (budget?: number) => {
      using latent = (await ae.encode(input, { memoryBudget: budget })).latent;
      return await latent.toArray();
    };
    const expected = await encoded();
    const whole = await ae.plan({ which: 'encoder', n: 3, height: 64, width: 48 });
    expect(whole.regions).toBe(1);
    expect(firstDifference(await encoded(0.6 * whole.peakBytes), expected)).toBeUndefined();
    expect(
      (await ae.plan({ which: 'encoder', n: 3, height: 64, width: 48, memoryBudget: 0.6 * whole.peakBytes })).regions,
    ).toBe(3);
    ae.enableSlicing();
    expect((await ae.plan({ which: 'encoder', n: 3, height: 64, width: 48 })).regions).toBe(3);
    expect(firstDifference(await encoded(), expected)).toBeUndefined();
    ae.disableSlicing();
    expect((await ae.plan({ which: 'encoder', n: 3, height: 64, width: 48 })).regions).toBe(1);
  });
});

describe('between regions', () => {
  test('an abort leaves nothing on the GPU, and the next run is right', async () => {
    using ae = await nano();
    const picture = testPicture(SIZE.width, SIZE.height);
    using first = (await ae.encode(picture, { memoryBudget })).latent;
    const before = shared.watched.live();
    const controller = new AbortController();
    const onProgress = ({ done }: { done: number }) => done === 2 && controller.abort(new Error('enough'));
    const aborted = ae.encode(picture, { memoryBudget, signal: controller.signal, onProgress });
    await expect(aborted).rejects.toThrow('enough');
    expect(shared.watched.live()).toEqual(before);
    using again = (await ae.encode(picture, { memoryBudget })).latent;
    expect(firstDifference(await again.toArray(), await first.toArray())).toBeUndefined();
  });

  test('a lost device ends the run', async () => {
    const { device } = await watchedDevice();
    const ae = await loadNano({ device });
    const onProgress = ({ done }: { done: number }) => done === 2 && device.destroy();
    const lost = ae.encode(testPicture(SIZE.width, SIZE.height), { memoryBudget, onProgress });
    await failure(lost, DeviceError, 'device-lost', /load it again/);
    ae.dispose();
  });
});
