// The parts of the demo that need no page.
import { describe, expect, test } from 'vitest';
import { bytes, count, decibels, duration, percent, sides, similarity } from '../../demo/format.ts';
import { psnr } from '../../demo/picture/pixels.ts';
import { fitTo } from '../../demo/picture/encoders.ts';
import { ssim } from '../../demo/picture/ssim.ts';
import { fit, pan, visible, zoom } from '../../demo/view/view_box.ts';

const picture = { width: 600, height: 400 };

describe('zoom and pan', () => {
  test('fits a picture in the middle, whole', () => {
    expect(fit({ width: 300, height: 300 }, picture, 0)).toEqual({ scale: 0.5, x: 0, y: 50 });
    expect(fit({ width: 340, height: 900 }, picture, 20)).toEqual({ scale: 0.5, x: 20, y: 350 });
  });

  test('leaves what is under the cursor there', () => {
    const viewport = { width: 300, height: 300 };
    const before = fit(viewport, picture, 0);
    const at = { x: 120, y: 140 };
    const after = zoom(before, 4, at, viewport, picture, before.scale);
    const under = (box: typeof before) => [(at.x - box.x) / box.scale, (at.y - box.y) / box.scale];
    expect(after.scale).toBe(2);
    expect(under(after)).toEqual(under(before));
  });

  test('zooms out to the whole picture and no further, and in to squares of 32', () => {
    const viewport = { width: 300, height: 300 };
    const whole = fit(viewport, picture, 0);
    const at = { x: 10, y: 10 };
    expect(
      zoom(zoom(whole, 8, at, viewport, picture, whole.scale), 1 / 99, at, viewport, picture, whole.scale),
    ).toEqual(whole);
    expect(zoom(whole, 1e6, at, viewport, picture, whole.scale).scale).toBe(32);
  });

  test('never pans a gap into view', () => {
    const viewport = { width: 300, height: 300 };
    const large = zoom(fit(viewport, picture, 0), 2, { x: 0, y: 0 }, viewport, picture, 0.5);
    expect(pan(large, 1e4, 1e4, viewport, picture)).toEqual({ scale: 1, x: 0, y: 0 });
    expect(pan(large, -1e4, -1e4, viewport, picture)).toEqual({ scale: 1, x: -300, y: -100 });
    expect(visible(large, viewport, picture)).toEqual({ x: 0, y: 0, width: 300, height: 300 });
  });
});

test('PSNR is over RGB, in dB', () => {
  const black = new Uint8ClampedArray([0, 0, 0, 255, 0, 0, 0, 255]);
  expect(psnr(black, black)).toBe(Infinity);
  expect(
    psnr(
      black,
      black.map((value, i) => (i % 4 === 3 ? 0 : value)),
    ),
  ).toBe(Infinity);
  expect(
    psnr(
      black,
      black.map((value, i) => (i % 4 === 3 ? value : 255)),
    ),
  ).toBeCloseTo(0);
  expect(psnr(black, new Uint8ClampedArray([1, 1, 1, 255, 1, 1, 1, 255]))).toBeCloseTo(48.1308, 4);
});

test('numbers are written as people read them', () => {
  expect(count(786432)).toBe('786,432');
  expect(sides(64, 64, 16)).toBe('64 × 64 × 16');
  expect([3.21, 42, 999.6, 3304, 12_900].map(duration)).toEqual(['3.2 ms', '42 ms', '1.00 s', '3.30 s', '12.9 s']);
  expect([12, 1960, 16_670, 894_888, 1_770_000, 312e6, 1.2e9].map(bytes)).toEqual([
    '12 B',
    '1.96 kB',
    '16.7 kB',
    '895 kB',
    '1.77 MB',
    '312 MB',
    '1.20 GB',
  ]);
  expect([0.0432, 0.5, 1.2].map(percent)).toEqual(['4.3 %', '50 %', '120 %']);
  expect([0.9204, 1].map(similarity)).toEqual(['.920', '1.000']);
  expect([31.704, Infinity].map(decibels)).toEqual(['31.70 dB', '∞ dB']);
});

describe('SSIM', () => {
  const [width, height] = [24, 19];
  const picture = (value: (x: number, y: number) => number) =>
    Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) =>
      i % 4 === 3 ? 255 : value((i >> 2) % width, Math.floor((i >> 2) / width)),
    );
  const waves = picture((x, y) => 128 + 60 * Math.sin(x) * Math.cos(y / 2));

  test('is one for the same picture, and falls with noise', () => {
    expect(ssim(waves, waves, width, height)).toBeCloseTo(1, 12);
    const noisy = (much: number) => waves.map((value, i) => value + much * (((i * 7919) % 13) - 6));
    const few = ssim(waves, noisy(1), width, height);
    const many = ssim(waves, noisy(4), width, height);
    expect(few).toBeLessThan(1);
    expect(many).toBeLessThan(few);
  });

  test('of two flat pictures is the term for their brightness alone', () => {
    const c1 = (0.01 * 255) ** 2;
    const expected = (2 * 100 * 120 + c1) / (100 ** 2 + 120 ** 2 + c1);
    const [a, b] = [100, 120].map((grey) => picture(() => grey));
    expect(ssim(a!, b!, width, height)).toBeCloseTo(expected, 9);
    // smaller than the window
    expect(ssim(a!.subarray(0, 4 * 12), b!.subarray(0, 4 * 12), 4, 3)).toBeCloseTo(expected, 9);
  });
});

test('the best file that fits is found, or the smallest where none does', async () => {
  const { signal } = new AbortController();
  let asked = 0;
  const encode = (quality: number) => {
    asked++;
    return Promise.resolve(new Blob(['x'.repeat(100 + 10 * quality)]));
  };
  expect(await fitTo(645, encode, signal)).toMatchObject({ quality: 54, tooLarge: false, file: { size: 640 } });
  expect(asked).toBeLessThan(9);
  expect(await fitTo(99, encode, signal)).toMatchObject({ quality: 0, tooLarge: true });
  expect(await fitTo(1e6, encode, signal)).toMatchObject({ quality: 99 });
  await expect(fitTo(645, encode, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
});
