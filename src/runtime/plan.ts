import { DeviceError } from '../errors.ts';
import { buildGraph, type Graph, type InputSize } from '../graph/build.ts';
import { chooseAlgorithms } from '../graph/algorithms.ts';
import { fuseNorms } from '../graph/fuse.ts';
import { planMemory, type MemoryPlan } from '../graph/memory.ts';
import { flops, inputs } from '../graph/ops.ts';
import { tensorBytes, type Tensor } from '../graph/tensor.ts';
import type { Target } from '../graph/weights.ts';
import { expandConvolutions } from '../graph/winograd.ts';
import type { Dispatch } from '../kernels/dispatch.ts';
import { lower } from '../kernels/lower.ts';
import type { Decoder, Encoder } from '../model/autoencoder.ts';

/** What a device allows, as numbers: `GPUSupportedLimits` has them by these names. */
export interface Limits {
  readonly maxStorageBufferBindingSize: number;
  readonly maxBufferSize: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  readonly minUniformBufferOffsetAlignment: number;
}

/** A dispatch and what it costs. */
export interface Step {
  readonly dispatch: Dispatch;
  /** Two for each multiply-add. */
  readonly flops: number;
}

/** All that running one half of the model at one size takes, known before anything is allocated. */
export interface Plan {
  readonly graph: Graph;
  readonly memory: MemoryPlan;
  readonly steps: readonly Step[];
  /** Of the network as it is written, two for each multiply-add; steps may get by with fewer. */
  readonly flops: number;
  /** Bytes from one dispatch's params to the next one's in the buffer that holds them all. */
  readonly paramStride: number;
  /** Bytes that a session allocates: activations and params, weights apart. */
  readonly peakBytes: number;
}

/** The largest binding that a device allows, in bytes. */
export function maxBinding(limits: Limits): number {
  return Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
}

/**
 * Plans one half of the model for inputs of a size.
 *
 * @throws DeviceError `limits` if a tensor doesn't fit a binding of this device; InputError if the network can't take the size
 */
export function makePlan(part: Encoder | Decoder, size: InputSize, target: Target, limits: Limits): Plan {
  return planGraph(buildGraph(part, size), target, limits);
}

const MiB = 2 ** 20;

/**
 * About how many bytes lie between the passes of a convolution. On a CPU they stay in its cache; on a GPU they grow with the image, so that the number
 * of dispatches doesn't, and stay small beside the three largest tensors, which a residual block holds at once.
 */
function scratchBytes({ ops }: Graph, { software }: Target): number {
  return software ? 16 * MiB : Math.max(64 * MiB, ...ops.map(({ y }) => tensorBytes(y) / 3));
}

/** A graph with its convolutions' algorithms chosen and taken apart into what runs. */
export function prepareGraph(graph: Graph, target: Target, maxBinding: number): Graph {
  const scratch = Math.min(scratchBytes(graph, target), maxBinding);
  const chosen = chooseAlgorithms(graph, target, maxBinding);
  // A software adapter gains nothing from the norm's barriers: what they save is memory's bandwidth.
  return expandConvolutions(target.software ? chosen : fuseNorms(chosen), scratch);
}

/**
 * Plans a graph.
 *
 * @throws DeviceError `limits` if a tensor doesn't fit a binding of this device
 */
export function planGraph(whole: Graph, target: Target, limits: Limits): Plan {
  const binding = maxBinding(limits);
  const tensors = whole.ops.flatMap((op) => [...inputs(op), op.y]);
  const largest = tensors.reduce((a, b) => (tensorBytes(b) > tensorBytes(a) ? b : a), whole.input);
  if (tensorBytes(largest) > binding) throw tooLarge(whole, largest, binding);
  const graph = prepareGraph(whole, target, binding);
  const memory = planMemory(graph);
  if (Math.max(...memory.buffers) > binding) throw tooLarge(graph, largest, binding);
  const steps = graph.ops.flatMap((op) => {
    const dispatches = lower(op, target, binding);
    return dispatches.map((dispatch) => ({ dispatch, flops: flops(op) / dispatches.length }));
  });
  const fits = ({ dispatch }: Step): boolean =>
    dispatch.grid.every((count) => count <= limits.maxComputeWorkgroupsPerDimension);
  if (!steps.every(fits)) throw tooLarge(graph, largest, binding);
  const alignment = limits.minUniformBufferOffsetAlignment;
  const longest = Math.max(1, ...steps.map(({ dispatch }) => dispatch.params.byteLength));
  const paramStride = Math.ceil(longest / alignment) * alignment;
  return {
    graph,
    memory,
    steps,
    flops: whole.ops.reduce((sum, op) => sum + flops(op), 0),
    paramStride,
    peakBytes: memory.buffers.reduce((sum, bytes) => sum + bytes, steps.length * paramStride),
  };
}

function tooLarge({ input }: Graph, tensor: Tensor, binding: number): DeviceError {
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  return new DeviceError(
    'limits',
    `An input of ${input.n} x ${input.height} x ${input.width} needs ${mib(tensorBytes(tensor))} MiB in one buffer (${tensor.label}), and ` +
      `this device allows ${mib(binding)} MiB. Use a smaller image or batch, or hand in a device that was requested with the adapter’s own ` +
      'maxStorageBufferBindingSize and maxBufferSize.',
  );
}
