import { regionBytes } from './memory.ts';
import { computedRect, flops, inputs, type Op } from '../graph/ops.ts';
import type { Rect } from '../graph/rects.ts';
import { demand, type Region } from './region.ts';
import { tensorBytes, type Tensor } from '../graph/tensor.ts';

/** What something takes, or what it must fit into, in bytes. */
export interface Footprint {
  /** The largest tensor. */
  readonly tensor: number;
  /** All tensors that are alive at once. */
  readonly total: number;
}

/** A run of ops that is to be computed region after region. */
export interface RegionRun {
  readonly ops: readonly Op[];
  readonly roots: ReadonlySet<Op>;
  /** The rectangle that the roots compute, all of it. */
  readonly whole: Rect;
  /** Regions begin at multiples of this. */
  readonly step: number;
  /** Regions are as wide as the image. */
  readonly rowsOnly: boolean;
}

/** A run cut into regions of one size, those at the right and lower edge apart. */
export interface Grid {
  readonly height: number;
  readonly width: number;
  readonly regions: number;
  /** Of all regions, what several of them compute counted as often. */
  readonly flops: number;
}

/** Parts that a side is tried to be cut into. */
const PARTS = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64, 96, 128, 192, 256];
/** What beginning a region costs beside its arithmetic. */
const REGION_FLOPS = 2e7;

/** What the regions of a run take and cost, remembered for each size: planning asks again and again. */
export class Grids {
  readonly #run: RegionRun;
  readonly #stored: ReadonlySet<number>;
  readonly #make: (rect: Rect) => Region;
  readonly #sizes = new Map<string, Footprint>();
  readonly #grids = new Map<string, Grid>();

  /**
   * @param stored - ids of tensors that regions read and write but don't hold
   * @param make - the ops that compute a rectangle, as they will be run
   */
  constructor(run: RegionRun, stored: ReadonlySet<number>, make: (rect: Rect) => Region) {
    this.#run = run;
    this.#stored = stored;
    this.#make = make;
  }

  /**
   * The grid that costs the fewest multiply-adds of those whose regions fit. A region computes its halo again, so large and square ones cost least.
   *
   * @returns undefined if even the smallest regions don't fit
   */
  best(room: Footprint): Grid | undefined {
    const { whole, step, rowsOnly } = this.#run;
    const heights = sizes(whole.height, step);
    let best: Grid | undefined;
    for (const width of rowsOnly ? [whole.width] : sizes(whole.width, step)) {
      // The taller, the more it takes: the first that fits is the tallest.
      let low = 0;
      let high = heights.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (fits(this.#size(heights[middle] ?? 1, width), room)) high = middle;
        else low = middle + 1;
      }
      const height = heights[low];
      if (height === undefined) continue;
      const grid = memoized(this.#grids, `${height} ${width}`, () => costed(this.#run, height, width));
      if (!best || cost(grid) < cost(best)) best = grid;
      else if (cost(grid) > 1.5 * cost(best)) break; // narrower ones only get worse
    }
    return best;
  }

  #size(height: number, width: number): Footprint {
    return memoized(this.#sizes, `${height} ${width}`, () =>
      footprintOf(this.#make(typical(this.#run.whole, height, width)), this.#stored),
    );
  }
}

/** What is known under a key, found out where it isn't. */
export function memoized<T>(known: Map<string, T>, key: string, find: () => T): T {
  const value = known.get(key) ?? find();
  known.set(key, value);
  return value;
}

/** What a grid costs, in multiply-adds times two. */
export function cost({ flops, regions }: Grid): number {
  return flops + regions * REGION_FLOPS;
}

/** The regions' rectangles, row by row. */
export function rectsOf({ y, x, height, width }: Rect, size: Pick<Grid, 'height' | 'width'>): Rect[] {
  const rows = spans(y, height, size.height);
  const columns = spans(x, width, size.width);
  return rows.flatMap(([y, height]) => columns.map(([x, width]) => ({ y, x, height, width })));
}

/** What a region takes, apart from tensors that are `stored`. */
export function footprintOf(region: Region, stored?: ReadonlySet<number>): Footprint {
  const tensors = [region.input, region.output, ...region.ops.flatMap((op) => [...inputs(op), op.y])];
  const bytes = (tensor: Tensor | undefined): number => (tensor && !stored?.has(tensor.id) ? tensorBytes(tensor) : 0);
  const largest = tensors.reduce((most, tensor) => Math.max(most, bytes(tensor)), 0);
  return { tensor: largest, total: regionBytes(region, stored) };
}

/** Whether something fits. */
export function fits(size: Footprint, room: Footprint): boolean {
  return size.tensor <= room.tensor && size.total <= room.total;
}

/** Regions' sides, largest first. */
function sizes(side: number, step: number): number[] {
  return [...new Set(PARTS.map((parts) => Math.min(side, Math.ceil(side / parts / step) * step)))];
}

/** A region that has neighbours on all sides where any has. */
function typical(whole: Rect, height: number, width: number): Rect {
  const middle = (start: number, side: number, size: number): [number, number] => {
    const all = spans(start, side, size);
    return all[all.length >> 1 === all.length - 1 ? 0 : all.length >> 1] ?? [start, side];
  };
  const [y, h] = middle(whole.y, whole.height, height);
  const [x, w] = middle(whole.x, whole.width, width);
  return { y, x, height: h, width: w };
}

function spans(start: number, side: number, size: number): [number, number][] {
  return Array.from({ length: Math.ceil(side / size) }, (_, i) => [start + i * size, Math.min(size, side - i * size)]);
}

/** Counts a grid's multiply-adds. Rows and columns of regions can be looked at apart; inner ones are all alike. */
function costed({ ops, roots, whole }: RegionRun, height: number, width: number): Grid {
  const rows = spans(whole.y, whole.height, height);
  const columns = spans(whole.x, whole.width, width);
  const total = (all: [number, number][], asRect: (span: [number, number]) => Rect, side: 'height' | 'width') => {
    const sums = new Map<Op, number>();
    const add = (span: [number, number] | undefined, times: number): void => {
      if (!span || times <= 0) return;
      for (const [op, rect] of demand(ops, roots, asRect(span)).ops) {
        sums.set(op, (sums.get(op) ?? 0) + times * computedRect(op, rect)[side]);
      }
    };
    if (all.length <= 4) all.forEach((span) => add(span, 1));
    else {
      add(all[0], 1);
      add(all[1], all.length - 3);
      add(all.at(-2), 1);
      add(all.at(-1), 1);
    }
    return sums;
  };
  const heights = total(rows, ([y, height]) => ({ ...whole, y, height }), 'height');
  const widths = total(columns, ([x, width]) => ({ ...whole, x, width }), 'width');
  const flopsOf = (op: Op): number => {
    const area = op.rect.height * op.rect.width;
    return (flops(op) * (heights.get(op) ?? 0) * (widths.get(op) ?? 0)) / area;
  };
  return { height, width, regions: rows.length * columns.length, flops: ops.reduce((sum, op) => sum + flopsOf(op), 0) };
}
