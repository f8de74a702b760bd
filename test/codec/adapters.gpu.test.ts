// Adapters round differently, and each must read the files of the others. This runs on every adapter and in every
// browser. Dawn on lavapipe wrote the files of test/fixtures/codec.
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { compress, decompress, unpackLatent } from '../../src/codec/index.ts';
import { createWorkerClient, type AutoencoderDC } from '../../src/index.ts';
import { readBytes } from '../support/fixtures.ts';
import { loadNano, NANO } from '../support/nano.ts';

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

test('a worker compresses and decompresses to the same picture as the page', async () => {
  using client = createWorkerClient();
  const remote = await client.fromPretrained(new URL(`/${NANO}/`, location.href));
  expect(remote.checkpoint).toEqual(ae.checkpoint);
  const crop = await createImageBitmap(photo, 96, 64, 64, 64);
  const { bytes } = await compress(remote, crop, { quality: QUALITY });
  const { image } = await decompress(remote, bytes);
  const { image: here } = await decompress(ae, bytes);
  expect(image.data).toEqual(here.data);
});
