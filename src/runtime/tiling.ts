import { InputError } from '../errors.ts';

/**
 * diffusers' arguments of `enable_tiling`, in pixels of the image. If absent or 0, tiles measure 512 pixels and their
 * stride is 448.
 */
export interface TilingOptions {
  readonly tileSampleMinHeight?: number | undefined;
  readonly tileSampleMinWidth?: number | undefined;
  readonly tileSampleStrideHeight?: number | undefined;
  readonly tileSampleStrideWidth?: number | undefined;
}

const DEFAULT_TILE_PIXELS = 512;
const DEFAULT_STRIDE_PIXELS = 448;

/** Tile size and stride along one axis, in pixels of the image. */
interface AxisTiling {
  readonly min: number;
  readonly stride: number;
}

/** Tile size and stride along both axes. */
export interface Tiling {
  readonly height: AxisTiling;
  readonly width: AxisTiling;
}

/** A tile along one axis. `from` and `length` count in the input, `at` in the output. */
export interface TileSpan {
  readonly from: number;
  readonly length: number;
  /** The length that the network is given: an encoder's input is padded to a multiple of the compression ratio. */
  readonly padded: number;
  readonly at: number;
}

/** All tiles along one axis. */
export interface TileAxis {
  readonly spans: readonly TileSpan[];
  /** Pixels of the whole output. */
  readonly size: number;
  /** Pixels of the output over which neighbours are blended. */
  readonly extent: number;
}

/** All tiles of an input. */
export interface Tiles {
  readonly rows: TileAxis;
  readonly cols: TileAxis;
}

/**
 * Checks options of tiling and fills in diffusers' defaults.
 *
 * @param ratio - the model's spatial compression ratio
 * @throws InputError that names the invalid option
 */
export function checkTiling(options: TilingOptions, ratio: number): Tiling {
  const side = (name: keyof TilingOptions, fallback: number): number => {
    const value = options[name] ?? 0;
    if (value !== 0 && (!Number.isSafeInteger(value) || value < ratio)) {
      throw new InputError(
        `enableTiling's ${name} must be a whole number of pixels, ${ratio} or more; it was ${String(value)}.`,
      );
    }
    return value || fallback;
  };
  const axis = (minName: keyof TilingOptions, strideName: keyof TilingOptions): AxisTiling => {
    const min = side(minName, DEFAULT_TILE_PIXELS);
    const stride = side(strideName, DEFAULT_STRIDE_PIXELS);
    if (stride <= min) return { min, stride };
    throw new InputError(`enableTiling's ${strideName} (${stride}) must not exceed ${minName} (${min}).`);
  };
  return {
    height: axis('tileSampleMinHeight', 'tileSampleStrideHeight'),
    width: axis('tileSampleMinWidth', 'tileSampleStrideWidth'),
  };
}

/**
 * Lays diffusers' tiles along one axis.
 *
 * @param size - the input's side: pixels for the encoder, latent pixels for the decoder
 */
export function tileAxis(
  which: 'encoder' | 'decoder',
  size: number,
  { min, stride }: AxisTiling,
  ratio: number,
): TileAxis {
  const isEncoder = which === 'encoder';
  const down = (pixels: number): number => Math.floor(pixels / ratio);
  const [length, step] = isEncoder ? [min, stride] : [down(min), down(stride)];
  const [keep, extent] = isEncoder ? [down(stride), down(min) - down(stride)] : [stride, min - stride];
  const spans: TileSpan[] = [];
  let at = 0;
  for (let from = 0; from < size; from += step) {
    const taken = Math.min(length, size - from);
    const padded = isEncoder ? Math.ceil(taken / ratio) * ratio : taken;
    spans.push({ from, length: taken, padded, at });
    at += Math.min(keep, isEncoder ? padded / ratio : padded * ratio);
  }
  return { spans, size: isEncoder ? Math.min(at, down(size)) : at, extent };
}

/** The tiles of an input, or undefined if one tile covers it. */
export function layTiles(
  { which, ratio }: { readonly which: 'encoder' | 'decoder'; readonly ratio: number },
  { height, width }: { readonly height: number; readonly width: number },
  tiling: Tiling,
): Tiles | undefined {
  const tileSide = ({ min }: AxisTiling): number => (which === 'encoder' ? min : Math.floor(min / ratio));
  if (height <= tileSide(tiling.height) && width <= tileSide(tiling.width)) return undefined;
  return { rows: tileAxis(which, height, tiling.height, ratio), cols: tileAxis(which, width, tiling.width, ratio) };
}
