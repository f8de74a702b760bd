import { buildGraph, type Graph, type InputSize } from '../graph/build.ts';
import { chooseAlgorithms } from '../graph/algorithms.ts';
import { fuseNorms } from '../graph/fuse.ts';
import { planMemory, zeroBytes, type MemoryPlan } from './memory.ts';
import { flops, inputs, type Op } from '../graph/ops.ts';
import { Scheduler, type Schedule } from './schedule.ts';
import { tensorBytes, type Tensor } from '../graph/tensor.ts';
import { bytesMoved } from './traffic.ts';
import type { Target } from '../graph/target.ts';
import { expandConvolutions } from '../graph/expand.ts';
import type { Dispatch } from '../kernels/dispatch.ts';
import { lower } from '../kernels/lower.ts';
import type { Decoder, Encoder } from '../model/autoencoder.ts';
import { checkedBudget, maxBindingBytes, smallestBudget, tooLarge, type Limits } from './budget.ts';

/** A dispatch and what it costs: two FLOPs for each multiply-add, and the bytes that it reads and writes, each once. */
export interface DispatchStep {
  readonly kind: 'dispatch';
  readonly dispatch: Dispatch;
  readonly flops: number;
  readonly bytes: number;
}

/** One thing that a session does. */
export type Step =
  /** The rectangle of the graph's input that a tensor holds is to be written into it. */
  | { readonly kind: 'input'; readonly tensor: Tensor }
  | DispatchStep
  /** A region is done; if it is one of the graph's output, this tensor holds it until the next step. */
  | { readonly kind: 'done'; readonly output: Tensor | undefined };

/** All that running one half of the model at one size takes, known before anything is allocated. */
export interface Plan {
  /** The graph's input and output, whole. */
  readonly input: Tensor;
  readonly output: Tensor;
  readonly memory: MemoryPlan;
  readonly steps: readonly Step[];
  /** Those of the steps that are dispatches. */
  readonly dispatches: readonly DispatchStep[];
  /** Of the network as it is written, two for each multiply-add; fast algorithms get by with fewer. */
  readonly flops: number;
  /** What is computed ÷ `flops`: 1 in one piece, more where regions compute their neighbours' halos again, in whole tiles. */
  readonly recompute: number;
  readonly regions: number;
  /** Bytes from one dispatch's params to the next one's in the buffer that holds them all. */
  readonly paramStride: number;
  /** Bytes that a session allocates: activations and params, weights and results apart. */
  readonly peakBytes: number;
}

const MiB = 2 ** 20;
/** Parts of the budget that the largest tensor may take: small ones share buffers better, and mean smaller regions. */
const TENSOR_SHARES = [1, 4, 8, 12];
/** Parts of the budget that may lie between the passes of a convolution: the less, the more is left for what they compute. */
const SCRATCH_SHARES = [8, 32] as const;
/** What an op's params are taken to need: 256 bytes a dispatch, and few ops have more than one. */
const OP_PARAM_BYTES = 512;
/** Regions that compute so many times as much as one piece are worth the search for better ones. */
const RECOMPUTE_WORTH_SEARCHING = 1.2;
/** What beginning a dispatch costs beside its arithmetic: 0.2 ms, as measured on a CPU at 20 GFLOP/s. */
const DISPATCH_FLOPS = 4e6;

/**
 * Plans one half of the model for inputs of a size.
 *
 * @param budget - bytes that the activations may take
 * @throws DeviceError `limits` if it can't be made to fit; InputError if the network can't take the size, or for a budget that is none
 */
export function planNetwork(
  part: Encoder | Decoder,
  size: InputSize,
  target: Target,
  limits: Limits,
  budget?: number,
): Plan {
  return planGraph(buildGraph(part, size, target.activations), target, limits, budget);
}

/**
 * Plans one half of the model for inputs of a size in one piece.
 *
 * @returns undefined where that doesn't fit
 * @throws as `makePlan` for a size or a budget that is none
 */
export function planNetworkInOnePiece(
  part: Encoder | Decoder,
  size: InputSize,
  target: Target,
  limits: Limits,
  budget?: number,
): Plan | undefined {
  const graph = buildGraph(part, size, target.activations);
  return new Planner(graph, target, limits).inOnePiece(checkedBudget(budget, limits));
}

