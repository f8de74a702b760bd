// The tiles of one axis are those of diffusers' tiling.
import { expect, test } from 'vitest';
import { checkTiling, tileAxis } from '../../src/runtime/tiling.ts';

const axis = { min: 512, stride: 448 };

test("absent options and 0 are diffusers' defaults", () => {
  expect(checkTiling({}, 32)).toEqual({ height: axis, width: axis });
  expect(checkTiling({ tileSampleMinHeight: 1024, tileSampleStrideWidth: 0 }, 128)).toEqual({
    height: { min: 1024, stride: 448 },
    width: axis,
  });
});

// At a ratio of 128, a stride of 448 pixels is 3.5 latent pixels. diffusers steps 3 latent pixels from tile to tile but
// places the decoded tiles 448 pixels apart, so the result is longer than the latent.
test.each([
  { part: 'encoder', size: 1024, ratio: 128, from: [0, 448, 896], at: [0, 3, 6], whole: 7, extent: 1 },
  { part: 'decoder', size: 8, ratio: 128, from: [0, 3, 6], at: [0, 448, 896], whole: 1152, extent: 64 },
  { part: 'encoder', size: 1024, ratio: 32, from: [0, 448, 896], at: [0, 14, 28], whole: 32, extent: 2 },
  { part: 'decoder', size: 32, ratio: 32, from: [0, 14, 28], at: [0, 448, 896], whole: 1024, extent: 64 },
] as const)('$part, $size at 1:$ratio', ({ part, size, ratio, from, at, whole, extent }) => {
  const tiles = tileAxis(part, size, axis, ratio);
  expect(tiles.spans.map((span) => span.from)).toEqual(from);
  expect(tiles.spans.map((span) => span.at)).toEqual(at);
  expect(tiles.size).toBe(whole);
  expect(tiles.extent).toBe(extent);
});
