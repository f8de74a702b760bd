import type { Graph } from './build.ts';
import { inputs } from './ops.ts';
import { quadsOf, tensorBytes, type Tensor } from './tensor.ts';

/** Which buffer each tensor lives in, and how large the buffers are. */
export interface MemoryPlan {
  /** Bytes of each buffer. */
  readonly buffers: readonly number[];
  /** Tensor id to index in `buffers`. */
  readonly placement: ReadonlyMap<number, number>;
}

/**
 * Shares buffers between tensors whose lives don't overlap: largest first, each into the smallest buffer that is free for its whole life
 * (greedy by size, arXiv 2001.03288). A dispatch can't read and write one buffer, so an op's output never shares with its inputs. The graph's
 * input lives to its first use, its output from its last write to the end. Each buffer ends in zeros, the pixels outside of shaders/view.wgsl.
 */
export function planMemory({ ops, input, output }: Graph): MemoryPlan {
  const lives = new Map<number, { tensor: Tensor; first: number; last: number }>();
  const touch = (tensor: Tensor, at: number): void => {
    const life = lives.get(tensor.id);
    if (life) life.last = at;
    else lives.set(tensor.id, { tensor, first: at, last: at });
  };
  touch(input, -1);
  ops.forEach((op, i) => {
    for (const tensor of inputs(op)) touch(tensor, i);
    touch(op.y, i);
  });
  touch(output, ops.length);

  const buffers: { bytes: number; taken: { first: number; last: number }[] }[] = [];
  const placement = new Map<number, number>();
  const bySize = [...lives.values()].sort((a, b) => tensorBytes(b.tensor) - tensorBytes(a.tensor));
  for (const { tensor, first, last } of bySize) {
    let index = -1;
    buffers.forEach((buffer, i) => {
      const free = buffer.taken.every((life) => last < life.first || first > life.last);
      const best = buffers[index];
      if (free && (best === undefined || buffer.bytes < best.bytes)) index = i;
    });
    const chosen = buffers[index];
    if (chosen) chosen.taken.push({ first, last });
    else index = buffers.push({ bytes: tensorBytes(tensor), taken: [{ first, last }] }) - 1;
    placement.set(tensor.id, index);
  }
  const zeros = 16 * Math.max(...bySize.map(({ tensor }) => quadsOf(tensor.layout)));
  return { buffers: buffers.map(({ bytes }) => bytes + zeros), placement };
}
