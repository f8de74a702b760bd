import type { Gpu } from '../gpu/gpu.ts';
import type { Tensor } from '../graph/tensor.ts';
import { BandedTensor, type Band } from './bands.ts';

/**
 * The receiver of a network's output. `Network.run` calls `begin` once, then `take` for each computed region, row by
 * row and from left to right. Implementations: `WholeSink` (one result), `TileSink` (diffusers' tiling), `StripSink`
 * (rows of pixels).
 */
export interface OutputSink {
  /**
   * Prepares for the output. Called before anything is computed.
   *
   * @param output - the output of the whole batch
   */
  begin(output: Tensor): Promise<void>;
  /**
   * Takes a region. Its buffer is overwritten once this resolves and the commands submitted by then have run.
   *
   * @param first - the picture of the batch that the region's first picture is
   */
  take(region: Band, first: number): Promise<void>;
}

/** Gathers the whole output in buffers of its own. */
export class WholeSink implements OutputSink {
  readonly #gpu: Gpu;
  #result: BandedTensor | undefined;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  async begin(output: Tensor): Promise<void> {
    this.#result = await BandedTensor.create(this.#gpu, 'result', output);
  }

  async take(region: Band, first: number): Promise<void> {
    await this.#result?.copyFrom(region, first);
  }

  /** Hands the result over; the sink no longer owns it. */
  release(): BandedTensor {
    const result = this.#result;
    if (!result) throw new RangeError('a run ended without output');
    this.#result = undefined;
    return result;
  }

  /** Frees the result, unless it was handed over. */
  dispose(): void {
    this.#result?.dispose();
    this.#result = undefined;
  }
}
