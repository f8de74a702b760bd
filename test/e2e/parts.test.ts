// The parts of the demo that need no page.
import { describe, expect, test } from 'vitest';
import { bytes, count, decibels, duration, sides, times } from '../../demo/format.ts';
import { psnr } from '../../demo/measure.ts';
import { fit, pan, visible, zoom } from '../../demo/view_box.ts';

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
  expect([12, 894_888, 1_770_000, 312e6, 1.2e9].map(bytes)).toEqual(['12 B', '895 kB', '1.77 MB', '312 MB', '1.20 GB']);
  expect([31.704, Infinity].map(decibels)).toEqual(['31.70 dB', '∞ dB']);
  expect([12, 11.83, 12.004].map(times)).toEqual(['12', '11.8', '12']);
});
