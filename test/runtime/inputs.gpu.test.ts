/**
 * Inputs: read when the call is made, converted to sRGB, composited on one background, from any window.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError, type AutoencoderDC, type ImageInput, type PixelInput } from '../../src/index.ts';
import { configToJson } from '../../src/config/to_json.ts';
import { fileGpu } from '../support/device.ts';
import { failure } from '../support/failure.ts';
import { firstDifference, relativeMaxError } from '../support/fixtures.ts';
import { asTensor, loadNano, testPicture } from '../support/nano.ts';

const shared = fileGpu();
let ae: AutoencoderDC;
beforeAll(async () => {
  ae = await loadNano({ device: shared.watched.device });
});
afterAll(() => ae.dispose());

type Options = Parameters<AutoencoderDC['encode']>[1];

async function numbers(encoding: ReturnType<AutoencoderDC['encode']>): Promise<Float32Array> {
  using latent = (await encoding).latent;
  return await latent.toArray();
}

const encoded = (image: ImageInput, options?: Options): Promise<Float32Array> => numbers(ae.encode(image, options));

/** A picture of one colour. */
function plain(
  color: readonly number[],
  width = 16,
  height = 8,
): PixelInput & { data: Uint8ClampedArray<ArrayBuffer> } {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < data.length; i += 4) data.set([...color, 255].slice(0, 4), i);
  return { data, width, height };
}

function canvasOf(picture: PixelInput, settings: ImageDataSettings = {}): OffscreenCanvas {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext('2d', settings as CanvasRenderingContext2DSettings)!;
  const data = new Uint8ClampedArray(picture.data);
  context.putImageData(new ImageData(data, picture.width, picture.height, settings), 0, 0);
  return canvas;
}

async function imageOf(file: Blob): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = URL.createObjectURL(file);
  await image.decode().catch(() => undefined);
  return image;
}

/** Half a byte of an image's range. */
const HALF_LEVEL = 2e-2;

describe('an input is read when the call is made', () => {
  const colors = [
    [250, 10, 10],
    [10, 250, 10],
    [10, 10, 250],
  ];
  const sameAs = async (jobs: Promise<Float32Array>[], tolerance = 1e-6) => {
    const found = await Promise.all(jobs);
    for (const [i, color] of colors.entries()) {
      expect(relativeMaxError(found[i]!, await encoded(plain(color)))).toBeLessThanOrEqual(tolerance);
    }
  };

  test('a canvas that is painted anew', async () => {
    const canvas = new OffscreenCanvas(16, 8);
    const context = canvas.getContext('2d')!;
    const jobs = colors.map((color) => {
      context.fillStyle = `rgb(${color.join()})`;
      context.fillRect(0, 0, 16, 8);
      return encoded(canvas);
    });
    await sameAs(jobs);
  });

  test('ImageData, a tensor and an ImageBitmap that change', async () => {
    const pixels = new ImageData(16, 8);
    const tensor = { data: new Float32Array(3 * 128), shape: [1, 3, 8, 16] };
    const bitmaps = await Promise.all(colors.map((color) => createImageBitmap(canvasOf(plain(color)))));
    const jobs = colors.map((color) => {
      pixels.data.set(plain(color).data);
      return encoded(pixels);
    });
    const tensors = colors.map((color) => {
      tensor.data.set(asTensor(plain(color)).data);
      return encoded(tensor);
    });
    const closed = bitmaps.map((bitmap) => {
      const job = encoded(bitmap);
      bitmap.close();
      return job;
    });
    tensor.data.fill(0);
    await sameAs(jobs);
    await sameAs(tensors, 1e-5);
    await sameAs(closed);
  });

  test('a texture that can be copied', async () => {
    const { device } = shared.watched;
    const usage = GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_DST | GPUTextureUsage.COPY_SRC;
    const texture = device.createTexture({ label: 'own', size: [16, 8], format: 'rgba8unorm', usage });
    const jobs = colors.map((color) => {
      device.queue.writeTexture({ texture }, plain(color).data, { bytesPerRow: 64 }, [16, 8]);
      return encoded(texture);
    });
    texture.destroy();
    await sameAs(jobs);
  });

  test('latents: numbers that change, a result that is disposed of', async () => {
    const latents = await Promise.all(colors.map((color) => ae.encode(plain(color))));
    const expected: Float32Array[] = [];
    const reused = { data: new Float32Array(16 * 2), shape: [1, 16, 1, 2] };
    const jobs: Promise<{ sample: { toArray(): Promise<Float32Array>; dispose(): void } }>[] = [];
    for (const { latent } of latents) {
      using sample = (await ae.decode(latent)).sample;
      expected.push(await sample.toArray());
      reused.data.set(await latent.toArray());
      jobs.push(ae.decode(reused), ae.decode(latent));
      const strips = ae.decodeStrips(latent);
      latent.dispose();
      let rows = 0;
      for await (const strip of strips) rows += strip.height;
      expect(rows).toBe(8);
    }
    for (const [i, job] of jobs.entries()) {
      using sample = (await job).sample as Awaited<ReturnType<AutoencoderDC['decode']>>['sample'];
      expect(firstDifference(await sample.toArray(), expected[i >> 1]!)).toBeUndefined();
    }
  });
});

