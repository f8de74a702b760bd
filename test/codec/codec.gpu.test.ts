import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  compress,
  decompress,
  FormatError,
  inspect,
  unpackLatent,
  type LatentDecoder,
  type LatentEncoder,
} from '../../src/codec/index.ts';
import { createWorkerClient, type AutoencoderDC, type WorkerAutoencoderDC } from '../../src/index.ts';
import { readBytes } from '../support/fixtures.ts';
import { loadNano, NANO } from '../support/nano.ts';

// Photographs become files and pictures again, on every adapter. One adapter, Dawn on lavapipe, wrote the files of
// test/fixtures/codec.
const PHOTO = 'chelsea_256';
const QUALITY = 40;

let ae: AutoencoderDC;
let file: Uint8Array;
let photo: Blob;
beforeAll(async () => {
  ae = await loadNano();
  file = new Uint8Array(await readBytes(`test/fixtures/codec/${PHOTO}.q${QUALITY}.dcae`));
  photo = new Blob([await readBytes(`demo/samples/${PHOTO}.png`)], { type: 'image/png' });
});
afterAll(() => ae.dispose());

async function pixelsOf(png: Blob): Promise<ImageData> {
  const bitmap = await createImageBitmap(png);
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')!;
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}

/** The shares of bytes that differ at all, and by more than 1. */
function differences(a: ImageData, b: ImageData): { any: number; more: number } {
  expect([a.width, a.height]).toEqual([b.width, b.height]);
  const distances = a.data.map((value, i) => Math.abs(value - b.data[i]!));
  const share = (least: number): number => distances.filter((distance) => distance >= least).length / distances.length;
  return { any: share(1), more: share(2) };
}

test('a file of another adapter decodes to the same picture, to within 1/255', async () => {
  const { image, info } = await decompress(ae, file);
  const there = await pixelsOf(new Blob([await readBytes(`test/fixtures/codec/${PHOTO}.q${QUALITY}.png`)]));
  const { any, more } = differences(image, there);
  console.info(
    `codec | ${inject('adapter')} | decoded: ${(100 * any).toFixed(3)} % of bytes differ, ${more} by more than 1`,
  );
  expect(info.checkpoint).toMatchObject({ encoder: ae.checkpoint.encoder, decoder: ae.checkpoint.decoder });
  expect(more).toBe(0);
  expect(any).toBeLessThan(0.001);
});

describe('a photograph', () => {
  test('becomes a file of the same integers, except numbers between two steps', async () => {
    const { bytes } = await compress(ae, photo, { quality: QUALITY });
    const [here, there] = [await unpackLatent(bytes), await unpackLatent(file)];
    expect(here.latent.shape).toEqual(there.latent.shape);
    expect(here.info.quantiser).toEqual(there.info.quantiser);
    const steps = here.info.quantiser!.steps;
    let differ = 0;
    here.latent.data.forEach((value, i) => {
      const distance = Math.abs(value - there.latent.data[i]!) / steps[Math.floor(i / 1024)]!;
      if (distance > 0.02) differ++; // less is a difference of the reconstruction points
      expect(distance).toBeLessThan(1.2);
    });
    console.info(`codec | ${inject('adapter')} | encoded: ${differ} of ${here.latent.data.length} integers differ`);
    expect(differ).toBeLessThan(here.latent.data.length / 1000);
  });

  test('decodes to every form, and to the same picture each time', async () => {
    const phases: string[] = [];
    const { bytes, stats } = await compress(ae, photo, { onProgress: ({ phase }) => phases.push(phase) });
    expect([phases[0], phases.at(-1)]).toEqual(['encode', 'done']);
    expect(stats.bitsPerPixel).toBeCloseTo((8 * bytes.length) / 65536, 5);
    const { image } = await decompress(ae, bytes);
    const { image: again } = await decompress(ae, bytes, { as: 'imageData' });
    expect(again.data).toEqual(image.data);
    const { image: bitmap } = await decompress(ae, bytes, { as: 'imageBitmap' });
    expect([bitmap.width, bitmap.height]).toEqual([256, 256]);
    bitmap.close();
    const { image: tensor } = await decompress(ae, bytes, { as: 'tensor' });
    expect(tensor.shape).toEqual([1, 3, 256, 256]);
    const { image: sample } = await decompress(ae, bytes, { as: 'sample' });
    expect(await sample.toArray()).toEqual(tensor.data);
    sample.dispose();
  });

  test('keeps its size if the network pads it', async () => {
    const bitmap = await createImageBitmap(photo, 3, 5, 101, 67);
    const { bytes } = await compress(ae, bitmap, { quality: 50 });
    const { image, info } = await decompress(ae, bytes);
    expect([info.image, image.width, image.height]).toEqual([{ height: 67, width: 101 }, 101, 67]);
  });

  test('coded exactly decodes to the same picture as its latent', async () => {
    const { latent } = await ae.encode(photo);
    const { sample } = await ae.decode(latent);
    const { bytes } = await compress(ae, photo, { exact: 'f32' });
    const { image } = await decompress(ae, bytes, { as: 'tensor' });
    expect(image.data).toEqual(await sample.toArray());
    latent.dispose();
    sample.dispose();
  });
});

test('a model in a worker compresses and decompresses, too', async () => {
  using client = createWorkerClient();
  const remote = await client.fromPretrained(new URL(`/${NANO}/`, location.href));
  const half: LatentEncoder & LatentDecoder = remote satisfies WorkerAutoencoderDC;
  expect(remote.checkpoint).toEqual(ae.checkpoint);
  const { bytes } = await compress(half, photo, { quality: QUALITY });
  const { image } = await decompress(half, bytes);
  const { image: here } = await decompress(ae, bytes);
  expect(image.data).toEqual(here.data);
});

test('a model with one network knows its fingerprint, and other weight types have other fingerprints', async () => {
  using decoder = await loadNano({ networks: 'decoder' });
  expect(decoder.checkpoint).toEqual({ ...ae.checkpoint, encoder: undefined });
  await decompress(decoder, file);
  const stranger = { ...(await inspect(file)).checkpoint, decoder: '0000000000000001' };
  const other: LatentDecoder = { config: ae.config, checkpoint: stranger, decode: (latent) => ae.decode(latent) };
  await expect(decompress(other, file)).rejects.toThrow(FormatError);
});

test('aborted calls reject with the signal’s reason', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(compress(ae, photo, { signal })).rejects.toThrow('enough');
  await expect(decompress(ae, file, { signal })).rejects.toThrow('enough');
});
