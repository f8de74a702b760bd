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

/** A dispatch with its FLOPs and the bytes that it reads and writes, each byte once. */
export interface DispatchStep {
  readonly kind: 'dispatch';
  readonly dispatch: Dispatch;
  readonly flops: number;
  readonly bytes: number;
}

/** One step of a session. */
type Step =
  /** Write the tensor's rectangle of the graph's input into the tensor. */
  | { readonly kind: 'input'; readonly tensor: Tensor }
  | DispatchStep
  /**
   * A region is done. `output` is the tensor that holds its rectangle of the graph's output until the next step;
   * undefined if it computes none.
   */
  | { readonly kind: 'done'; readonly output: Tensor | undefined };

/** The buffers, dispatches and costs of one network at one input size, known before anything is allocated. */
export interface Plan {
  /** The whole input and output of the graph. */
  readonly input: Tensor;
  readonly output: Tensor;
  readonly memory: MemoryPlan;
  readonly steps: readonly Step[];
  /** The steps that are dispatches. */
  readonly dispatches: readonly DispatchStep[];
  /** FLOPs of the network as defined, two for each multiply-add. Fast algorithms need fewer. */
  readonly flops: number;
  /** FLOPs of all regions divided by `flops`: 1 in one piece, more if regions compute each other's halos again. */
  readonly recompute: number;
  readonly regions: number;
  /** Bytes from one dispatch's params to the next in their common buffer. */
  readonly paramStride: number;
  /** Bytes that a session allocates: activations and params, without weights and results. */
  readonly peakBytes: number;
}

const MiB = 2 ** 20;
/**
 * Divisors of the budget that limit the largest tensor. Small tensors share buffers better but mean smaller regions.
 */
const TENSOR_SHARES = [1, 4, 8, 12];
/** Divisors of the budget that limit a convolution's scratch tensors. Less scratch leaves more for activations. */
const SCRATCH_SHARES = [8, 32] as const;
/** Estimated bytes of an op's params: 256 for each dispatch, and few ops have more than one. */
const OP_PARAM_BYTES = 512;
/** A recompute factor above this makes it worthwhile to search for better regions. */
const RECOMPUTE_WORTH_SEARCHING = 1.2;
/** Cost of starting a dispatch, in FLOPs: 0.2 ms, measured on a CPU at 20 GFLOP/s. */
const DISPATCH_FLOPS = 4e6;

/**
 * Plans a network for inputs of a size.
 *
 * @param budget - limit on the bytes of activations
 * @throws DeviceError `limits` if the input cannot be made to fit; InputError if the network cannot take the size, or
 *   if the budget is invalid
 */
export function planNetwork(
  network: Encoder | Decoder,
  size: InputSize,
  target: Target,
  limits: Limits,
  budget?: number,
): Plan {
  return planGraph(buildGraph(network, size, target.activations), target, limits, budget);
}

/**
 * Plans a network for inputs of a size in one piece.
 *
 * @returns undefined if the input does not fit in one piece
 * @throws InputError if the network cannot take the size, or if the budget is invalid
 */
export function planNetworkInOnePiece(
  network: Encoder | Decoder,
  size: InputSize,
  target: Target,
  limits: Limits,
  budget?: number,
): Plan | undefined {
  const graph = buildGraph(network, size, target.activations);
  return new Planner(graph, target, limits).inOnePiece(checkedBudget(budget, limits));
}

/**
 * Plans a graph, in one piece if it fits, otherwise region by region.
 *
 * @param budget - limit on the bytes of activations
 * @throws DeviceError `limits` if the graph cannot be made to fit; InputError if the budget is invalid
 */
export function planGraph(graph: Graph, target: Target, limits: Limits, budget?: number): Plan {
  const most = checkedBudget(budget, limits);
  const planner = new Planner(graph, target, limits);
  const plan = planner.inOnePiece(most) ?? planner.inRegions(most);
  if (plan) return plan;
  throw tooLarge(graph, most, limits, planner.smallest(most));
}

/** A schedule whose tensors are assigned to buffers. */
interface Layout {
  readonly schedule: Schedule;
  readonly memory: MemoryPlan;
  /** Number of ops. Most ops are one dispatch. */
  readonly ops: number;
}

/** Plans one graph under any number of budgets. */
class Planner {
  readonly #graph: Graph;
  readonly #target: Target;
  readonly #limits: Limits;
  /** Bytes of the largest tensor that fits a binding. */
  readonly #tensor: number;
  /**
   * Schedulers by scratch size. Each memoizes the region sizes that it has tried, so that several budgets share them.
   */
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

