// A model and the codec together: a photograph becomes a file, and the file a picture.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compress, decompress, FormatError, inspect, type LatentDecoder } from '../../src/codec/index.ts';
import type { AutoencoderDC } from '../../src/index.ts';
import { readBytes } from '../support/fixtures.ts';
import { loadNano } from '../support/nano.ts';

const PHOTO = 'chelsea_256';
const QUALITY = 40;

let ae: AutoencoderDC;
let file: Uint8Array;
/** A crop of 64 × 64 pixels. */
let photo: ImageBitmap;
beforeAll(async () => {
  ae = await loadNano();
  file = new Uint8Array(await readBytes(`test/fixtures/codec/${PHOTO}.q${QUALITY}.dcae`));
  const whole = new Blob([await readBytes(`demo/samples/${PHOTO}.png`)], { type: 'image/png' });
  photo = await createImageBitmap(whole, 96, 64, 64, 64);
});
afterAll(() => ae.dispose());

describe('a photograph', () => {
  test('decodes to every form, and to the same picture each time', async () => {
    const phases: string[] = [];
    const { bytes, stats } = await compress(ae, photo, { onProgress: ({ phase }) => phases.push(phase) });
    expect([phases[0], phases.at(-1)]).toEqual(['encode', 'done']);
    expect(stats.bitsPerPixel).toBeCloseTo((8 * bytes.length) / 64 ** 2, 5);
    const { image } = await decompress(ae, bytes);
    const { image: again } = await decompress(ae, bytes, { as: 'imageData' });
    expect(again.data).toEqual(image.data);
    const { image: bitmap } = await decompress(ae, bytes, { as: 'imageBitmap' });
    expect([bitmap.width, bitmap.height]).toEqual([64, 64]);
    bitmap.close();
    const { image: tensor } = await decompress(ae, bytes, { as: 'tensor' });
    expect(tensor.shape).toEqual([1, 3, 64, 64]);
    const { image: sample } = await decompress(ae, bytes, { as: 'sample' });
    expect(await sample.toArray()).toEqual(tensor.data);
    sample.dispose();
  });

  test('keeps its size if the network pads it', async () => {
    const odd = await createImageBitmap(photo, 3, 5, 51, 43);
    const { bytes } = await compress(ae, odd, { quality: 50 });
    const { image, info } = await decompress(ae, bytes);
    expect([info.image, image.width, image.height]).toEqual([{ height: 43, width: 51 }, 51, 43]);
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
