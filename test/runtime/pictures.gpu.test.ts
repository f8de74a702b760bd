// Pictures and raw numbers survive the way to stored activations and back, exact to the byte.
import { describe, expect, test } from 'vitest';
import { BufferUsage } from '../../src/gpu/usage.ts';
import { channelsOf, tensorBytes, type Tensor } from '../../src/graph/tensor.ts';
import { BandedTensor } from '../../src/runtime/bands.ts';
import { readImage } from '../../src/runtime/image_input.ts';
import type { PixelInput } from '../../src/runtime/image.ts';
import { checkShape } from '../../src/runtime/numbers.ts';
import { stageNumbers } from '../../src/runtime/tensor_input.ts';
import { GpuTensor, Sample } from '../../src/runtime/results.ts';
import type { Size } from '../../src/runtime/model_results.ts';
import { fileGpu } from '../support/device.ts';
import { firstDifference, type FixtureTensor } from '../support/fixtures.ts';
import { randomTensor } from '../support/meets.ts';

const shared = fileGpu();

/** A stored tensor of this shape. */
function tensorOf([n, channels, height, width]: readonly number[]): Tensor {
  const layout = channelsOf(channels!);
  return {
    id: 0,
    label: 'tensor',
    n: n!,
    height: height!,
    width: width!,
    layout,
    storage: 'f32',
    origin: { y: 0, x: 0 },
  };
}

/** A buffer for a stored tensor. */
function bufferFor(tensor: Tensor): GPUBuffer {
  const { STORAGE, COPY_SRC, COPY_DST } = BufferUsage;
  const usage = STORAGE | COPY_SRC | COPY_DST;
  return shared.gpu.device.createBuffer({ label: 'tensor', size: tensorBytes(tensor), usage });
}

/** `[N, C, H, W]` numbers as a sample, of which `size` shows. */
async function sampleOf({ shape, data }: FixtureTensor, size?: Size): Promise<Sample> {
  const tensor = tensorOf(shape);
  const buffer = bufferFor(tensor);
  const sides = checkShape('numbers', shape, tensor.layout.channels);
  await stageNumbers(shared.gpu, 'numbers', data, sides).write({ tensor, buffer }, 0);
  return new Sample(shared.gpu, new BandedTensor(shared.gpu, [{ tensor, buffer }], tensor), size ?? tensor);
}

/** Opaque RGBA bytes that go through all values. */
function pixels(width: number, height: number) {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < data.length; i++) data[i] = i % 4 === 3 ? 255 : (i * 37 + (i >> 6)) % 256;
  return { data, width, height };
}

/** Of numbers near 1 that were divided by 255 and doubled. */
const ROUNDING = 2 ** -22;

/** Byte `b` as the network sees it. */
const level = (b: number): number => (b / 255) * 2 - 1;

describe('raw numbers', () => {
  test.for([
    [1, 1, 1, 1],
    [3, 3, 1, 9],
    [2, 5, 13, 7],
    [1, 33, 5, 70],
    [3, 16, 2, 3],
  ])('%o are the same after a round trip', async (shape) => {
    const input = randomTensor('input', shape);
    using sample = await sampleOf(input);
    expect(sample.shape).toEqual(shape);
    expect(firstDifference(await sample.toArray(), input.data)).toBeUndefined();
  });

  test('are cropped from the upper left', async () => {
    const { shape, data } = randomTensor('input', [2, 5, 6, 8]);
    using sample = await sampleOf({ shape, data }, { height: 5, width: 3 });
    expect(sample.shape).toEqual([2, 5, 5, 3]);
    const expected = data.filter((_, i) => i % 8 < 3 && Math.floor(i / 8) % 6 < 5);
    expect(firstDifference(await sample.toArray(), expected)).toBeUndefined();
  });

  test('of padding channels are zero', async () => {
    using sample = await sampleOf(randomTensor('input', [1, 5, 2, 3]));
    const copy = bufferFor(tensorOf([1, 8, 2, 3]));
    const encoder = shared.gpu.device.createCommandEncoder();
    encoder.copyBufferToBuffer(sample.buffer, 0, copy, 0, copy.size);
    shared.gpu.device.queue.submit([encoder.finish()]);
    const tensor = tensorOf([1, 8, 2, 3]);
    using all = new GpuTensor(shared.gpu, new BandedTensor(shared.gpu, [{ tensor, buffer: copy }], tensor), tensor);
    const data = await all.toArray();
    expect([...data.subarray(5 * 6)]).toEqual(Array.from({ length: 18 }, () => 0));
  });
});

