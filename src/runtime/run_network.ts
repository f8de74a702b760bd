import type { Gpu } from '../gpu/gpu.ts';
import type { InputSize } from '../graph/build.ts';
import { compressionRatio } from '../model/autoencoder.ts';
import { copyCommon, makeBands, type Band } from './bands.ts';
import type { Network } from './network.ts';
import type { StagedInput } from './inputs.ts';
import type { Size } from './results.ts';
import type { RunOptions } from './run_options.ts';
import { runTiled, tilesOf, type Tiling } from './tiling.ts';

/** A half's whole output on the GPU. */
export interface NetworkResult {
  readonly bands: readonly Band[];
  readonly size: Size;
}

/** How a model was told to run. */
export interface RunModes {
  /** Batches picture by picture. */
  readonly slicing: boolean;
  readonly tiling: Tiling | undefined;
}

/**
 * Runs a half and gathers its output's regions, or its tiles, in buffers of their own.
 *
 * @throws as `Half.run`
 */
export async function runNetwork(
  gpu: Gpu,
  half: Network,
  size: InputSize,
  staged: StagedInput,
  options: RunOptions,
  { slicing, tiling }: RunModes,
): Promise<NetworkResult> {
  const { module: part } = half;
  const tiles = tilesOf(part.type === 'Encoder' ? 'encoder' : 'decoder', staged, tiling, compressionRatio(part));
  if (tiles) {
    const bands = await runTiled(gpu, half, staged, tiles, options, slicing);
    return { bands, size: { height: tiles.rows.size, width: tiles.cols.size } };
  }
  let result: NetworkResult = { bands: [], size };
  try {
    await half.run(size, staged, options, slicing, async (whole) => {
      const bands = await makeBands(gpu, 'result', whole);
      result = { bands, size: { height: whole.height, width: whole.width } };
      return (region, first) => {
        const encoder = gpu.device.createCommandEncoder({ label: 'result' });
        for (const band of bands) copyCommon(encoder, region, band, { from: 0, to: first });
        gpu.device.queue.submit([encoder.finish()]);
      };
    });
    return result;
  } catch (error) {
    for (const { buffer } of result.bands) buffer.destroy();
    throw error;
  }
}
