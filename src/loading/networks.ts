/** Facts about a network that do not depend on the size of its input: its weights, its smallest input, its shaders. */
import type { Gpu } from '../gpu/gpu.ts';
import { buildGraph, type InputSize } from '../graph/build.ts';
import { weightsOf } from '../graph/ops.ts';
import type { Target } from '../graph/target.ts';
import type { WeightSpec } from '../graph/weights.ts';
import { lower } from '../kernels/lower.ts';
import { compressionRatio, type Decoder, type Encoder } from '../model/autoencoder.ts';
import { maxBindingBytes } from '../plan/budget.ts';
import { opsInOnePiece } from '../plan/plan.ts';

/** The sides of a network's smallest input. The sides of all inputs are multiples of it. */
export function smallestSide(network: Encoder | Decoder): number {
  return network.type === 'Decoder' ? 1 : compressionRatio(network);
}

/** Lists the weights that a network needs on the GPU, each once. */
export function weightSpecs(network: Encoder | Decoder): WeightSpec[] {
  const side = smallestSide(network);
  const { ops } = buildGraph(network, { n: 1, height: side, width: side });
  return [...new Map(ops.flatMap(weightsOf).map((spec) => [spec.id, spec])).values()];
}

/** Compiles every shader that the networks can need. A run that needs one earlier waits for it. */
export async function compileNetworks(
  gpu: Gpu,
  networks: readonly (Encoder | Decoder)[],
  headDim: number,
  target: Target,
): Promise<void> {
  const { limits } = gpu.device;
  const binding = maxBindingBytes(limits);
  // Lowered without a plan: the device may not have the memory for inputs of these sizes.
  const dispatches = networks.flatMap((network) =>
    trialSizes(network, headDim).flatMap((size) =>
      opsInOnePiece(buildGraph(network, size, target.activations), target, limits).flatMap((op) =>
        lower(op, target, binding),
      ),
    ),
  );
  await Promise.all(dispatches.map(({ shader, constants }) => gpu.guard(gpu.pipelines.get(shader, constants))));
}

/** Input sizes for which every kernel of a network runs: both forms of attention, and all those of convolutions. */
function trialSizes(network: Encoder | Decoder, headDim: number): InputSize[] {
  const unit = smallestSide(network);
  const many = unit * (Math.ceil(Math.sqrt(headDim)) + 1);
  return [unit, many, 32 * unit].map((side) => ({ n: 1, height: side, width: side }));
}
