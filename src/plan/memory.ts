import { inputs } from '../graph/ops.ts';
import type { Region } from './region.ts';
import { quadsOf, tensorBytes, type Tensor } from '../graph/tensor.ts';

/** The buffers of a plan and the buffer of each tensor. */
export interface MemoryPlan {
  /** Bytes of each buffer. */
  readonly buffers: readonly number[];
  /** Index in `buffers` by tensor id. */
  readonly placement: ReadonlyMap<number, number>;
}

/** Bytes that are needed from one step to another, both included. */
export interface Life {
  bytes: number;
  readonly first: number;
  last: number;
}

/**
 * Shares buffers between tensors that are not alive at the same time: largest first, each in the smallest buffer that
 * is free for its whole life (greedy by size, arXiv 2001.03288).
 *
 * @returns the bytes of each buffer, and the index of the buffer of each life
 */
function share(lives: readonly Life[]): { buffers: number[]; places: number[] } {
  const buffers: { bytes: number; taken: Life[] }[] = [];
  const places = lives.map(() => -1);
  const order = lives.map((life, index) => ({ life, index })).sort((a, b) => b.life.bytes - a.life.bytes);
  for (const { life, index: at } of order) {
    let index = -1;
    buffers.forEach((buffer, i) => {
      const best = buffers[index];
      if (best && best.bytes <= buffer.bytes) return;
      if (buffer.taken.every(({ first, last }) => life.last < first || life.first > last)) index = i;
    });
    const chosen = buffers[index];
    if (chosen) chosen.taken.push(life);
    else index = buffers.push({ bytes: life.bytes, taken: [life] }) - 1;
    places[at] = index;
  }
  return { buffers: buffers.map(({ bytes }) => bytes), places };
}

/**
 * Returns the life of each tensor of a region: from the op that writes it first to the op that reads it last. The
 * region's input lives from the start and its output to the end. A dispatch cannot read and write one buffer, so an
 * op's output never shares a buffer with its inputs.
 */
function livesOf({ input, ops, output }: Region, start: number, lives = new Map<number, Life>()): Map<number, Life> {
  const touch = (tensor: Tensor, at: number): void => {
    const life = lives.get(tensor.id);
    if (life) life.last = at;
    else lives.set(tensor.id, { bytes: tensorBytes(tensor), first: at, last: at });
  };
  if (input) touch(input, start);
  ops.forEach((op, i) => {
    for (const tensor of inputs(op)) touch(tensor, start + i);
    touch(op.y, start + i);
  });
  if (output) touch(output, start + ops.length);
  return lives;
}

/** Returns the lives of the tensors that one region owns: all but those in `stored`. */
export function regionLives(region: Region, stored?: ReadonlySet<number>): Life[] {
  const lives = livesOf(region, 0);
  stored?.forEach((id) => lives.delete(id));
  return [...lives.values()];
}

/** Returns the bytes of the buffers that some lives share. */
export function sharedBytes(lives: readonly Life[]): number {
  return share(lives).buffers.reduce((sum, bytes) => sum + bytes, 0);
}

/**
 * Plans the buffers of passes that run one after another, each region by region. The regions of a pass share buffers. A
 * tensor that several regions touch keeps its buffer. Each buffer ends in zeros, which stand for the pixels outside the
 * image (shaders/view.wgsl).
 */
export function planMemory(passes: readonly (readonly Region[])[]): MemoryPlan {
  const all = passes.flat();
  const stored = sharedTensors(all);
  const lives = new Map<number, Life>();
  const turns: { life: Life; tensors: number[] }[] = [];
  /** Memoizes how a region shares buffers, since most regions are alike. */
  const known = new Map<string, ReturnType<typeof share>>();
  let now = 0;
  for (const regions of passes) {
    const [first] = regions;
    if (first && regions.length === 1) {
      livesOf(first, now, lives);
      now += first.ops.length + 1;
      continue;
    }
    const own: { life: Life; tensors: number[] }[] = [];
    for (const region of regions) {
      const inside = livesOf(region, 0);
      for (const [id, { bytes }] of inside) {
        if (!stored.has(id)) continue;
        inside.delete(id);
        const life = lives.get(id);
        if (life) life.last = now;
        else lives.set(id, { bytes, first: now, last: now });
      }
      const shape = [...inside.values()].map(({ bytes, first, last }) => `${bytes} ${first} ${last}`).join();
      const { buffers, places } = known.get(shape) ?? share([...inside.values()]);
      known.set(shape, { buffers, places });
      const ids = [...inside.keys()];
      const bySize = buffers.map((bytes, i) => ({ bytes, i })).sort((a, b) => b.bytes - a.bytes);
      bySize.forEach(({ bytes, i }, rank) => {
        const buffer = (own[rank] ??= { life: { bytes, first: now, last: now }, tensors: [] });
        buffer.life.bytes = Math.max(buffer.life.bytes, bytes);
        places.forEach((place, life) => {
          const id = ids[life];
          if (place === i && id !== undefined) buffer.tensors.push(id);
        });
      });
    }
    turns.push(...own);
    now += 1;
  }

  const { buffers, places } = share([...lives.values(), ...turns.map(({ life }) => life)]);
  const placement = new Map<number, number>();
  [...[...lives.keys()].map((id) => [id]), ...turns.map(({ tensors }) => tensors)].forEach((ids, i) => {
    for (const id of ids) placement.set(id, places[i] ?? -1);
  });
  const zeros = zeroBytes(all.flatMap(({ ops }) => ops.flatMap((op) => [...inputs(op), op.y])));
  // Whole quads: a kernel counts from the end of a buffer in its own quads.
  return { buffers: buffers.map((bytes) => Math.ceil(bytes / 16) * 16 + zeros), placement };
}

/** Returns the bytes of zeros at the end of each buffer. */
export function zeroBytes(tensors: readonly Tensor[]): number {
  return 16 * tensors.reduce((most, { layout }) => Math.max(most, quadsOf(layout)), 1);
}

/** Returns the ids of the tensors that more than one region touches. */
function sharedTensors(regions: readonly Region[]): Set<number> {
  const seen = new Map<number, Region>();
  const shared = new Set<number>();
  for (const region of regions) {
    for (const op of region.ops) {
      for (const { id } of [...inputs(op), op.y]) {
        if ((seen.get(id) ?? region) !== region) shared.add(id);
        seen.set(id, region);
      }
    }
  }
  return shared;
}
