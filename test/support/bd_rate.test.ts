// The delta rate of curves whose difference is known.
import { expect, test } from 'vitest';
import { bdRate, type RatePoint } from './bd_rate.ts';

const curve = (scale: number, levels = [24, 26, 29, 31, 34]): RatePoint[] =>
  levels.map((psnr) => ({ rate: scale * 2 ** (psnr / 3), psnr }));

test('equal curves have no difference, and half of the rate is −50 %', () => {
  expect(bdRate(curve(1), curve(1))!.difference).toBeCloseTo(0, 12);
  expect(bdRate(curve(1), curve(2))!.difference).toBeCloseTo(-0.5, 12);
  expect(bdRate(curve(3), curve(2))!.difference).toBeCloseTo(0.5, 12);
});

test('curves are compared where both have points, whatever the points are', () => {
  const other = curve(2, [27, 28, 30, 36]);
  expect(bdRate(curve(1), other)).toMatchObject({ from: 27, to: 34 });
  expect(bdRate(curve(1), other)!.difference).toBeCloseTo(-0.5, 3);
  expect(bdRate(curve(1), curve(1, [40, 42]))).toBeUndefined();
});

test('points that cost more for less are left out', () => {
  expect(bdRate([...curve(1), { rate: 1e9, psnr: 25 }], curve(2))!.difference).toBeCloseTo(-0.5, 12);
});