describe('colours', () => {
  const settings = { colorSpace: 'display-p3' } as const;
  const p3 = plain([50, 180, 60]);

  test('of Display P3 are the same from ImageData and from the canvas', async () => {
    const canvas = canvasOf(p3, settings);
    const data = canvas.getContext('2d')!.getImageData(0, 0, 16, 8, settings);
    expect(data.colorSpace).toBe('display-p3');
    const fromData = await encoded(data);
    expect(relativeMaxError(fromData, await encoded(canvas))).toBeLessThanOrEqual(HALF_LEVEL);
    expect(relativeMaxError(fromData, await encoded(p3))).toBeGreaterThan(HALF_LEVEL);
    const converted = canvas.getContext('2d')!.getImageData(0, 0, 16, 8, { colorSpace: 'srgb' });
    expect(relativeMaxError(fromData, await encoded(converted))).toBeLessThanOrEqual(HALF_LEVEL);
  });

  test('of float16 ImageData are those of bytes', async () => {
    const values = Array.from({ length: 4 * 128 }, () => 0.5);
    const data = Object.assign(values, { [Symbol.toStringTag]: 'Float16Array' as const });
    const expected = await encoded(plain([128, 128, 128]));
    const transparent = plain([128, 128, 128, 128]);
    expect(relativeMaxError(await encoded({ data, width: 16, height: 8 }), await encoded(transparent))).toBe(0);
    for (let i = 3; i < data.length; i += 4) data[i] = 1;
    expect(relativeMaxError(await encoded({ data, width: 16, height: 8 }), expected)).toBe(0);
    const floats = { data: new Float32Array(4 * 128).fill(0.5), width: 16, height: 8 };
    await failure(ae.encode(floats as unknown as PixelInput), InputError, 'input', /Float16Array/, /Float32Array/);
  });
});

describe('transparent pixels are composited', () => {
  const clear = plain([200, 40, 40, 0]);
  const translucent = plain([255, 0, 0, 128]);
  const ways: Record<string, (picture: typeof clear) => ImageInput | Promise<ImageInput>> = {
    pixels: (picture) => picture,
    ImageData: ({ data, width, height }) => new ImageData(data, width, height),
    canvas: (picture) => canvasOf(picture),
    Blob: (picture) => canvasOf(picture).convertToBlob(),
    '<img>': async (picture) => imageOf(await canvasOf(picture).convertToBlob()),
    ImageBitmap: (picture) => createImageBitmap(canvasOf(picture)),
    'ImageBitmap, not premultiplied': ({ data, width, height }) =>
      createImageBitmap(new ImageData(data, width, height), { premultiplyAlpha: 'none' }),
    VideoFrame: ({ data, width, height }) =>
      new VideoFrame(data, { format: 'RGBA', codedWidth: width, codedHeight: height, timestamp: 0 }),
  };

  test.for(Object.keys(ways))('%s: on white, or on the background', async (way) => {
    const image = async (picture: typeof clear): Promise<ImageInput> => await ways[way]!(picture);
    const close = async (found: Promise<Float32Array>, color: readonly number[]) => {
      expect(relativeMaxError(await found, await encoded(plain(color)))).toBeLessThanOrEqual(HALF_LEVEL);
    };
    await close(encoded(await image(clear)), [255, 255, 255]);
    await close(encoded(await image(clear), { background: [0, 0, 0] }), [0, 0, 0]);
    await close(encoded(await image(clear), { background: 'teal' }), [0, 128, 128]);
    await close(encoded(await image(translucent)), [255, 127, 127]);
    await close(encoded(await image(translucent), { background: '#00f' }), [128, 0, 127]);
  });

  test('an unknown background is refused', async () => {
    for (const background of ['no colour', 'rgba(0, 0, 0, 0.5)', '#12345', [300, 0, 0]]) {
      const call = ae.encode(clear, { background } as Options);
      await failure(call, InputError, 'input', /options.background must be an opaque colour/);
    }
  });
});

