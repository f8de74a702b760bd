// The f16 conversions of the tests follow IEEE 754's binary16.
import { expect, test } from 'vitest';
import { fromBfloat16, f16Bits, f16Value, roundToF16, toBfloat16 } from './f16.ts';

test('every finite f16 is its own nearest', () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    if ((bits & 0x7c00) !== 0x7c00) expect(f16Bits(f16Value(bits))).toBe(bits);
  }
});

test.for([
  [1, 0x3c00],
  [-2, 0xc000],
  [65504, 0x7bff],
  [65519.99, 0x7bff],
  [65520, 0x7c00],
  [-1e6, 0xfc00],
  [2 ** -24, 1],
  [2 ** -25, 0], // a tie, to even
  [2 ** -25 * 1.01, 1],
  [1 + 2 ** -11, 0x3c00], // a tie, to even
  [1 + 3 * 2 ** -11, 0x3c02],
  [2 - 2 ** -12, 0x4000], // up into the next power of two
  [2 ** -14 * (1 - 2 ** -12), 0x0400], // up out of the subnormals
  [NaN, 0x7e00],
] as const)('%f is %i', ([value, bits]) => {
  expect(f16Bits(value)).toBe(bits);
});

test('values are rounded to the nearest f16 and bfloat16', () => {
  expect([...roundToF16(new Float32Array([0.1, -3.14159]))]).toEqual([0.0999755859375, -3.140625]);
  const bits = toBfloat16(new Float32Array([1, -1, 0.1, 1 + 2 ** -8, 1 + 3 * 2 ** -8]));
  expect([...bits]).toEqual([0x3f80, 0xbf80, 0x3dcd, 0x3f80, 0x3f82]);
  expect(fromBfloat16(bits)[2]).toBe(Math.fround(0.10009765625));
});