describe('a picture', () => {
  /** Brings a picture in, its edge repeated up to the size of `shape`. */
  async function bring(picture: PixelInput, shape: readonly number[]): Promise<Sample> {
    const tensor = tensorOf(shape);
    const buffer = bufferFor(tensor);
    const snapshot = readImage(shared.gpu, picture, 3, [1, 1, 1]);
    await (await snapshot.stage()).write({ tensor, buffer }, 0);
    snapshot.dispose();
    return new Sample(shared.gpu, new BandedTensor(shared.gpu, [{ tensor, buffer }], tensor), tensor);
  }

  test('is bytes / 127.5 - 1, and every byte is the same after a round trip', async () => {
    const picture = pixels(67, 31);
    using sample = await bring(picture, [1, 3, 31, 67]);
    const values = await sample.toArray();
    const plane = 67 * 31;
    const seen = new Set<number>();
    for (let i = 0; i < 3 * plane; i++) {
      const byte = picture.data[4 * (i % plane) + Math.floor(i / plane)]!;
      seen.add(byte);
      expect(Math.abs(values[i]! - level(byte))).toBeLessThanOrEqual(ROUNDING);
    }
    expect(seen.size).toBe(256);
    const { data, ...size } = await sample.toPixels();
    expect(size).toEqual({ width: 67, height: 31 });
    expect(firstDifference(data, picture.data)).toBeUndefined();
  });

  test.for([
    [1, 1, 8, 8],
    [9, 1, 16, 8],
    [7, 13, 16, 24],
    [8, 8, 8, 8],
  ] as const)('of %i x %i repeats its edge up to %i x %i', async ([width, height, cols, rows]) => {
    const picture = pixels(width, height);
    using sample = await bring(picture, [1, 3, rows, cols]);
    const values = await sample.toArray();
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < cols; x++) {
          const nearest = Math.min(y, height - 1) * width + Math.min(x, width - 1);
          const value = values[(c * rows + y) * cols + x]!;
          expect(Math.abs(value - level(picture.data[4 * nearest + c]!))).toBeLessThanOrEqual(ROUNDING);
        }
      }
    }
  });

  test('may be a view into a larger array', async () => {
    const { data, width, height } = pixels(5, 3);
    const larger = new Uint8Array(data.length + 32);
    larger.set(data, 12);
    using sample = await bring({ data: larger.subarray(12, 12 + data.length), width, height }, [1, 3, 3, 5]);
    expect((await sample.toPixels()).data).toEqual(data);
  });
});

describe('a sample', () => {
  test('is clamped and rounded to the nearest byte', async () => {
    const values = Float32Array.of(
      -9,
      -1.001,
      -1,
      -0.9999,
      0,
      0.9999,
      1,
      1.5,
      1e6,
      level(127) + 1e-4,
      level(128) - 1e-4,
    );
    using sample = await sampleOf({ shape: [1, 1, 1, values.length], data: values });
    const { data } = await sample.toPixels();
    const bytes = [0, 0, 0, 0, 127.5, 255, 255, 255, 255, 127, 128];
    for (const [i, byte] of bytes.entries()) {
      expect(Math.abs(data[4 * i]! - byte), `${values[i]}`).toBeLessThanOrEqual(byte % 1); // 127.5 may go either way
    }
  });

  test.for([
    [1, (c: number) => (c === 3 ? 255 : 0)],
    [3, (c: number) => (c === 3 ? 255 : c)],
    [4, (c: number) => c],
  ] as const)('of %i channels is grey, RGB, or RGBA', async ([channels, source]) => {
    const input = randomTensor('input', [3, channels, 3, 5]);
    using sample = await sampleOf(input);
    for (let n = 0; n < 3; n++) {
      const { data, width, height } = await sample.toPixels(n);
      expect([width, height]).toEqual([5, 3]);
      for (let i = 0; i < 15; i++) {
        for (let c = 0; c < 4; c++) {
          const from = source(c);
          const exact = from === 255 ? 255 : (input.data[(n * channels + from) * 15 + i]! + 1) * 127.5;
          expect(Math.abs(data[4 * i + c]! - exact)).toBeLessThanOrEqual(0.5001);
        }
      }
    }
  });

  test('names the valid indices, and refuses channels that are not colours', async () => {
    using pair = await sampleOf(randomTensor('input', [2, 3, 2, 2]));
    for (const index of [-1, 2, 0.5, NaN]) {
      await expect(pair.toPixels(index)).rejects.toMatchObject({ code: 'input', message: /from 0 to 1/ });
    }
    using features = await sampleOf(randomTensor('input', [1, 5, 2, 2]));
    await expect(features.toPixels()).rejects.toMatchObject({ code: 'input', message: /5 channels.*toArray/ });
  });
});