/**
 * Plans a graph: in one piece where it fits, region by region where it doesn't.
 *
 * @param budget - bytes that the activations may take
 * @throws DeviceError `limits` if it can't be made to fit; InputError for a budget that is none
 */
export function planGraph(graph: Graph, target: Target, limits: Limits, budget?: number): Plan {
  const most = checkedBudget(budget, limits);
  const planner = new Planner(graph, target, limits);
  const plan = planner.inOnePiece(most) ?? planner.inRegions(most);
  if (plan) return plan;
  throw tooLarge(graph, most, limits, planner.smallest(most));
}

/** A schedule with its tensors in buffers. */
interface Layout {
  readonly schedule: Schedule;
  readonly memory: MemoryPlan;
  /** How many it has: each is a dispatch or few. */
  readonly ops: number;
}

/** Plans one graph under as many budgets as are tried. */
class Planner {
  readonly #graph: Graph;
  readonly #target: Target;
  readonly #limits: Limits;
  /** The largest tensor that a binding has room for. */
  readonly #tensor: number;
  /** By how much may lie between the passes of a convolution; what they have found out about regions serves all budgets. */
  readonly #schedulers = new Map<number, Scheduler>();
  readonly #flops: number;

  constructor(whole: Graph, target: Target, limits: Limits) {
    const binding = maxBindingBytes(limits);
    this.#graph = withAlgorithms(whole, target, binding);
    this.#target = target;
    this.#limits = limits;
    this.#flops = this.#graph.ops.reduce((sum, op) => sum + flops(op), 0);
    this.#tensor = binding - zeroBytes(this.#graph.ops.flatMap((op) => [...inputs(op), op.y]));
  }

  /** A plan in one piece, or undefined. */
  inOnePiece(budget: number): Plan | undefined {
    for (const part of SCRATCH_SHARES) {
      const schedule = this.#scheduler(budget / part).inOnePiece({ tensor: this.#tensor, total: budget });
      const laid = schedule && layOut(schedule, budget);
      if (laid) return this.#planned(laid);
    }
    return undefined;
  }

