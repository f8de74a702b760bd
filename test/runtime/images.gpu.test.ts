// Every kind of picture of a browser, encoded; results on canvases.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AutoencoderDC, ImageInput, TensorInput } from '../../src/index.ts';
import { fileGpu } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { firstDifference, relativeMaxError } from '../support/fixtures.ts';
import { asTensor, loadNano, testPicture } from '../support/nano.ts';

const shared = fileGpu();
const note = worstErrors('images');
let ae: AutoencoderDC;
beforeAll(async () => {
  ae = await loadNano({ device: shared.watched.device });
});
afterAll(() => ae.dispose());

/** Tolerance between 8-bit pixels and their tensor. */
const ROUNDING = 1e-5;

async function encoded(image: ImageInput): Promise<Float32Array> {
  const { latent } = await ae.encode(image);
  try {
    return await latent.toArray();
  } finally {
    latent.dispose();
  }
}

async function decoded(latent: TensorInput): Promise<Float32Array> {
  const { sample } = await ae.decode(latent);
  try {
    return await sample.toArray();
  } finally {
    sample.dispose();
  }
}

/** Chromium's way to make a video out of frames, which the DOM's types don't know. */
declare class MediaStreamTrackGenerator extends MediaStreamTrack {
  constructor(options: { kind: 'video' });
  readonly writable: WritableStream<VideoFrame>;
}

describe('a picture may be', () => {
  const picture = testPicture(40, 24);
  const imageData = () => new ImageData(picture.data, picture.width, picture.height);
  const drawn = <C extends HTMLCanvasElement | OffscreenCanvas>(canvas: C): C => {
    const context = canvas.getContext('2d') as CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;
    context.putImageData(imageData(), 0, 0);
    return canvas;
  };
  const png = () => drawn(new OffscreenCanvas(40, 24)).convertToBlob({ type: 'image/png' });

  const videoFrame = (i: number) => {
    const size = { codedWidth: 40, codedHeight: 24, timestamp: 33_000 * i };
    return new VideoFrame(picture.data, { format: 'RGBA', ...size });
  };

  const kinds: Record<string, () => ImageInput | Promise<ImageInput>> = {
    'RGBA bytes': () => picture,
    ImageData: imageData,
    ImageBitmap: () => createImageBitmap(imageData()),
    Blob: png,
    OffscreenCanvas: () => drawn(new OffscreenCanvas(40, 24)),
    '<canvas>': () => drawn(Object.assign(document.createElement('canvas'), { width: 40, height: 24 })),
    '<img>': async () => {
      const image = new Image();
      image.src = URL.createObjectURL(await png());
      await image.decode();
      return image;
    },
    VideoFrame: () => videoFrame(0),
    '<video>': async () => {
      const video = Object.assign(document.createElement('video'), { muted: true, width: 9, height: 9 });
      const track = new MediaStreamTrackGenerator({ kind: 'video' });
      video.srcObject = new MediaStream([track]);
      const loaded = new Promise((resolve) => video.addEventListener('loadeddata', resolve));
      const playing = video.play();
      const writer = track.writable.getWriter();
      for (let i = 0; video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA; i++) {
        await writer.write(videoFrame(i));
        await Promise.race([loaded, new Promise((resolve) => setTimeout(resolve, 33))]);
      }
      await playing;
      return video;
    },
    GPUTexture: () => {
      const { TEXTURE_BINDING, COPY_DST } = GPUTextureUsage;
      const { device } = shared.watched;
      const usage = TEXTURE_BINDING | COPY_DST;
      const texture = device.createTexture({ size: [40, 24], format: 'rgba8unorm', usage });
      device.queue.writeTexture({ texture }, picture.data, { bytesPerRow: 160 }, [40, 24]);
      return texture;
    },
  };

  test.for(Object.keys(kinds))('%s', async (kind) => {
    const image = await kinds[kind]!();
    const error = relativeMaxError(await encoded(image), await encoded(asTensor(picture)));
    note('a picture against its tensor', kind, error);
    expect(error).toBeLessThanOrEqual(ROUNDING);
    if (image instanceof GPUTexture) {
      // it is the caller's, and still there
      expect(shared.watched.live()).toContain('');
      image.destroy();
    } else if (image instanceof VideoFrame) image.close();
  });
});

