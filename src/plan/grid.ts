import { regionLives, sharedBytes } from './memory.ts';
import { computedRect, flops, type Op } from '../graph/ops.ts';
import type { Rect } from '../graph/rects.ts';
import { demand, type Region } from './region.ts';

/** Bytes that a region takes, or bytes that it may take. */
export interface Footprint {
  /** The largest tensor. */
  readonly tensor: number;
  /** All tensors that are alive at the same time. */
  readonly total: number;
}

/** A run of ops that is computed region by region. */
export interface RegionRun {
  readonly ops: readonly Op[];
  readonly roots: ReadonlySet<Op>;
  /** The whole rectangle that the roots compute. */
  readonly whole: Rect;
  /** Regions start at multiples of this, in pixels. */
  readonly step: number;
  /** Whether every region is as wide as the image. */
  readonly rowsOnly: boolean;
}

/** A run that is cut into regions of one size. Regions at the right and lower edges may be smaller. */
export interface Grid {
  readonly height: number;
  readonly width: number;
  readonly regions: number;
  /** FLOPs of all regions. Pixels that several regions compute count several times. */
  readonly flops: number;
}

/** Numbers of regions along a side that are tried. */
const PARTS = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64, 96, 128, 192, 256];
/** Cost of starting a region, in FLOPs. */
const REGION_FLOPS = 2e7;

/** Memoizes the footprints and costs of a run's regions by region size. Planning asks for the same sizes many times. */
export class Grids {
  readonly #run: RegionRun;
  readonly #stored: ReadonlySet<number>;
  readonly #make: (rect: Rect) => Region;
  readonly #sizes = new Map<string, Footprint>();
  readonly #grids = new Map<string, Grid>();

  /**
   * @param stored - ids of tensors that regions read and write but do not own
   * @param make - creates the ops that compute a rectangle
   */
  constructor(run: RegionRun, stored: ReadonlySet<number>, make: (rect: Rect) => Region) {
    this.#run = run;
    this.#stored = stored;
    this.#make = make;
  }

  /**
   * Returns the cheapest grid whose regions fit. Every region computes its halo again, so large and square regions cost
   * least.
   *
   * @returns undefined if even the smallest regions do not fit
   */
  best(budget: Footprint): Grid | undefined {
    const { whole, step, rowsOnly } = this.#run;
    const heights = sizes(whole.height, step);
    let best: Grid | undefined;
    let last = heights.length;
    for (const width of rowsOnly ? [whole.width] : sizes(whole.width, step)) {
      const isFitting = (i: number): boolean => fits(this.#size(heights[i] ?? 1, width), budget);
      // A taller region takes more memory, so the first height that fits is the tallest. Narrower regions are as tall.
      let low = 0;
      let high = last;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (isFitting(middle)) high = middle;
        else low = middle + 1;
      }
      while (low < heights.length && !isFitting(low)) low++;
      last = low;
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

/** Memoizes a function of one key. */
export function memoized<T>(known: Map<string, T>, key: string, find: () => T): T {
  const value = known.get(key) ?? find();
  known.set(key, value);
  return value;
}

/** Returns the cost of a grid, in FLOPs. */
export function cost({ flops, regions }: Grid): number {
  return flops + regions * REGION_FLOPS;
}

/** Returns the rectangles of the regions, row by row. */
export function rectsOf({ y, x, height, width }: Rect, size: Pick<Grid, 'height' | 'width'>): Rect[] {
  const rows = spans(y, height, size.height);
  const columns = spans(x, width, size.width);
  return rows.flatMap(([y, height]) => columns.map(([x, width]) => ({ y, x, height, width })));
}

/** Returns the footprint of a region, without the tensors in `stored`. */
export function footprintOf(region: Region, stored?: ReadonlySet<number>): Footprint {
  const lives = regionLives(region, stored);
  const largest = lives.reduce((most, { bytes }) => Math.max(most, bytes), 0);
  return { tensor: largest, total: sharedBytes(lives) };
}

/** Whether a footprint fits into a budget. */
export function fits(size: Footprint, budget: Footprint): boolean {
  return size.tensor <= budget.tensor && size.total <= budget.total;
}

/** The sides of regions that are tried, largest first. */
function sizes(side: number, step: number): number[] {
  return [...new Set(PARTS.map((parts) => Math.min(side, Math.ceil(side / parts / step) * step)))];
}

/** A region with neighbours on every side where any region has one. */
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

/** Computes the cost of a grid. Rows and columns are counted separately, and inner rows and columns are all alike. */
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
