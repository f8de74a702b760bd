import type { Graph } from '../graph/build.ts';
import {
  cost,
  fits,
  Grids,
  rectsOf,
  memoized,
  footprintOf,
  type Grid,
  type Footprint,
  type RegionRun,
} from './grid.ts';
import { flops, isReduction, type Op } from '../graph/ops.ts';
import { rectOf, type Rect } from '../graph/rects.ts';
import { cutRegion, demand, type Cutter, type Region, type StoredTensor } from './region.ts';
import { segments, type Segment } from './segments.ts';
import { tensorBytes, type Tensor } from '../graph/tensor.ts';

/**
 * Expands the ops of a region into those that run: fast algorithms need several ops and scratch tensors. With `sample`,
 * some of them are enough, because only their tensors are inspected.
 */
type Prepare = (region: Region, id: () => number, sample: boolean) => Region;

/** Schedules with a larger recompute factor are refused: they would run, and be planned, for too long. */
const MAX_RECOMPUTE = 8;
/** Schedules with more ops are refused: each op takes about a kilobyte of JavaScript memory. */
const MAX_OPS = 1e5;

/** Passes that run one after another, each region by region. */
export interface Schedule {
  readonly passes: readonly (readonly Region[])[];
  /** FLOPs of all regions. Divided by the FLOPs of the graph, this is the recompute factor. */
  readonly flops: number;
}

/** Segments that are computed together: in one piece, or region by region, depth first. */
interface Group {
  readonly flops: number;
  readonly cost: number;
  readonly passes: readonly CutRun[];
}

/** Passes that could compute some segments; empty if that is impossible. */
interface Candidate {
  readonly passes: readonly {
    readonly run: RegionRun;
    readonly grids: Grids;
    readonly overwrites: Tensor | undefined;
  }[];
  /** Bytes of stored tensors while the passes run. */
  readonly stored: number;
}

interface CutRun {
  readonly run: RegionRun;
  readonly grid: Grid;
  /** The stored tensor that the run's output overwrites. */
  readonly overwrites?: Tensor | undefined;
}

/**
 * Schedules a graph within a memory budget.
 *
 * A graph that fits runs in one piece. Otherwise its segments are grouped. A group is computed depth first, region by
 * region, with halos; only the tensors between groups are stored. A group with a reduction first gathers its sums over
 * all regions. Dynamic programming chooses the groups and regions with the lowest cost.
 */
export class Scheduler {
  readonly #graph: Graph;
  readonly #prepare: Prepare;
  #ids: number;
  readonly #segments: readonly Segment[];
  readonly #wholes = new Map<string, Footprint>();
  readonly #candidates = new Map<string, Candidate>();

  constructor(graph: Graph, prepare: Prepare) {
    this.#graph = graph;
    this.#prepare = prepare;
    this.#ids = graph.ops.reduce((last, { y }) => Math.max(last, y.id), graph.input.id) + 1;
    this.#segments = segments(graph);
  }

  /** Returns a schedule in one piece; undefined if it does not fit. */
  inOnePiece(budget: Footprint): Schedule | undefined {
    const { ops, output } = this.#graph;
    const cut = (sample: boolean): Region => this.#cut(ops, writers(ops, output), rectOf(output), new Map(), sample);
    return fits(footprintOf(cut(true)), budget) ? { passes: [[cut(false)]], flops: sum(ops) } : undefined;
  }

