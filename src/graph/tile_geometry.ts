import { aligned, scaled, type Rect } from './rects.ts';

/**
 * Convolution algorithms that work on tiles: Winograd's F(2x2, 3x3) and F(4x4, 3x3) (arXiv 1509.09308), and the four
 * phases of a convolution that upsamples by 2 (shaders/winograd.wgsl).
 */
export type TileAlgorithm = 'winograd2' | 'winograd4' | 'phases';

/** The algorithm of a dense convolution. */
export type Algorithm = 'direct' | TileAlgorithm;

/** Sizes of an algorithm's tiles along one side. All tiles lie on one grid that starts at the image's pixel (0, 0). */
export interface TileGeometry {
  /** Pixels of the input that a tile reads. The first lies one pixel before the tile's corner. */
  readonly size: number;
  /** Input pixels from one tile to the next. */
  readonly step: number;
  /** Pixels of the convolution that a tile computes. */
  readonly out: number;
}

/** The geometry of each tile algorithm. */
export const TILE_GEOMETRIES: Readonly<Record<TileAlgorithm, TileGeometry>> = {
  winograd2: { size: 4, step: 2, out: 2 },
  winograd4: { size: 6, step: 4, out: 4 },
  phases: { size: 3, step: 1, out: 2 },
};

/** The rectangle of tiles that covers a rectangle of the convolution's pixels. */
export function tilesOf(pixels: Rect, { out }: TileGeometry): Rect {
  return scaled(aligned(pixels, out), 1 / out);
}

/** The input pixels that a rectangle of tiles reads. */
export function tileInput(tiles: Rect, { size, step }: TileGeometry): Rect {
  const { y, x, height, width } = scaled(tiles, step);
  return { y: y - 1, x: x - 1, height: height + size - step, width: width + size - step };
}
