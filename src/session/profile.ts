import type { ProfileClock, Profiler } from '../gpu/profiler.ts';
import type { DispatchStep } from '../plan/plan.ts';

/** What a part of a run took. */
export interface ProfileEntry {
  /** A layer's path and kernel (`decoder.up_blocks.2.1.conv1 conv`), or a stage's path. */
  readonly name: string;
  /** Milliseconds on the GPU. */
  readonly ms: number;
  /** Two for each multiply-add that it does. */
  readonly flops: number;
  /** Bytes that its dispatches read and write, each once. */
  readonly bytes: number;
  readonly dispatches: number;
}

/** Where the time of a run went. */
export interface Profile {
  /** `submits` where the device has no timestamp queries: each dispatch then was a submit of its own, whose cost is in its time. */
  readonly clock: ProfileClock;
  /** Of all dispatches together. */
  readonly ms: number;
  /** In the order in which they first ran. */
  readonly layers: readonly ProfileEntry[];
  /** The same, added up: `decoder.up_blocks.2`, `decoder.conv_in`. */
  readonly stages: readonly ProfileEntry[];
}

interface ProfiledStep {
  readonly label: string;
  readonly kernel: string;
  readonly ms: number;
  readonly flops: number;
  readonly bytes: number;
}

/** What a profiler found of a plan's dispatches, replayed once or several times, added up by layer and by stage. */
export async function readProfile(profiler: Profiler, dispatches: readonly DispatchStep[]): Promise<Profile> {
  const times = await profiler.read();
  const steps = times.flatMap((ms, i): ProfiledStep[] => {
    const step = dispatches[i % dispatches.length];
    if (!step) return [];
    const { dispatch, flops, bytes } = step;
    return [{ label: dispatch.label, kernel: dispatch.shader.name, ms, flops, bytes }];
  });
  const by = (nameOf: (step: ProfiledStep) => string): ProfileEntry[] => {
    const entries = new Map<string, ProfileEntry>();
    for (const step of steps) {
      const name = nameOf(step);
      const { ms, flops, bytes, dispatches } = entries.get(name) ?? { ms: 0, flops: 0, bytes: 0, dispatches: 0 };
      entries.set(name, {
        name,
        ms: ms + step.ms,
        flops: flops + step.flops,
        bytes: bytes + step.bytes,
        dispatches: dispatches + 1,
      });
    }
    return [...entries.values()];
  };
  return {
    clock: profiler.clock,
    ms: steps.reduce((sum, { ms }) => sum + ms, 0),
    layers: by(({ label, kernel }) => `${label} ${kernel}`),
    stages: by(({ label }) => /^\w+\.(?:\w+_blocks\.\d+|\w+)/.exec(label)?.[0] ?? label),
  };
}