describe('sides that are not multiples of the ratio', () => {
  test.for([
    [37, 21],
    [8, 9],
    [1, 1],
    [3, 50],
  ] as const)('%i x %i: encoding repeats the edge, and decoding crops', async ([width, height]) => {
    const picture = testPicture(width, height);
    const padded = asTensor(picture);
    const { latent } = await ae.encode(picture);
    expect(latent.shape).toEqual([1, 16, Math.ceil(height / 8), Math.ceil(width / 8)]);
    expect(latent.imageSize).toEqual({ height, width });
    const numbers = await latent.toArray();
    expect(relativeMaxError(numbers, await encoded(padded))).toBeLessThanOrEqual(ROUNDING);

    const { sample } = await ae.decode(latent);
    expect(sample.shape).toEqual([1, 3, height, width]);
    const cropped = await sample.toArray();
    const [, , , cols] = padded.shape;
    const whole = await decoded({ data: numbers, shape: latent.shape });
    const inside = (i: number) => i % cols < width && Math.floor(i / cols) % padded.shape[2] < height;
    expect(
      firstDifference(
        cropped,
        whole.filter((_, i) => inside(i)),
      ),
    ).toBeUndefined();
    const { sample: sized } = await ae.decode({ data: numbers, shape: latent.shape, imageSize: { height, width } });
    expect(sized.shape).toEqual(sample.shape);
    expect(firstDifference(await sized.toArray(), cropped)).toBeUndefined();
    for (const result of [latent, sample, sized]) result.dispose();
  });
});

test('toImageData and drawTo show the same picture, on a fresh canvas and on one with a 2D context', async () => {
  const { sample } = await ae.forward(testPicture(37, 21));
  const expected = await sample.toImageData();
  expect([expected.width, expected.height]).toEqual([37, 21]);
  expect(new Set(expected.data.filter((_, i) => i % 4 === 3))).toEqual(new Set([255]));

  const flat = document.createElement('canvas');
  const context = flat.getContext('2d')!;
  await sample.drawTo(flat);
  expect([flat.width, flat.height]).toEqual([37, 21]);
  expect(firstDifference(context.getImageData(0, 0, 37, 21).data, expected.data)).toBeUndefined();

  const fresh = canvasStandIn();
  await sample.drawTo(fresh.canvas);
  expect([fresh.canvas.width, fresh.canvas.height]).toEqual([37, 21]);
  expect(firstDifference(await fresh.read(), expected.data)).toBeUndefined();

  const untouched = document.createElement('canvas');
  await sample.drawTo(untouched);
  const seen = new OffscreenCanvas(37, 21).getContext('2d')!;
  seen.drawImage(untouched, 0, 0);
  expect(firstDifference(seen.getImageData(0, 0, 37, 21).data, expected.data)).toBeUndefined();

  const taken = new OffscreenCanvas(5, 5);
  taken.getContext('bitmaprenderer');
  await expect(sample.drawTo(taken)).rejects.toMatchObject({ code: 'input', message: /"webgpu" or a "2d"/ });
  sample.dispose();
});

/**
 * What drawTo needs of a canvas that has a WebGPU context alone, and its pixels. A real one has no way to the screen on
 * a software adapter: there Chromium's GPU process ends as soon as a WebGPU canvas is asked for its texture.
 */
function canvasStandIn(): { canvas: OffscreenCanvas; read: () => Promise<Uint8Array> } {
  let configuration: GPUCanvasConfiguration | undefined;
  let texture: GPUTexture | undefined;
  const canvas = {
    width: 5,
    height: 5,
    getContext: (kind: string) => (kind === 'webgpu' ? context : null),
  };
  const context = {
    configure: (given: GPUCanvasConfiguration) => (configuration = given),
    getCurrentTexture: () => {
      const { device, format, usage = GPUTextureUsage.RENDER_ATTACHMENT } = configuration!;
      const size = [canvas.width, canvas.height];
      return (texture = device.createTexture({ size, format, usage: usage | GPUTextureUsage.COPY_SRC }));
    },
  };
  const read = async () => {
    const { width, height, format } = texture!;
    expect(format).toBe('rgba8unorm');
    const { device } = shared.watched;
    const buffer = device.createBuffer({
      size: 256 * height,
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    });
    const encoder = device.createCommandEncoder();
    encoder.copyTextureToBuffer({ texture: texture! }, { buffer, bytesPerRow: 256 }, [width, height]);
    device.queue.submit([encoder.finish()]);
    await buffer.mapAsync(GPUMapMode.READ);
    const bytes = new Uint8Array(buffer.getMappedRange()).filter((_, i) => i % 256 < 4 * width);
    buffer.destroy();
    texture!.destroy();
    return bytes;
  };
  return { canvas: canvas as unknown as OffscreenCanvas, read };
}