  /** Returns a plan in one piece, or undefined if it does not fit. */
  inOnePiece(budget: number): Plan | undefined {
    for (const part of SCRATCH_SHARES) {
      const schedule = this.#scheduler(budget / part).inOnePiece({ tensor: this.#tensor, total: budget });
      const laid = schedule && layOut(schedule, budget);
      if (laid) return this.#planned(laid);
    }
    return undefined;
  }

  /** Returns a plan in regions, or undefined if none fits. */
  inRegions(budget: number): Plan | undefined {
    let best: Layout | undefined;
    for (const part of SCRATCH_SHARES) {
      const laid = this.#regions(budget, budget / part);
      if (laid && !(best && layoutCost(best) <= layoutCost(laid))) best = laid;
      if (best && best.schedule.flops < RECOMPUTE_WORTH_SEARCHING * this.#flops) break;
    }
    return best && this.#planned(best);
  }

  /** Returns the smallest budget that fits, to within 15 %, given one that does not. */
  smallest(budget: number): number {
    return smallestBudget(budget, (total) => this.#regions(total, total / SCRATCH_SHARES[0]));
  }

  /** Returns regions that fit the budget, or undefined. */
  #regions(budget: number, scratch: number): Layout | undefined {
    const scheduler = this.#scheduler(scratch);
    // Only the finished cut shows how well buffers can be shared, so approach the budget from above.
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
      if (!any) return undefined; // a smaller budget would not fit either
    }
    return undefined;
  }

  /** @param scratch - limit on the bytes of a convolution's scratch tensors; rounded down to a power of two */
  #scheduler(scratch: number): Scheduler {
    const most = Math.min(this.#tensor, 2 ** Math.floor(Math.log2(scratch)));
    let scheduler = this.#schedulers.get(most);
    if (!scheduler) {
      scheduler = new Scheduler(this.#graph, (region, id, sample) => {
        const limits = scratchOf(region.ops, this.#target, most);
        return { ...region, ops: expandConvolutions(region.ops, { ...limits, id, maxChunks: sample ? 1 : Infinity }) };
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

/** Chooses the algorithms on the graph of the whole image, so that all regions compute the same. */
function withAlgorithms(graph: Graph, target: Target, binding: number): Graph {
  const chosen = chooseAlgorithms(graph, target, binding);
  // A fused norm saves memory bandwidth but costs barriers, which a CPU does not repay.
  return target.software ? chosen : fuseNorms(chosen);
}

/**
 * Returns approximate limits on the bytes of a convolution's scratch tensors and of its matrices. On a CPU the scratch
 * should stay in the cache. On a GPU it grows with the image, so that the number of dispatches does not. It stays small
 * beside the three largest tensors, which a residual block holds at the same time.
 *
 * @param most - upper limit of both, in bytes
 */
function scratchOf(
  ops: readonly Op[],
  { software }: Target,
  most: number,
): { scratchBytes: number; matrixBytes: number } {
  const largest = Math.max(64 * MiB, ...ops.map(({ y }) => tensorBytes(y) / 3));
  return { scratchBytes: Math.min(most, software ? 16 * MiB : largest), matrixBytes: Math.min(most, largest) };
}

/** Returns the ops that run if the whole image is computed in one piece. */
export function opsInOnePiece(whole: Graph, target: Target, limits: Limits): Op[] {
  const binding = maxBindingBytes(limits);
  const { ops } = withAlgorithms(whole, target, binding);
  let id = ops.reduce((last, { y }) => Math.max(last, y.id), 0);
  return expandConvolutions(ops, { ...scratchOf(ops, target, binding), id: () => ++id });
}

/** Assigns a schedule's tensors to buffers. Returns undefined if buffers and params exceed the budget. */
function layOut(schedule: Schedule, budget: number): Layout | undefined {
  const memory = planMemory(schedule.passes);
  const ops = schedule.passes.flat().reduce((sum, region) => sum + region.ops.length, 0);
  return bytesOf(memory) + ops * OP_PARAM_BYTES <= budget ? { schedule, memory, ops } : undefined;
}

/** Returns the cost of a layout, in FLOPs. */
function layoutCost({ schedule, ops }: Layout): number {
  return schedule.flops + ops * DISPATCH_FLOPS;
}

/** @param own - FLOPs of the graph */
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
