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
 * Turns the ops of a region into those that run: fast algorithms take several and scratch. A `sample` of them is enough where only the tensors are
 * looked at.
 */
export type Prepare = (region: Region, id: () => number, sample: boolean) => Region;

/** A schedule that computes so many times as much as one piece is none: it would take forever, and so would making it. */
const MAX_RECOMPUTE = 8;
/** Nor is one of so many ops: each takes about a kilobyte of JavaScript's memory. */
const MAX_OPS = 1e5;

/** A graph as passes that run one after another, each of them region after region. */
export interface Schedule {
  readonly passes: readonly (readonly Region[])[];
  /** Of all regions. Divided by the graph's own, the recompute factor. */
  readonly flops: number;
}

/** Some segments that are computed together: as they are, or region by region, depth first. */
interface Group {
  readonly flops: number;
  readonly cost: number;
  readonly passes: readonly CutRun[];
}

/** Passes that could compute some segments, none if that is impossible. */
interface Candidate {
  readonly passes: readonly {
    readonly run: RegionRun;
    readonly grids: Grids;
    readonly overwrites: Tensor | undefined;
  }[];
  /** Bytes of what is stored meanwhile. */
  readonly stored: number;
}

interface CutRun {
  readonly run: RegionRun;
  readonly grid: Grid;
  /** The stored tensor in whose place the run's output goes. */
  readonly overwrites?: Tensor | undefined;
}

/**
 * Schedules a graph so that it fits.
 *
 * In one piece where that fits. Otherwise its segments are grouped: those of a group are computed depth-first, region by region, with their halos,
 * and only what lies between groups is stored. A group with a reduction gathers its sums over all regions first. Which groups, and which regions, is what
 * costs the fewest multiply-adds.
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

  /** All at once, each op for the whole image; undefined if that doesn't fit. */
  inOnePiece(room: Footprint): Schedule | undefined {
    const { ops, output } = this.#graph;
    const cut = (sample: boolean): Region => this.#cut(ops, writers(ops, output), rectOf(output), new Map(), sample);
    return fits(footprintOf(cut(true)), room) ? { passes: [[cut(false)]], flops: sum(ops) } : undefined;
  }

  /** In groups of segments; undefined if that can't be made to fit, at a cost that anyone would pay. */
  inGroups(room: Footprint): Schedule | undefined {
    const all = this.#segments;
    const best: ({ cost: number; from: number; group: Group | undefined } | undefined)[] = [
      { cost: 0, from: 0, group: undefined },
    ];
    const wholes = all.map((_, i) => this.#whole(i, room));
    for (let end = 1; end <= all.length; end++) {
      for (let start = end - 1; start >= 0; start--) {
        const before = best[start];
        const several = start + 1 < end;
        if (!before) continue;
        // Only the first of a group may hold a reduction: the rest would have to be computed twice for it.
        if (all.slice(start + 1, end).some(({ ops }) => ops.some(isReduction))) break;
        if (several && wholes.slice(start, end).every(Boolean)) continue;
        const group = (several ? undefined : wholes[start]) ?? this.#group(start, end, room);
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
    return total > MAX_RECOMPUTE * sum(this.#graph.ops) ? undefined : this.#build(groups, room);
  }

  /** A segment in one piece. */
  #whole(index: number, room: Footprint): Group | undefined {
    const segment = this.#segments[index];
    if (!segment) return undefined;
    const { ops, from, to } = segment;
    const roots = writers(ops, to);
    const whole = rectOf(to);
    const size = memoized(this.#wholes, `${index}`, () => {
      const stored = new Map(this.#kept([from, to]).map((t) => [t.id, { bands: [t] }]));
      return footprintOf(this.#cut(ops, roots, whole, stored, true));
    });
    if (!fits(size, room)) return undefined;
    const run = { ops, roots, whole, step: 1, rowsOnly: false };
    const own = sum(ops);
    const grid = { height: whole.height, width: whole.width, regions: 1, flops: own };
    return { flops: own, cost: own, passes: [{ run, grid }] };
  }

  /** Some segments region by region. */
  #group(start: number, end: number, room: Footprint): Group | undefined {
    const parts = this.#segments.slice(start, end);
    const ends = [parts[0]?.from, parts.at(-1)?.to].filter((tensor) => tensor !== undefined);
    const choose = (inPlace: boolean): Group | undefined => {
      const banded = this.#kept(ends).filter((tensor) => tensorBytes(tensor) > room.tensor);
      const key = `${start} ${end} ${inPlace} ${banded.map(({ id }) => id).join()}`;
      const candidate = memoized(this.#candidates, key, () => this.#candidate(parts, inPlace, banded));
      return this.#fitted(candidate, room);
    };
    const apart = choose(false);
    // Where there is no room for input and output, or little beside them, the output may take the input's place.
    if (apart && apart.flops < 1.2 * sum(parts.flatMap(({ ops }) => ops))) return apart;
    const inPlace = choose(true);
    return inPlace && (!apart || inPlace.cost < apart.cost) ? inPlace : apart;
  }

  #fitted({ passes, stored }: Candidate, room: Footprint): Group | undefined {
    const left = { ...room, total: room.total - stored };
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
   * The passes that compute some segments region by region: of sums, first, where there are any.
   *
   * @param banded - what will be stored in bands, of which regions need a copy
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
        // Sums are gathered before anything is overwritten.
        const own = run === last ? lasting : stored;
        const grids = new Grids(run, ids, (rect) => this.#cut(run.ops, run.roots, rect, own, true));
        return { run, grids, overwrites: inPlace && run === last ? from : undefined };
      }),
    };
  }

  /** Those that are stored between groups. */
  #kept(tensors: readonly Tensor[]): Tensor[] {
    const { input, output } = this.#graph;
    return tensors.filter((tensor) => tensor !== input && tensor !== output);
  }

  /** Lets `to` take the place of `from`, of which the rows that the next region's halo reaches back to are kept aside. */
  #overwrite(stored: Map<number, StoredTensor>, from: Tensor, to: Tensor, run: RegionRun): void {
    const bands = stored.get(from.id)?.bands;
    if (!bands) return;
    const middle = { ...run.whole, y: run.whole.height >> 1, height: 1 };
    const halo = middle.y - (demand(run.ops, run.roots, middle).tensors.get(from.id)?.y ?? middle.y);
    const saved = halo > 0 ? this.#copy(from, { ...rectOf(from), height: halo }) : undefined;
    stored.set(from.id, saved ? { bands, saved } : { bands });
    stored.set(to.id, { bands });
  }

  /** Cuts the regions of what was chosen; undefined if that makes too many ops. */
  #build(groups: readonly Group[], room: Footprint): Schedule | undefined {
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
            stored.set(y.id, { bands: isReduction(op) ? [this.#copy(y, rectOf(y))] : this.#bands(y, room) });
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

  /** A tensor as bands that each fit. */
  #bands(tensor: Tensor, room: Footprint): Tensor[] {
    const fitting = Math.max(1, Math.floor((room.tensor * tensor.height) / tensorBytes(tensor)));
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