  /** Returns a schedule in groups of segments; undefined if none fits within MAX_RECOMPUTE and MAX_OPS. */
  inGroups(budget: Footprint): Schedule | undefined {
    const all = this.#segments;
    const best: ({ cost: number; from: number; group: Group | undefined } | undefined)[] = [
      { cost: 0, from: 0, group: undefined },
    ];
    const wholes = all.map((_, i) => this.#whole(i, budget));
    const flops = all.map(({ ops }) => sum(ops));
    for (let end = 1; end <= all.length; end++) {
      let own = 0;
      for (let start = end - 1; start >= 0; start--) {
        own += flops[start] ?? 0;
        const before = best[start];
        const several = start + 1 < end;
        // A group costs at least its own FLOPs.
        if (!before || before.cost + own >= (best[end]?.cost ?? Infinity)) continue;
        // Only the first segment of a group may contain a reduction. A later one would need everything before it
        // computed twice.
        if (all.slice(start + 1, end).some(({ ops }) => ops.some(isReduction))) break;
        if (several && wholes.slice(start, end).every(Boolean)) continue;
        const group = (several ? undefined : wholes[start]) ?? this.#group(start, end, budget);
        if (!group) continue;
        const total = before.cost + group.cost;
        if (total < (best[end]?.cost ?? Infinity)) best[end] = { cost: total, from: start, group };
      }
    }
    const groups: Group[] = [];
    for (let end = all.length; end > 0;) {
      const step = best[end];
      if (!step?.group) return undefined;
      groups.unshift(step.group);
      end = step.from;
    }
    const total = groups.reduce((all, group) => all + group.flops, 0);
    return total > MAX_RECOMPUTE * sum(this.#graph.ops) ? undefined : this.#build(groups, budget);
  }

  /** Returns a segment in one piece; undefined if it does not fit. */
  #whole(index: number, budget: Footprint): Group | undefined {
    const segment = this.#segments[index];
    if (!segment) return undefined;
    const { ops, from, to } = segment;
    const roots = writers(ops, to);
    const whole = rectOf(to);
    const size = memoized(this.#wholes, `${index}`, () => {
      const stored = new Map(this.#kept([from, to]).map((t) => [t.id, { bands: [t] }]));
      return footprintOf(this.#cut(ops, roots, whole, stored, true));
    });
    if (!fits(size, budget)) return undefined;
    const run = { ops, roots, whole, step: 1, rowsOnly: false };
    const own = sum(ops);
    const grid = { height: whole.height, width: whole.width, regions: 1, flops: own };
    return { flops: own, cost: own, passes: [{ run, grid }] };
  }

  /** Returns some segments region by region; undefined if they do not fit. */
  #group(start: number, end: number, budget: Footprint): Group | undefined {
    const parts = this.#segments.slice(start, end);
    const ends = [parts[0]?.from, parts.at(-1)?.to].filter((tensor) => tensor !== undefined);
    const choose = (inPlace: boolean): Group | undefined => {
      const banded = this.#kept(ends).filter((tensor) => tensorBytes(tensor) > budget.tensor);
      const key = `${start} ${end} ${inPlace} ${banded.map(({ id }) => id).join()}`;
      const candidate = memoized(this.#candidates, key, () => this.#candidate(parts, inPlace, banded));
      return this.#fitted(candidate, budget);
    };
    const apart = choose(false);
    // If input and output hardly fit together, the output may overwrite the input.
    if (apart && apart.flops < 1.2 * sum(parts.flatMap(({ ops }) => ops))) return apart;
    const inPlace = choose(true);
    return inPlace && (!apart || inPlace.cost < apart.cost) ? inPlace : apart;
  }

  #fitted({ passes, stored }: Candidate, budget: Footprint): Group | undefined {
    const left = { ...budget, total: budget.total - stored };
    const fitted: CutRun[] = [];
    for (const { run, grids, overwrites } of passes) {
      const grid = grids.best(left);
      if (!grid) return undefined;
      fitted.push({ run, grid, overwrites });
    }
    if (fitted.length === 0) return undefined;
    return {
      passes: fitted,
      flops: fitted.reduce((all, { grid }) => all + grid.flops, 0),
      cost: fitted.reduce((all, { grid }) => all + cost(grid), 0),
    };
  }

  /**
   * Returns the passes that compute some segments region by region. If there are reductions, passes for their sums come
   * first.
   *
   * @param banded - tensors that will be stored in bands, so that regions need copies
   */
  #candidate(parts: readonly Segment[], inPlace: boolean, banded: readonly Tensor[]): Candidate {
    const { input, output } = this.#graph;
    const from = parts[0]?.from ?? input;
    const to = parts.at(-1)?.to ?? output;
    if (inPlace && (from === input || to === output || !sameShape(from, to))) return { passes: [], stored: 0 };
    const ops = parts.flatMap((part) => part.ops);
    const reductions = ops.filter(isReduction);
    const sums = ops.filter((op) => op.type === 'attention-sums');
    const coarse = Math.min(from.height, ...ops.filter((op) => !isReduction(op)).map(({ y }) => y.height));
    const last: RegionRun = {
      ops: ops.filter((op) => !isReduction(op)),
      roots: writers(ops, to),
      whole: rectOf(to),
      step: Math.max(4, Math.ceil(to.height / coarse)),
      rowsOnly: inPlace,
    };
    const runs: RegionRun[] = [
      ...sums.slice(0, 1).map((op) => ({
        ops,
        roots: new Set<Op>(sums),
        whole: op.rect,
        step: op.spanRows,
        rowsOnly: true,
      })),
      ...reductions
        .filter(({ type }) => type === 'attention-reduce')
        .map((op) => ({ ops: [op], roots: new Set([op]), whole: op.rect, step: op.rect.height, rowsOnly: true })),
      last,
    ];

    const kept = this.#kept([from, to, ...reductions.map(({ y }) => y)]);
    const stored = new Map<number, StoredTensor>(
      kept.map((tensor) => [tensor.id, { bands: banded.includes(tensor) ? [] : [tensor] }]),
    );
    const lasting = new Map<number, StoredTensor>(stored);
    if (inPlace) this.#overwrite(lasting, from, to, last);
    const saved = lasting.get(from.id)?.saved;
    const held = [...kept.filter((tensor) => !inPlace || tensor !== to), ...(saved ? [saved] : [])];
    const ids = new Set([...kept, ...held].map(({ id }) => id));
    return {
      stored: held.reduce((all, tensor) => all + tensorBytes(tensor), 0),
      passes: runs.map((run) => {
        // Sums are gathered before anything is overwritten, so they read the original.
        const own = run === last ? lasting : stored;
        const grids = new Grids(run, ids, (rect) => this.#cut(run.ops, run.roots, rect, own, true));
        return { run, grids, overwrites: inPlace && run === last ? from : undefined };
      }),
    };
  }

  /** Returns the tensors that are stored between groups: all but the graph's input and output. */
  #kept(tensors: readonly Tensor[]): Tensor[] {
    const { input, output } = this.#graph;
    return tensors.filter((tensor) => tensor !== input && tensor !== output);
  }

