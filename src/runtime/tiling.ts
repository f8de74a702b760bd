import { InputError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { BufferUsage } from '../gpu/usage.ts';
import { intersection, rectOf } from '../graph/rects.ts';
import { tensorBytes, type Tensor } from '../graph/tensor.ts';
import { blend } from '../kernels/blend.ts';
import { copyCommon, makeBands, type Band } from './bands.ts';
import { runSingleDispatch } from '../session/single_dispatch.ts';
import type { Network } from './network.ts';
import type { StagedInput } from './inputs.ts';
import type { RunOptions } from './run_options.ts';

/** diffusers' arguments of `enable_tiling`, in pixels: 512 for the tiles and 448 from one to the next where left out, or 0. */
export interface TilingOptions {
  readonly tileSampleMinHeight?: number | undefined;
  readonly tileSampleMinWidth?: number | undefined;
  readonly tileSampleStrideHeight?: number | undefined;
  readonly tileSampleStrideWidth?: number | undefined;
}

/** Tiling along one axis, in pixels. */
interface AxisTiling {
  readonly min: number;
  readonly stride: number;
}

/** Tiling along both. */
export interface Tiling {
  readonly height: AxisTiling;
  readonly width: AxisTiling;
}

/** A tile along one axis: what it takes of the input, what the network is given, and where its output goes. */
interface Span {
  readonly from: number;
  readonly length: number;
  readonly padded: number;
  readonly at: number;
}

/** All tiles along one axis. */
export interface Axis {
  readonly spans: readonly Span[];
  readonly size: number;
  /** Of the output's pixels, over which neighbours are blended. */
  readonly extent: number;
}

/**
 * Fills in diffusers' defaults.
 *
 * @param ratio - the model's spatial compression ratio
 * @throws InputError that names the option which is none
 */
export function checkTiling(options: TilingOptions, ratio: number): Tiling {
  const side = (name: keyof TilingOptions, otherwise: number): number => {
    const value = options[name] ?? 0;
    if (value !== 0 && (!Number.isSafeInteger(value) || value < ratio)) {
      throw new InputError(
        `enableTiling's ${name} must be a whole number of pixels, ${ratio} or more; it was ${String(value)}.`,
      );
    }
    return value || otherwise;
  };
  const axis = (minName: keyof TilingOptions, strideName: keyof TilingOptions): AxisTiling => {
    const min = side(minName, 512);
    const stride = side(strideName, 448);
    if (stride <= min) return { min, stride };
    throw new InputError(`enableTiling's ${strideName} (${stride}) must not exceed ${minName} (${min}).`);
  };
  return {
    height: axis('tileSampleMinHeight', 'tileSampleStrideHeight'),
    width: axis('tileSampleMinWidth', 'tileSampleStrideWidth'),
  };
}

/** diffusers' tiles of one axis of an image (`encoder`, `size` in pixels) or a latent. */
export function tileAxis(part: 'encoder' | 'decoder', size: number, { min, stride }: AxisTiling, ratio: number): Axis {
  const encoding = part === 'encoder';
  const down = (pixels: number): number => Math.floor(pixels / ratio);
  const [length, step] = encoding ? [min, stride] : [down(min), down(stride)];
  const [keep, extent] = encoding ? [down(stride), down(min) - down(stride)] : [stride, min - stride];
  const spans: Span[] = [];
  let at = 0;
  for (let from = 0; from < size; from += step) {
    const taken = Math.min(length, size - from);
    const padded = encoding ? Math.ceil(taken / ratio) * ratio : taken;
    spans.push({ from, length: taken, padded, at });
    at += Math.min(keep, encoding ? padded / ratio : padded * ratio);
  }
  return { spans, size: encoding ? Math.min(at, down(size)) : at, extent };
}

/** The tiles of an input, or nothing where it is no larger than one. */
export function tilesOf(
  part: 'encoder' | 'decoder',
  { height, width }: { readonly height: number; readonly width: number },
  tiling: Tiling | undefined,
  ratio: number,
): { readonly rows: Axis; readonly cols: Axis } | undefined {
  if (!tiling) return undefined;
  const least = ({ min }: AxisTiling): number => (part === 'encoder' ? min : Math.floor(min / ratio));
  if (height <= least(tiling.height) && width <= least(tiling.width)) return undefined;
  return { rows: tileAxis(part, height, tiling.height, ratio), cols: tileAxis(part, width, tiling.width, ratio) };
}

/**
 * Runs a half tile by tile as diffusers does: each tile is blended with its upper, then its left neighbour, which have been blended themselves.
 *
 * @returns the output's bands
 */
export async function runTiled(
  gpu: Gpu,
  half: Network,
  staged: StagedInput,
  { rows, cols }: { readonly rows: Axis; readonly cols: Axis },
  options: RunOptions,
  sliced: boolean,
): Promise<Band[]> {
  let result: Band[] = [];
  let above: Band[] = [];
  let row: Band[] = [];
  const total = rows.spans.length * cols.spans.length;
  let done = 0;
  try {
    for (const y of rows.spans) {
      for (const x of cols.spans) {
        const tile = await runTile(gpu, half, staged, { y, x }, options, sliced);
        const upper = above[row.length];
        const left = row.at(-1);
        row.push(tile);
        if (result.length === 0) {
          result = await makeBands(gpu, 'result', { ...tile.tensor, height: rows.size, width: cols.size });
        }
        if (upper) await blendInto(gpu, upper, tile, rows.extent, true);
        if (left) await blendInto(gpu, left, tile, cols.extent, false);
        // What a tile has beyond its stride, its right and lower neighbours overwrite.
        const placed = { ...tile, tensor: { ...tile.tensor, origin: { y: y.at, x: x.at } } };
        copy(gpu, (encoder) => {
          for (const band of result) copyCommon(encoder, placed, band);
        });
        options.onProgress?.({ done: ++done, total });
      }
      free(above);
      above = row;
      row = [];
    }
    return result;
  } catch (error) {
    free(result);
    throw error;
  } finally {
    free(above);
    free(row);
  }
}

async function runTile(
  gpu: Gpu,
  half: Network,
  staged: StagedInput,
  { y, x }: { readonly y: Span; readonly x: Span },
  options: RunOptions,
  sliced: boolean,
): Promise<Band> {
  const size = { n: staged.n, height: y.padded, width: x.padded };
  const input = { ...staged, into: (band: Band, first: number) => tileInto(gpu, staged, { y, x }, band, first) };
  const made: Band[] = [];
  try {
    await half.run(size, input, { ...options, onProgress: undefined }, sliced, async (tensor) => {
      const tile = await makeTile(gpu, tensor);
      made.push(tile);
      return (region, first) => copy(gpu, (encoder) => copyCommon(encoder, region, tile, { from: 0, to: first }));
    });
  } catch (error) {
    free(made);
    throw error;
  }
  const [tile] = made;
  if (!tile) throw new RangeError('a run began without output');
  return tile;
}

/** Writes a part of a tile, zeros where that lies beyond the input. */
async function tileInto(
  gpu: Gpu,
  staged: StagedInput,
  { y, x }: { readonly y: Span; readonly x: Span },
  { tensor, buffer }: Band,
  first: number,
): Promise<void> {
  const { origin } = tensor;
  const band = { tensor: { ...tensor, origin: { y: origin.y + y.from, x: origin.x + x.from } }, buffer };
  const tile = { y: y.from, x: x.from, height: y.length, width: x.length };
  const inside = intersection(rectOf(band.tensor), tile);
  if (inside.height === tensor.height && inside.width === tensor.width) {
    await staged.into(band, first);
    return;
  }
  copy(gpu, (encoder) => encoder.clearBuffer(buffer, 0, tensorBytes(tensor)));
  if (inside.height <= 0 || inside.width <= 0) return;
  const part = await makeTile(gpu, {
    ...tensor,
    height: inside.height,
    width: inside.width,
    origin: { y: inside.y, x: inside.x },
  });
  try {
    await staged.into(part, first);
    copy(gpu, (encoder) => copyCommon(encoder, part, band));
  } finally {
    part.buffer.destroy();
  }
}

async function blendInto(gpu: Gpu, from: Band, to: Band, most: number, down: boolean): Promise<void> {
  const [a, b] = down ? [from.tensor.height, to.tensor.height] : [from.tensor.width, to.tensor.width];
  const extent = Math.min(a, b, most);
  if (extent <= 0) return;
  const resources = [{ buffer: from.buffer }, { buffer: to.buffer }];
  await runSingleDispatch(gpu, blend(from.tensor, to.tensor, extent, down), resources);
}

async function makeTile(gpu: Gpu, tensor: Tensor): Promise<Band> {
  const { STORAGE, COPY_SRC, COPY_DST } = BufferUsage;
  const buffer = await gpu.checked('a tile', () =>
    gpu.device.createBuffer({ label: 'tile', size: tensorBytes(tensor), usage: STORAGE | COPY_SRC | COPY_DST }),
  );
  return { tensor, buffer };
}

function copy(gpu: Gpu, encode: (encoder: GPUCommandEncoder) => void): void {
  const encoder = gpu.device.createCommandEncoder({ label: 'tile' });
  encode(encoder);
  gpu.device.queue.submit([encoder.finish()]);
}

function free(bands: readonly Band[]): void {
  for (const { buffer } of bands) buffer.destroy();
}