  /** A plan in regions, or undefined. */
  inRegions(budget: number): Plan | undefined {
    let best: Layout | undefined;
    for (const part of SCRATCH_SHARES) {
      const laid = this.#regions(budget, budget / part);
      if (laid && !(best && layoutCost(best) <= layoutCost(laid))) best = laid;
      if (best && best.schedule.flops < RECOMPUTE_WORTH_SEARCHING * this.#flops) break;
    }
    return best && this.#planned(best);
  }

  /** About the smallest budget above one that didn't do. */
  smallest(budget: number): number {
    return smallestBudget(budget, (total) => this.#regions(total, total / SCRATCH_SHARES[0]));
  }

  /** Regions that take no more than a budget, or undefined. */
  #regions(budget: number, scratch: number): Layout | undefined {
    const scheduler = this.#scheduler(scratch);
    // How well buffers can be shared is known only when all is cut: come down to the budget from above.
    for (const share of [1, 0.85, 0.7]) {
      const total = share * budget;
      const largest = new Set(TENSOR_SHARES.map((part) => Math.min(this.#tensor, total / part)));
      let any = false;
      for (const tensor of largest) {
        const schedule = scheduler.inGroups({ tensor, total });
        const laid = schedule && layOut(schedule, budget);
        if (laid) return laid;
        any ||= schedule !== undefined;
      }
      if (!any) return undefined; // less won't be easier
    }
    return undefined;
  }

  /** @param scratch - bytes that may lie between the passes of a convolution, of which it takes the power of two below */
  #scheduler(scratch: number): Scheduler {
    const most = Math.min(this.#tensor, 2 ** Math.floor(Math.log2(scratch)));
    let scheduler = this.#schedulers.get(most);
    if (!scheduler) {
      scheduler = new Scheduler(this.#graph, (region, id, sample) => {
        const room = scratchOf(region.ops, this.#target, most);
        return { ...region, ops: expandConvolutions(region.ops, { ...room, id, maxChunks: sample ? 1 : Infinity }) };
      });
      this.#schedulers.set(most, scheduler);
    }
    return scheduler;
  }

  #planned(laid: Layout): Plan | undefined {
    const plan = buildPlan(this.#graph, this.#flops, laid, this.#target, this.#limits);
    return runnable(plan, this.#limits) ? plan : undefined;
  }
}

/** A graph with its convolutions' algorithms chosen, for the image as a whole: regions of it compute the same. */
function withAlgorithms(graph: Graph, target: Target, binding: number): Graph {
  const chosen = chooseAlgorithms(graph, target, binding);
  // A software adapter gains nothing from the norm's barriers: what they save is memory's bandwidth.
  return target.software ? chosen : fuseNorms(chosen);
}

/**
 * About how many bytes lie between the passes of a convolution, and how many its matrices take. On a CPU what lies between stays in its cache; on a GPU
 * it grows with the image, so that the number of dispatches doesn't, and stays small beside the three largest tensors, which a residual block
 * holds at once.
 *
 * @param most - of both
 */
function scratchOf(
  ops: readonly Op[],
  { software }: Target,
  most: number,
): { scratchBytes: number; matrixBytes: number } {
  const largest = Math.max(64 * MiB, ...ops.map(({ y }) => tensorBytes(y) / 3));
  return { scratchBytes: Math.min(most, software ? 16 * MiB : largest), matrixBytes: Math.min(most, largest) };
}

/** Ops as they run on a device where all fits in one piece. */
export function opsInOnePiece(whole: Graph, target: Target, limits: Limits): Op[] {
  const binding = maxBindingBytes(limits);
  const { ops } = withAlgorithms(whole, target, binding);
  let id = ops.reduce((last, { y }) => Math.max(last, y.id), 0);
  return expandConvolutions(ops, { ...scratchOf(ops, target, binding), id: () => ++id });
}

/** A schedule in buffers, if it takes no more than a budget with its params. */
function layOut(schedule: Schedule, budget: number): Layout | undefined {
  const memory = planMemory(schedule.passes);
  const ops = schedule.passes.flat().reduce((sum, region) => sum + region.ops.length, 0);
  return bytesOf(memory) + ops * OP_PARAM_BYTES <= budget ? { schedule, memory, ops } : undefined;
}

/** What a schedule costs, in multiply-adds times two. */
function layoutCost({ schedule, ops }: Layout): number {
  return schedule.flops + ops * DISPATCH_FLOPS;
}

/** @param own - the graph's FLOPs */
function buildPlan(graph: Graph, own: number, { schedule, memory }: Layout, target: Target, limits: Limits): Plan {
  const regions = schedule.passes.flat();
  const steps = regions.flatMap(({ input, ops, output }): Step[] => [
    ...(input ? [{ kind: 'input' as const, tensor: input }] : []),
    ...ops.flatMap((op) => {
      const dispatches = lower(op, target, maxBindingBytes(limits));
      const share = { flops: flops(op) / dispatches.length, bytes: bytesMoved(op, target.weights) / dispatches.length };
      return dispatches.map((dispatch) => ({ kind: 'dispatch' as const, dispatch, ...share }));
    }),
    { kind: 'done', output },
  ]);
  const dispatches = steps.filter((step) => step.kind === 'dispatch');
  const alignment = limits.minUniformBufferOffsetAlignment;
  const longest = dispatches.reduce((most, { dispatch }) => Math.max(most, dispatch.params.byteLength), 1);
  const paramStride = Math.ceil(longest / alignment) * alignment;
  return {
    input: graph.input,
    output: graph.output,
    memory,
    steps,
    dispatches,
    flops: own,
    recompute: own === 0 ? 1 : schedule.flops / own,
    regions: regions.length,
    paramStride,
    peakBytes: bytesOf(memory) + dispatches.length * paramStride,
  };
}

function runnable({ dispatches }: Plan, { maxComputeWorkgroupsPerDimension: most }: Limits): boolean {
  return dispatches.every(({ dispatch }) => dispatch.grid.every((count) => count <= most));
}

function bytesOf({ buffers }: MemoryPlan): number {
  return buffers.reduce((sum, bytes) => sum + bytes, 0);
}