  /** Stores `to` in the buffers of `from`. The rows that the next region's halo still reads are saved. */
  #overwrite(stored: Map<number, StoredTensor>, from: Tensor, to: Tensor, run: RegionRun): void {
    const bands = stored.get(from.id)?.bands;
    if (!bands) return;
    const middle = { ...run.whole, y: run.whole.height >> 1, height: 1 };
    const halo = middle.y - (demand(run.ops, run.roots, middle).tensors.get(from.id)?.y ?? middle.y);
    const saved = halo > 0 ? this.#copy(from, { ...rectOf(from), height: halo }) : undefined;
    stored.set(from.id, saved ? { bands, saved } : { bands });
    stored.set(to.id, { bands });
  }

  /** Cuts the regions of the chosen groups; undefined if they have more than MAX_OPS ops. */
  #build(groups: readonly Group[], budget: Footprint): Schedule | undefined {
    const { output } = this.#graph;
    const stored = new Map<number, StoredTensor>();
    let ops = 0;
    const passes = groups.flatMap((group) =>
      group.passes.map(({ run, grid, overwrites }) => {
        for (const op of run.roots) {
          const { y } = op;
          if (y === output) continue;
          if (overwrites) this.#overwrite(stored, overwrites, y, run);
          else if (!stored.has(y.id)) {
            stored.set(y.id, { bands: isReduction(op) ? [this.#copy(y, rectOf(y))] : this.#bands(y, budget) });
          }
        }
        const regions: Region[] = [];
        for (const rect of rectsOf(run.whole, grid)) {
          if (ops > MAX_OPS) break;
          const region = this.#cut(run.ops, run.roots, rect, stored, false);
          ops += region.ops.length;
          regions.push(region);
        }
        return regions;
      }),
    );
    if (ops > MAX_OPS) return undefined;
    return { passes, flops: groups.reduce((all, group) => all + group.flops, 0) };
  }

  #cut(
    ops: readonly Op[],
    roots: ReadonlySet<Op>,
    rect: Rect,
    stored: ReadonlyMap<number, StoredTensor>,
    sample: boolean,
  ): Region {
    const { input, output } = this.#graph;
    const id = (): number => this.#ids++;
    const cutter: Cutter = { id, stored, input, output };
    return this.#prepare(cutRegion(ops, roots, rect, cutter), id, sample);
  }

  /** Splits a tensor into bands that each fit the budget. */
  #bands(tensor: Tensor, budget: Footprint): Tensor[] {
    const fitting = Math.max(1, Math.floor((budget.tensor * tensor.height) / tensorBytes(tensor)));
    const height = Math.min(tensor.height, fitting);
    return rectsOf(rectOf(tensor), { height, width: tensor.width }).map((rect) => this.#copy(tensor, rect));
  }

  #copy(tensor: Tensor, { y, x, height, width }: Rect): Tensor {
    return { ...tensor, id: this.#ids++, height, width, origin: { y, x } };
  }
}

function sameShape(a: Tensor, b: Tensor): boolean {
  return a.height === b.height && a.width === b.width && tensorBytes(a) === tensorBytes(b);
}

function writers(ops: readonly Op[], tensor: Tensor): Set<Op> {
  return new Set(ops.filter(({ y }) => y.id === tensor.id));
}

function sum(ops: readonly Op[]): number {
  return ops.reduce((all, op) => all + flops(op), 0);
}
