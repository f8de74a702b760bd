import type { Gpu } from '../gpu/gpu.ts';
import { intersection, rectOf } from '../graph/rects.ts';
import { tensorBytes, type Tensor } from '../graph/tensor.ts';
import { blend } from '../kernels/blend.ts';
import { submitCommands } from '../gpu/submit.ts';
import { runSingleDispatch } from '../session/single_dispatch.ts';
import { BandedTensor, copyOverlap, createBand, type Band } from './bands.ts';
import type { Network } from './network.ts';
import type { OutputSink } from './output_sink.ts';
import type { RunOptions, RunProgress } from './run_options.ts';
import type { StagedInput } from './staged_input.ts';
import type { TileSpan, Tiles } from './tiling.ts';

/** One tile: its span of rows and its span of columns. */
interface TileSpans {
  readonly y: TileSpan;
  readonly x: TileSpan;
}

/**
 * Runs a network tile by tile with the numbers of diffusers' `tiled_encode` and `tiled_decode`.
 *
 * @returns the whole output, owned by the caller
 * @throws as `Network.run`
 */
export async function runTiled(
  gpu: Gpu,
  network: Network,
  input: StagedInput,
  tiles: Tiles,
  options: RunOptions,
): Promise<BandedTensor> {
  const sink = new TileSink(gpu, tiles);
  const total = tiles.rows.spans.length * tiles.cols.spans.length;
  let done = 0;
  const withinTile =
    options.onProgress &&
    (({ fraction }: RunProgress) => options.onProgress?.({ done, total, fraction: (done + fraction) / total }));
  try {
    for (const y of tiles.rows.spans) {
      for (const x of tiles.cols.spans) {
        const tile = new TileInput(gpu, input, { y, x });
        await network.run({ input: tile, size: tile, sink }, { ...options, onProgress: withinTile });
        await sink.endTile({ y, x });
        options.onProgress?.({ done: ++done, total, fraction: done / total });
      }
      sink.endRow();
    }
    return sink.release();
  } finally {
    sink.dispose();
  }
}

/**
 * Gathers the output of one tile at a time, blends each with its upper and then its left neighbour, and assembles the
 * result.
 */
class TileSink implements OutputSink {
  readonly #gpu: Gpu;
  readonly #tiles: Tiles;
  #tile: Band | undefined;
  /** Blended tiles of the row above and of this row, which later tiles are blended with. */
  #above: Band[] = [];
  #row: Band[] = [];
  #result: BandedTensor | undefined;

  constructor(gpu: Gpu, tiles: Tiles) {
    this.#gpu = gpu;
    this.#tiles = tiles;
  }

  async begin(output: Tensor): Promise<void> {
    this.#tile = await createBand(this.#gpu, 'tile', output);
  }

  async take(region: Band, first: number): Promise<void> {
    const tile = this.#gathered();
    await submitCommands(this.#gpu, 'a tile', (encoder) => {
      copyOverlap(encoder, region, tile, { from: 0, to: first });
    });
  }

  /** Blends a complete tile with its neighbours and copies it into the result. */
  async endTile({ y, x }: TileSpans): Promise<void> {
    const { rows, cols } = this.#tiles;
    const tile = this.#gathered();
    const upper = this.#above[this.#row.length];
    const left = this.#row.at(-1);
    this.#tile = undefined;
    this.#row.push(tile);
    this.#result ??= await BandedTensor.create(this.#gpu, 'result', {
      ...tile.tensor,
      height: rows.size,
      width: cols.size,
    });
    if (upper) await this.#blend(upper, tile, rows.extent, true);
    if (left) await this.#blend(left, tile, cols.extent, false);
    // The right and lower neighbours overwrite whatever this tile holds beyond its stride.
    await this.#result.copyFrom({ ...tile, tensor: { ...tile.tensor, origin: { y: y.at, x: x.at } } });
  }

  /** Frees the tiles that no later tile is blended with. */
  endRow(): void {
    destroyBands(this.#above);
    this.#above = this.#row;
    this.#row = [];
  }

  /** Hands the result over; the sink no longer owns it. */
  release(): BandedTensor {
    const result = this.#result;
    if (!result) throw new RangeError('tiles ended without output');
    this.#result = undefined;
    return result;
  }

  /** Frees the tiles, and the result unless it was handed over. */
  dispose(): void {
    destroyBands([...this.#above, ...this.#row, ...(this.#tile ? [this.#tile] : [])]);
    this.#result?.dispose();
  }

  #gathered(): Band {
    if (!this.#tile) throw new RangeError('a tile ended without output');
    return this.#tile;
  }

  async #blend(from: Band, to: Band, limit: number, isDown: boolean): Promise<void> {
    const [a, b] = isDown ? [from.tensor.height, to.tensor.height] : [from.tensor.width, to.tensor.width];
    const extent = Math.min(a, b, limit);
    if (extent <= 0) return;
    const resources = [{ buffer: from.buffer }, { buffer: to.buffer }];
    await runSingleDispatch(this.#gpu, blend(from.tensor, to.tensor, extent, isDown), resources);
  }
}

/** One tile of an input, padded with zeros where it exceeds the input. */
class TileInput implements StagedInput {
  readonly n: number;
  readonly height: number;
  readonly width: number;
  readonly isPadded = false;
  readonly #gpu: Gpu;
  readonly #input: StagedInput;
  readonly #spans: TileSpans;

  constructor(gpu: Gpu, input: StagedInput, spans: TileSpans) {
    this.#gpu = gpu;
    this.#input = input;
    this.#spans = spans;
    this.n = input.n;
    this.height = spans.y.padded;
    this.width = spans.x.padded;
  }

  async write({ tensor, buffer }: Band, first: number): Promise<void> {
    const { y, x } = this.#spans;
    const origin = { y: tensor.origin.y + y.from, x: tensor.origin.x + x.from };
    const band = { tensor: { ...tensor, origin }, buffer };
    const inside = intersection(rectOf(band.tensor), { y: y.from, x: x.from, height: y.length, width: x.length });
    if (inside.height === tensor.height && inside.width === tensor.width) {
      await this.#input.write(band, first);
      return;
    }
    await submitCommands(this.#gpu, 'a tile', (encoder) => {
      encoder.clearBuffer(buffer, 0, tensorBytes(tensor));
    });
    if (inside.height <= 0 || inside.width <= 0) return;
    const { height, width } = inside;
    const part = await createBand(this.#gpu, 'tile', {
      ...tensor,
      height,
      width,
      origin: { y: inside.y, x: inside.x },
    });
    try {
      await this.#input.write(part, first);
      await submitCommands(this.#gpu, 'a tile', (encoder) => {
        copyOverlap(encoder, part, band);
      });
    } finally {
      part.buffer.destroy();
    }
  }
}

function destroyBands(bands: readonly Band[]): void {
  for (const { buffer } of bands) buffer.destroy();
}
