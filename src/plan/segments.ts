import { inputs, isReduction, type Op } from '../graph/ops.ts';
import type { Graph } from '../graph/build.ts';
import type { Tensor } from '../graph/tensor.ts';

/** A run of ops between two tensors. Later ops read nothing else that earlier ops wrote. */
export interface Segment {
  readonly ops: readonly Op[];
  readonly from: Tensor;
  readonly to: Tensor;
}

/**
 * Cuts a graph where exactly one tensor is alive, and only where a region may well end: before a reduction, and where
 * the resolution changes, on the smaller side.
 */
export function segments({ ops, input, output }: Graph): Segment[] {
  const necks = narrowPlaces(ops, input);
  const result: Segment[] = [];
  let start = 0;
  let from = input;
  necks.forEach(({ at, tensor }, i) => {
    const before = ops.slice(necks[i - 1]?.at ?? 0, at);
    const behind = ops.slice(at, necks[i + 1]?.at ?? ops.length);
    const grows = behind.some((op) => !isReduction(op) && op.y.height > tensor.height);
    const shrunk = before.some((op) => (op.type === 'conv' || op.type === 'resample') && op.x.height > op.y.height);
    if (!behind.some(isReduction) && !grows && !shrunk) return;
    result.push({ ops: ops.slice(start, at), from, to: tensor });
    start = at;
    from = tensor;
  });
  result.push({ ops: ops.slice(start), from, to: output });
  return result;
}

/** Returns the positions where exactly one tensor is alive: the number of ops before, and the tensor. */
function narrowPlaces(ops: readonly Op[], input: Tensor): { at: number; tensor: Tensor }[] {
  const lastRead = new Map<number, number>();
  ops.forEach((op, i) => {
    for (const { id } of inputs(op)) lastRead.set(id, i);
  });
  const alive = new Map([[input.id, input]]);
  const result: { at: number; tensor: Tensor }[] = [];
  ops.forEach((op, i) => {
    alive.set(op.y.id, op.y);
    for (const [id] of alive) if ((lastRead.get(id) ?? i) <= i) alive.delete(id);
    const [only] = alive.values();
    if (alive.size === 1 && only && i + 1 < ops.length) result.push({ at: i + 1, tensor: only });
  });
  return result;
}
