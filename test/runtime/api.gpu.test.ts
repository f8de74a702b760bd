// The public API on the small trained checkpoint.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AutoencoderDC, type ImageInput, type TensorInput } from '../../src/index.ts';
import { fileGpu, watchedDevice } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { firstDifference, readBytes, readFloats, readJson, relativeMaxError } from '../support/fixtures.ts';
import { asTensor, countingSource, loadNano, NANO, nanoSource, testPicture } from '../support/nano.ts';
import type { WorkerAnswer, WorkerRequest } from '../support/encode_worker.ts';

const shared = fileGpu();
const note = worstErrors('nano');
let ae: AutoencoderDC;
beforeAll(async () => {
  ae = await loadNano({ device: shared.watched.device });
});
afterAll(() => ae.dispose());

async function encoded(image: ImageInput, model = ae): Promise<Float32Array> {
  const { latent } = await model.encode(image);
  try {
    return await latent.toArray();
  } finally {
    latent.dispose();
  }
}

async function decoded(latent: TensorInput, model = ae): Promise<Float32Array> {
  const { sample } = await model.decode(latent);
  try {
    return await sample.toArray();
  } finally {
    sample.dispose();
  }
}

describe('the golden picture', () => {
  interface Golden {
    readonly tensors: Readonly<Record<'input' | 'latent' | 'output', { readonly shape: readonly number[] }>>;
  }
  // The golden numbers are PyTorch's in float32 from the f16 weights, so f16 storage loses nothing.
  const TOLERANCE = 2e-5;

  test.for(['f32', 'f16'] as const)('encodes and decodes as in PyTorch, weights in %s', async (dtype) => {
    const { tensors } = await readJson<Golden>('test/fixtures/nano/golden.json');
    const [input, latent, output] = await Promise.all(
      ['input', 'latent', 'output'].map((name) => readFloats(`test/fixtures/nano/golden_${name}.f32`)),
    );
    const model = dtype === 'f32' ? ae : await loadNano({ device: shared.watched.device, dtype });
    const errors = {
      latent: relativeMaxError(await encoded({ data: input!, shape: tensors.input.shape }, model), latent!),
      output: relativeMaxError(await decoded({ data: latent!, shape: tensors.latent.shape }, model), output!),
    };
    for (const [name, error] of Object.entries(errors)) {
      note(`${dtype} ${name}`, 'golden', error);
      expect(error, name).toBeLessThanOrEqual(TOLERANCE);
    }
    if (model !== ae) model.dispose();
  });

  test('from a PNG becomes the PNG of the reference', async () => {
    const png = new Blob([await readBytes('test/fixtures/nano/golden_input.png')], { type: 'image/png' });
    const expected = await pixelsOf(new Blob([await readBytes('test/fixtures/nano/golden_output.png')]));
    const { sample } = await ae.forward(png);
    const { data, width, height } = await sample.toImageData();
    sample.dispose();
    expect([width, height]).toEqual([256, 256]);
    // a value next to the border of two bytes may fall to either side
    const off = data.map((byte, i) => Math.abs(byte - expected[i]!));
    expect(off.every((difference) => difference <= 1)).toBe(true);
    expect(off.reduce((sum, difference) => sum + difference, 0)).toBeLessThan(data.length / 1000);
  });
});

async function pixelsOf(picture: Blob): Promise<Uint8ClampedArray> {
  const bitmap = await createImageBitmap(picture);
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')!;
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height).data;
}

