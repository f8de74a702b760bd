// The photo checkpoint gives PyTorch's numbers, and its files hold only the channels that it uses.
import { describe, expect, test } from 'vitest';
import { AutoencoderDC } from '../../src/index.ts';
import { decompress, packLatent } from '../../src/codec/index.ts';
import { fileGpu } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { readBytes, readFloats, readJson, relativeMaxError } from '../support/fixtures.ts';
import { psnr } from '../support/picture_quality.ts';
import { folderSource } from '../support/sources.ts';

const shared = fileGpu();
const note = worstErrors('photo');
const source = folderSource('demo/models/photo');
const GOLDEN = 'test/fixtures/photo';

interface Golden {
  readonly tensors: Readonly<
    Record<'input' | 'latent' | 'output', { readonly shape: readonly [number, number, number, number] }>
  >;
}

async function golden(name: keyof Golden['tensors']) {
  const { tensors } = await readJson<Golden>(`${GOLDEN}/golden.json`);
  return { data: await readFloats(`${GOLDEN}/golden_${name}.f32`), shape: tensors[name].shape };
}

describe('the golden picture', () => {
  // The golden numbers are PyTorch's in float32 from the f16 weights, so f16 storage loses nothing.
  const TOLERANCE = 2e-5;

  test.for(['f32', 'f16'] as const)('encodes and decodes as in PyTorch, weights in %s', async (dtype) => {
    using ae = await AutoencoderDC.fromPretrained(source, { device: shared.watched.device, dtype });
    const [input, latent, output] = await Promise.all([golden('input'), golden('latent'), golden('output')]);
    using encoded = (await ae.encode(input)).latent;
    using decoded = (await ae.decode(latent)).sample;
    const errors = {
      latent: relativeMaxError(await encoded.toArray(), latent.data),
      output: relativeMaxError(await decoded.toArray(), output.data),
    };
    for (const [name, error] of Object.entries(errors)) {
      note(`${dtype} ${name}`, 'golden', error);
      expect(error, name).toBeLessThanOrEqual(TOLERANCE);
    }
  });
});

test('a file at quality 10 takes less than 0.14 bits a pixel, and holds only channels that are not zero', async () => {
  using ae = await AutoencoderDC.fromPretrained(source, { device: shared.watched.device, networks: 'decoder' });
  expect(ae.config.uniformQuantiserStep).toBe(1);
  const { data, shape } = await golden('latent');
  const { bytes, stats } = await packLatent(
    { data, shape, imageSize: { height: 256, width: 256 } },
    { model: ae, quality: 10 },
  );
  console.info(`photo at quality 10: ${bytes.length} bytes, ${stats.channels.coded} of 128 channels`);
  expect(stats.channels.coded).toBeLessThanOrEqual(41);
  expect(stats.bitsPerPixel).toBeLessThan(0.14);
  const { image } = await decompress(ae, bytes);
  const png = await createImageBitmap(new Blob([await readBytes(`${GOLDEN}/golden_input.png`)]));
  const context = new OffscreenCanvas(256, 256).getContext('2d')!;
  context.drawImage(png, 0, 0);
  const original = context.getImageData(0, 0, 256, 256);
  const rgba = ({ data, width, height }: ImageData) => ({ data, width, height, bytes: 4 });
  expect(psnr(rgba(image), rgba(original))).toBeGreaterThan(24);
});