describe('an <img> of an SVG', () => {
  const svg = (size: string) =>
    new Blob([`<svg xmlns="http://www.w3.org/2000/svg" ${size}><rect width="100%" height="100%" fill="red"/></svg>`], {
      type: 'image/svg+xml',
    });

  test('without a size is right or an InputError, never black', async () => {
    for (const size of ['', 'viewBox="0 0 2 1"', 'width="100%"']) {
      const image = await imageOf(svg(size));
      const call = encoded(image).catch((error: unknown) => error);
      const found = await call;
      if (found instanceof Float32Array) {
        const { naturalWidth, naturalHeight } = image;
        const red = await encoded(plain([255, 0, 0], naturalWidth, naturalHeight));
        expect(relativeMaxError(found, red)).toBeLessThanOrEqual(HALF_LEVEL);
      } else {
        expect(found).toBeInstanceOf(InputError);
        expect((found as Error).message).toMatch(/SVG a width and a height/);
      }
    }
  });

  test('with a size is a picture', async () => {
    const found = await encoded(await imageOf(svg('width="16" height="8"')));
    expect(relativeMaxError(found, await encoded(plain([255, 0, 0])))).toBeLessThanOrEqual(HALF_LEVEL);
  });
});

test('objects of an iframe are taken', async () => {
  const frame = document.createElement('iframe');
  document.body.append(frame);
  const other = frame.contentWindow as unknown as typeof globalThis;
  const picture = testPicture(16, 8);
  const expected = await encoded(picture);
  const bytes = await (await canvasOf(picture).convertToBlob()).arrayBuffer();
  const file = new other.File([bytes], 'picture.png', { type: 'image/png' });
  const data = new other.Float32Array(asTensor(picture).data);
  const pixels = new other.ImageData(new other.Uint8ClampedArray(picture.data), 16, 8);
  expect(file).not.toBeInstanceOf(Blob);
  for (const image of [file, pixels, { data, shape: [1, 3, 8, 16] }]) {
    expect(relativeMaxError(await encoded(image), expected)).toBeLessThanOrEqual(1e-5);
  }
  const controller = new other.AbortController();
  controller.abort();
  await expect(ae.encode(picture, { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' });
  frame.remove();
});

describe('a latent', () => {
  test('may hold f32 or f16 bytes, or plain numbers', async () => {
    const data = Array.from({ length: 32 }, (_, i) => (i - 16) / 16);
    const decoded = async (given: unknown, options = {}) => {
      using sample = (await ae.decode({ data: given as number[], shape: [1, 16, 1, 2] }, options)).sample;
      return await sample.toArray();
    };
    const expected = await decoded(Float32Array.from(data));
    expect(firstDifference(await decoded(data), expected)).toBeUndefined();
    expect(firstDifference(await decoded(Float32Array.from(data).buffer), expected)).toBeUndefined();
    const { scalingFactor } = ae.config;
    const scaled = data.map((value) => value * scalingFactor);
    expect(relativeMaxError(await decoded(scaled, { scaled: true }), expected)).toBeLessThanOrEqual(1e-5);
  });

  test('of encode is not scaled, and says so', async () => {
    using latent = (await ae.encode(testPicture(8, 8))).latent;
    await failure(ae.decode(latent, { scaled: true }), InputError, 'input', /options.scaled is for raw numbers/);
  });

  test('may have fewer channels only where the decoder has no in-shortcut', async () => {
    expect(ae.config.decoderInShortcut).toBe(true);
    const few = { data: new Float32Array(4), shape: [1, 4, 1, 1] };
    await failure(ae.decode(few), InputError, 'input', /must have 16 channels/);

    const config = { ...configToJson(ae.config), decoder_in_shortcut: false };
    using model = await loadNano({ device: shared.watched.device, config });
    const [one, two] = [new Float32Array(32), new Float32Array(32)];
    one.fill(0.5);
    two.fill(-0.25);
    const all = new Float32Array(2 * 16 * 8);
    for (const [i, values] of [one, two].entries()) all.set(values, i * 16 * 8);
    const decoded = async (data: Float32Array, channels: number) => {
      using sample = (await model.decode({ data, shape: [2, channels, 2, 4] })).sample;
      return await sample.toArray();
    };
    const cut = Float32Array.from([...one, ...two]);
    expect(firstDifference(await decoded(cut, 4), await decoded(all, 16))).toBeUndefined();
    const many = { data: new Float32Array(17), shape: [1, 17, 1, 1] };
    await failure(model.decode(many), InputError, 'input', /must have 1 to 16 channels/);
  });
});