test('a batch of three equals three single pictures', async () => {
  const singles = [0, 1, 2].map((i) => asTensor(testPicture(24 + i, 16)));
  const all = new Float32Array(3 * 3 * 16 * 32);
  // 24 to 26 pixels are padded to 24 and 32: take them all to 32
  const widened = singles.map(({ data, shape }) => {
    const cols = shape[3];
    return Float32Array.from(
      { length: 3 * 16 * 32 },
      (_, j) => data[Math.floor(j / 32) * cols + Math.min(j % 32, cols - 1)]!,
    );
  });
  widened.forEach((data, i) => all.set(data, i * data.length));
  const { latent } = await ae.encode({ data: all, shape: [3, 3, 16, 32] });
  expect(latent.shape).toEqual([3, 16, 2, 4]);
  const latents = await latent.toArray();
  const { sample } = await ae.decode(latent);
  const samples = await sample.toArray();
  const third = (values: Float32Array, i: number) =>
    values.subarray((i * values.length) / 3, ((i + 1) * values.length) / 3);
  for (const [i, data] of widened.entries()) {
    const single = await encoded({ data, shape: [1, 3, 16, 32] });
    expect(relativeMaxError(third(latents, i), single)).toBeLessThanOrEqual(1e-6);
    const alone = await decoded({ data: third(latents, i), shape: [1, 16, 2, 4] });
    expect(relativeMaxError(third(samples, i), alone)).toBeLessThanOrEqual(1e-6);
    const picture = await sample.toPixels(i);
    const exact = (j: number) => Math.min(Math.max(third(samples, i)[j]!, -1), 1) * 127.5 + 127.5;
    expect(Math.abs(picture.data[0]! - exact(0))).toBeLessThanOrEqual(0.5001);
  }
  latent.dispose();
  sample.dispose();
});

test('forward equals encode followed by decode', async () => {
  const picture = testPicture(33, 24);
  const { latent } = await ae.encode(picture);
  const { sample: decodedSample } = await ae.decode(latent);
  const { sample } = await ae.forward(picture);
  expect(sample.shape).toEqual([1, 3, 24, 33]);
  expect(firstDifference(await sample.toArray(), await decodedSample.toArray())).toBeUndefined();
  for (const result of [latent, decodedSample, sample]) result.dispose();
});

test('concurrent calls of different sizes return their own results', async () => {
  const pictures = [testPicture(40, 24), testPicture(16, 64), testPicture(40, 24), testPicture(9, 9)];
  const alone = [];
  for (const picture of pictures) alone.push(await encoded(picture));
  const together = await Promise.all(pictures.map((picture) => encoded(picture)));
  for (const [i, latent] of together.entries()) expect(firstDifference(latent, alone[i]!)).toBeUndefined();
  const samples = await Promise.all(pictures.map((picture) => ae.forward(picture)));
  for (const [i, { sample }] of samples.entries()) {
    expect(sample.shape).toEqual([1, 3, pictures[i]!.height, pictures[i]!.width]);
    const { sample: again } = await ae.forward(pictures[i]!);
    expect(firstDifference(await sample.toArray(), await again.toArray())).toBeUndefined();
    sample.dispose();
    again.dispose();
  }
});

test.for(['encoder', 'decoder'] as const)('loading the %s alone reads only its own bytes', async (networks) => {
  const weights = 'diffusion_pytorch_model.safetensors';
  const source = countingSource(nanoSource);
  const { device } = shared.watched;
  using single = await AutoencoderDC.fromPretrained(source, { device, networks });
  const bytes = networkBytes(new Uint8Array(await readBytes(`${NANO}/${weights}`)), `${networks}.`);
  // a few requests read on through small gaps, and the header's length is read on its own
  expect(source.bytes(weights)).toBeGreaterThanOrEqual(bytes.header + bytes.network);
  expect(source.bytes(weights)).toBeLessThanOrEqual(bytes.header + 8 + 1.01 * bytes.network);
  expect(single.memory.weights).toBeLessThan(ae.memory.weights);
  const latent = { data: new Float32Array(16 * 4).fill(0.5), shape: [1, 16, 2, 2] };
  const image = asTensor(testPicture(16, 16));
  if (networks === 'encoder') {
    expect(firstDifference(await encoded(image, single), await encoded(image))).toBeUndefined();
    await expect(single.decode(latent)).rejects.toMatchObject({ code: 'input', message: /without its decoder/ });
  } else {
    expect(firstDifference(await decoded(latent, single), await decoded(latent))).toBeUndefined();
    await expect(single.encode(image)).rejects.toMatchObject({ code: 'input', message: /without its encoder/ });
  }
});

