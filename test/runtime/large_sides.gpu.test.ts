// Pictures with a side beyond the largest texture: in, out and in strips.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AutoencoderDC } from '../../src/index.ts';
import { watchedDevice } from '../support/device.ts';
import { firstDifference, relativeMaxError } from '../support/fixtures.ts';
import { asTensor, loadNano, testPicture } from '../support/nano.ts';

describe('a side beyond the largest texture', () => {
  let model: AutoencoderDC;
  beforeAll(async () => {
    const { device } = await watchedDevice('default');
    expect(device.limits.maxTextureDimension2D).toBe(8192);
    model = await loadNano({ device });
  });
  afterAll(() => model.dispose());

  test.for([
    [8304, 16],
    [8, 8300],
  ] as const)('%i x %i: in, out and in strips', async ([width, height]) => {
    const picture = testPicture(width, height);
    const { latent } = await model.encode(picture);
    const bitmap = await createImageBitmap(new ImageData(picture.data, width, height), { premultiplyAlpha: 'none' });
    const again = (await model.encode(bitmap)).latent;
    expect(relativeMaxError(await again.toArray(), await latent.toArray())).toBeLessThanOrEqual(1e-5);
    const tensor = (await model.encode(asTensor(picture))).latent;
    expect(relativeMaxError(await tensor.toArray(), await latent.toArray())).toBeLessThanOrEqual(1e-5);
    const { sample } = await model.decode(latent);
    const { data, ...size } = await sample.toPixels();
    expect(size).toEqual({ width, height });
    const values = await sample.toArray();
    const last = values[height * width - 1]!;
    expect(Math.abs(data[4 * (height * width - 1)]! - 127.5 * (Math.max(-1, Math.min(1, last)) + 1))).toBeLessThan(
      0.51,
    );
    const rows: number[] = [];
    for await (const strip of model.decodeStrips(latent)) {
      rows.push(strip.height);
      const from = 4 * strip.y * width;
      expect(firstDifference(strip.data, data.subarray(from, from + strip.data.length))).toBeUndefined();
    }
    expect(rows.reduce((sum, count) => sum + count, 0)).toBe(height);
    const canvas = new OffscreenCanvas(1, 1);
    await sample.drawTo(canvas);
    expect([canvas.width, canvas.height]).toEqual([width, height]);
  });
});
