import { DisposedError, InputError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { InputSize } from '../graph/build.ts';
import type { BandedTensor } from './bands.ts';
import { CallQueue } from './call_queue.ts';
import type { Network } from './network.ts';
import { WholeSink } from './output_sink.ts';
import type { RunOptions } from './run_options.ts';
import type { InputSnapshot, StagedInput } from './staged_input.ts';
import type { StripSink } from './strips.ts';
import { runTiled } from './tile_sink.ts';
import { layTiles, type Tiling } from './tiling.ts';

/** The runs of a model's networks, one after another. */
export class ModelRuns {
  /** Runs inputs larger than a tile in tiles; undefined runs them whole. */
  tiling: Tiling | undefined;
  readonly #gpu: Gpu;
  readonly #calls = new CallQueue();
  #disposed = false;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /**
   * Runs `work` on an input once all earlier calls are done. Frees the input in any case.
   *
   * @throws DisposedError after `dispose()`; DeviceError if the device is lost; the signal's reason when aborted
   */
  async inTurn<T>(
    signal: AbortSignal | undefined,
    snapshot: InputSnapshot,
    work: (input: StagedInput) => Promise<T>,
  ): Promise<T> {
    const turn = async (): Promise<T> => {
      this.#checkAlive();
      const input = await snapshot.stage();
      signal?.throwIfAborted();
      this.#checkAlive();
      return await work(input);
    };
    try {
      return await this.#calls.run(signal, () => this.#gpu.guard(turn()));
    } finally {
      snapshot.dispose();
    }
  }

  /**
   * Computes the whole output, in tiles if tiling is on and the input exceeds a tile.
   *
   * @param size - the input's size with padding
   * @returns the output, owned by the caller
   * @throws as `Network.run`
   */
  async whole(network: Network, input: StagedInput, size: InputSize, options: RunOptions): Promise<BandedTensor> {
    const sink = new WholeSink(this.#gpu);
    try {
      const tiles = this.tiling && layTiles(network, input, this.tiling);
      if (!tiles) await network.run({ input, size, sink }, options);
      const tensor = tiles ? await runTiled(this.#gpu, network, input, tiles, options) : sink.release();
      if (!this.#disposed) return tensor;
      tensor.dispose();
      throw new DisposedError('AutoencoderDC');
    } finally {
      sink.dispose();
    }
  }

  /**
   * Computes the output of one picture and hands its strips to the sink.
   *
   * @throws as `Network.run`; InputError for a batch
   */
  async strips(network: Network, input: StagedInput, sink: StripSink, options: RunOptions): Promise<void> {
    try {
      if (input.n > 1) throw new InputError(`decodeStrips takes one picture; this latent has ${input.n}.`);
      await network.run({ input, size: input, sink }, options);
    } finally {
      sink.dispose();
    }
  }

  /** Ends all runs, waiting ones too, with a DisposedError. */
  dispose(): void {
    this.#disposed = true;
  }

  #checkAlive(): void {
    if (this.#disposed) throw new DisposedError('AutoencoderDC');
  }
}