/** Bytes of a safetensors file: the header, and the tensors whose names begin with `prefix`. */
function networkBytes(file: Uint8Array<ArrayBuffer>, prefix: string): { header: number; network: number } {
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))) as Record<
    string,
    { data_offsets: [number, number] }
  >;
  const own = Object.entries(header).filter(([name]) => name.startsWith(prefix));
  return {
    header: 8 + length,
    network: own.reduce(
      (
        sum,
        [
          ,
          {
            data_offsets: [from, to],
          },
        ],
      ) => sum + to - from,
      0,
    ),
  };
}

describe('the device', () => {
  const isLost = (device: GPUDevice) => Promise.race([device.lost.then(() => true), Promise.resolve(false)]);

  test('of the caller survives dispose(), with nothing left on it', async () => {
    const { device, live, uncaptured } = await watchedDevice();
    const model = await loadNano({ device });
    expect(model.device).toBe(device);
    const { sample } = await model.forward(testPicture(16, 16));
    sample.dispose();
    model.dispose();
    model.dispose();
    await device.queue.onSubmittedWorkDone();
    expect(await isLost(device)).toBe(false);
    expect(live()).toEqual([]);
    expect(uncaptured).toEqual([]);
    using again = await loadNano({ device });
    expect((await encoded(testPicture(8, 8), again)).length).toBe(16);
    device.destroy();
  });

  test('of the caller may have the smallest offset alignment of its adapter', async () => {
    const adapter = (await navigator.gpu.requestAdapter())!;
    const names = ['minUniformBufferOffsetAlignment', 'minStorageBufferOffsetAlignment'] as const;
    const device = await adapter.requestDevice({
      requiredLimits: Object.fromEntries(names.map((name) => [name, adapter.limits[name]])),
    });
    using model = await loadNano({ device });
    const picture = testPicture(24, 16);
    expect(firstDifference(await encoded(picture, model), await encoded(picture))).toBeUndefined();
    device.destroy();
  });

  test('of the model is destroyed with it', async () => {
    const model = await loadNano();
    const { device } = model;
    expect((await encoded(testPicture(8, 8), model)).length).toBe(16);
    expect(await isLost(device)).toBe(false);
    model.dispose();
    expect((await device.lost).reason).toBe('destroyed');
  });
});

test('a plan tells the bytes that a run allocates', async () => {
  const { device, allocated } = await watchedDevice();
  const model = await loadNano({ device });
  const loaded = allocated();
  expect(model.memory.activations).toBe(0);
  for (const [height, width] of [
    [64, 40],
    [16, 16],
  ] as const) {
    const encoder = await model.plan({ which: 'encoder', height, width });
    const { latent } = await model.encode(asTensor(testPicture(width, height)));
    const result = latent.buffer.size;
    expect(allocated() - loaded - result).toBe(model.memory.activations);
    const decoderPlan = await model.plan({ which: 'decoder', height, width });
    const { sample } = await model.decode(latent);
    expect(model.memory.activations).toBe(encoder.peakBytes + decoderPlan.peakBytes);
    expect(allocated() - loaded - result - sample.buffer.size).toBe(model.memory.activations);
    expect(encoder.flops).toBeGreaterThan(0);
    expect(encoder.dispatches).toBeGreaterThan(10);
    latent.dispose();
    sample.dispose();
  }
  model.dispose();
  expect(allocated()).toBe(0);
  device.destroy();
});

test('the package works in a worker without DOM', async () => {
  const picture = testPicture(40, 21);
  const worker = new Worker(new URL('../support/encode_worker.ts', import.meta.url), { type: 'module' });
  const answer = await new Promise<WorkerAnswer>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<WorkerAnswer>) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    const url = new URL(`/${NANO}/`, location.href).href;
    worker.postMessage({ url, picture } satisfies WorkerRequest);
  });
  worker.terminate();
  if ('error' in answer) throw new Error(answer.error);
  expect(firstDifference(answer.latent, await encoded(picture))).toBeUndefined();
  const { sample } = await ae.forward(picture);
  expect(firstDifference(answer.pixels, (await sample.toImageData()).data)).toBeUndefined();
  sample.dispose();
});
