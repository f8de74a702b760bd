import { IDENTITY, inputRects, inputs, outputRect, withTensors, type Op } from '../graph/ops.ts';
import { contains, intersection, rectOf, union, type Rect } from '../graph/rects.ts';
import type { Tensor } from '../graph/tensor.ts';

/** The ops that compute a rectangle, with their input and output. */
export interface Region {
  /** The rectangle of the graph's input that the ops read; undefined if they read none. */
  readonly input: Tensor | undefined;
  readonly ops: readonly Op[];
  /** The rectangle of the graph's output that the ops write; undefined if they write none. */
  readonly output: Tensor | undefined;
}

/** A tensor of the whole image that outlives the regions that write it. */
export interface StoredTensor {
  /**
   * The bands of rows that the tensor is stored in; one band if it fits a binding. Empty while planning does not know
   * them yet: then regions read and write copies.
   */
  readonly bands: readonly Tensor[];
  /**
   * Set if regions overwrite the tensor band by band: keeps the last overwritten rows, which are the next region's
   * halo.
   */
  readonly saved?: Tensor;
}

/** The rectangles that ops must compute, and those that are read of each tensor. */
interface Demand {
  /** The rectangle that each op must compute. */
  readonly ops: ReadonlyMap<Op, Rect>;
  /** The rectangle that is read of each tensor, by its id. */
  readonly tensors: ReadonlyMap<number, Rect>;
}

/**
 * Computes the rectangles that the ops of a run must compute so that `roots` can compute `rect`. It walks the ops from
 * the last to the first: halos add up, and the rectangles of several readers become one.
 *
 * @param ops - in the order in which they run; ops that nothing reads are left out
 * @param roots - ops whose outputs are wanted
 */
export function demand(ops: readonly Op[], roots: ReadonlySet<Op>, rect: Rect): Demand {
  const wanted = new Map<Op, Rect>();
  const tensors = new Map<number, Rect>();
  for (const op of [...ops].reverse()) {
    const asked = roots.has(op) ? rect : tensors.get(op.y.id);
    if (asked === undefined) continue;
    // The rect of attention sums is a rectangle of their input. Only a root can be asked for a part of it.
    const own = op.type === 'attention-sums' && !roots.has(op) ? op.rect : outputRect(op, asked);
    wanted.set(op, own);
    if (!roots.has(op) && op.type !== 'attention-sums') tensors.set(op.y.id, own);
    for (const { tensor, rect } of inputRects(op, own)) {
      const inside = intersection(rect, rectOf(tensor));
      const before = tensors.get(tensor.id);
      tensors.set(tensor.id, before ? union(before, inside) : inside);
    }
  }
  return { ops: wanted, tensors };
}

/** The graph that regions are cut from. */
export interface Cutter {
  /** Returns a number for a new tensor. */
  readonly id: () => number;
  /** Tensors of the whole image that outlive regions, by id. */
  readonly stored: ReadonlyMap<number, StoredTensor>;
  readonly input: Tensor;
  readonly output: Tensor;
}

/**
 * Returns the ops that compute a rectangle of `roots`' outputs, on tensors of just the size that is read. Stored
 * tensors are read and written in place. A rectangle is copied if it spans several bands, or if regions overwrite the
 * tensor.
 */
export function cutRegion(ops: readonly Op[], roots: ReadonlySet<Op>, rect: Rect, cutter: Cutter): Region {
  const wanted = demand(ops, roots, rect);
  const made = new Map<number, Tensor>();
  const before: Op[] = [];
  const result: Op[] = [];
  const after: Op[] = [];
  let input: Tensor | undefined;
  let output: Tensor | undefined;
  const part = (whole: Tensor, { y, x, height, width }: Rect): Tensor => {
    const tensor = { ...whole, id: cutter.id(), height, width, origin: { y, x } };
    made.set(whole.id, tensor);
    if (whole.id === cutter.output.id) output = tensor;
    return tensor;
  };

  const read = (whole: Tensor): Tensor => {
    const known = made.get(whole.id);
    if (known) return known;
    const asked = wanted.tensors.get(whole.id) ?? rectOf(whole);
    const stored = cutter.stored.get(whole.id);
    if (!stored) {
      if (whole.id !== cutter.input.id) throw new RangeError(`nothing writes ${whole.label}`);
      return (input = part(whole, asked));
    }
    const { bands, saved } = stored;
    const inOne = !saved && bands.find((band) => contains(rectOf(band), asked));
    if (inOne) return inOne;
    const y = part(whole, asked);
    const above = saved ? rect.y - asked.y : 0;
    if (saved && above > 0) before.push(...copies([lastRows(saved, rect.y)], y, { ...asked, height: above }));
    before.push(...copies(bands, y, { ...asked, y: asked.y + above, height: asked.height - above }));
    const end = rect.y + rect.height;
    if (saved && end < whole.height) {
      const kept = lastRows(saved, end);
      before.push(...copies([y], kept, rectOf(kept)));
    }
    return y;
  };
  const written = (whole: Tensor, rect: Rect): Tensor => {
    const known = made.get(whole.id);
    const stored = cutter.stored.get(whole.id);
    if (!stored) return known ?? part(whole, rect);
    const { bands } = stored;
    // Sums are not an image: they have one band, and the op of each region writes its own part.
    const inOne = bands.length === 1 ? bands[0] : bands.find((band) => contains(rectOf(band), rect));
    if (inOne) return inOne;
    if (known) return known;
    const x = part(whole, rect);
    for (const band of bands) after.push(...copies([x], band, intersection(rect, rectOf(band))));
    return x;
  };

  for (const op of ops) {
    const rect = wanted.ops.get(op);
    if (!rect) continue;
    const known = new Map(inputs(op).map((tensor) => [tensor.id, read(tensor)]));
    known.set(op.y.id, written(op.y, op.type === 'attention-sums' ? rectOf(op.y) : rect));
    result.push(withTensors(op, rect, (tensor) => known.get(tensor.id) ?? tensor));
  }
  return { input, ops: [...before, ...result, ...after], output };
}

/** The saved tensor, while it holds the rows that end at `end`. */
function lastRows(saved: Tensor, end: number): Tensor {
  return { ...saved, origin: { y: end - saved.height, x: saved.origin.x } };
}

/** Returns ops that copy a rectangle from the tensors that it spans. */
function copies(from: readonly Tensor[], y: Tensor, rect: Rect): Op[] {
  return from.flatMap((x): Op[] => {
    const common = intersection(rectOf(x), rect);
    if (common.height === 0 || common.width === 0) return [];
    const copy = { type: 'resample', label: y.label, x, y, rect: common, shuffle: IDENTITY } as const;
    return [{ ...copy, affine: undefined, activation: undefined }];
  });
}
