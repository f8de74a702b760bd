import type { ProfileClock, Profiler } from '../gpu/profiler.ts';
import type { DispatchStep } from '../plan/plan.ts';

/** Time and work of a layer or a stage. */
export interface ProfileEntry {
  /** A layer's path and kernel (`decoder.up_blocks.2.1.conv1 conv`), or a stage's path. */
  readonly name: string;
  /** Milliseconds on the GPU. */
  readonly ms: number;
  /** Floating-point operations, two for each multiply-add. */
  readonly flops: number;
  /** Bytes that the dispatches read and write, counted once each. */
  readonly bytes: number;
  readonly dispatches: number;
}

/** The time of a run, by layer and by stage. */
export interface Profile {
  /**
   * The clock. `submits` if the device lacks timestamp queries: each dispatch is then submitted alone, and its time
   * includes the submit.
   */
  readonly clock: ProfileClock;
  /** Milliseconds of all dispatches. */
  readonly ms: number;
  /** Layers, in the order in which they first ran. */
  readonly layers: readonly ProfileEntry[];
  /** Sums over stages: `decoder.up_blocks.2`, `decoder.conv_in`. */
  readonly stages: readonly ProfileEntry[];
}

interface ProfiledStep {
  readonly label: string;
  readonly kernel: string;
  readonly ms: number;
  readonly flops: number;
  readonly bytes: number;
}

/** Reads a profiler's times and adds them up by layer and by stage. A plan that ran several times counts as a whole. */
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
