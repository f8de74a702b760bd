import type { Gpu } from './gpu.ts';
import { readBack, submitCommands } from './submit.ts';
import { BufferUsage } from './usage.ts';

/** Queries of a set, the most that WebGPU guarantees. A dispatch takes two. */
const SET_SIZE = 4096;

/**
 * The clock of a profile: the GPU's timestamps, or the page's clock around one submit each, which includes the cost of
 * the submit.
 */
export type ProfileClock = 'timestamps' | 'submits';

/** Times dispatches one by one, each in its own pass. */
export interface Profiler {
  readonly clock: ProfileClock;
  /** Encodes, runs and times the next dispatch. */
  time(encode: (pass: GPUComputePassEncoder) => void): Promise<void>;
  /** Returns the milliseconds of each dispatch so far. */
  read(): Promise<number[]>;
  /** Frees the queries. */
  dispose(): void;
}

/** A profiler. It uses timestamp queries if the device has that feature. */
export function profiler(gpu: Gpu): Profiler {
  return gpu.device.features.has('timestamp-query') ? timestamps(gpu) : submits(gpu);
}

function submits(gpu: Gpu): Profiler {
  const times: number[] = [];
  return {
    clock: 'submits',
    async time(encode) {
      const start = performance.now();
      await runPass(gpu, encode);
      times.push(performance.now() - start);
    },
    read: () => Promise.resolve(times),
    dispose: () => undefined,
  };
}

/** Runs one pass alone and waits for its end, so that passes do not overlap and add to each other's time. */
async function runPass(
  gpu: Gpu,
  encode: (pass: GPUComputePassEncoder) => void,
  descriptor: GPUComputePassDescriptor = {},
): Promise<void> {
  const accepted = submitCommands(gpu, 'the computation', (encoder) => {
    const pass = encoder.beginComputePass(descriptor);
    encode(pass);
    pass.end();
  });
  await Promise.all([accepted, gpu.guard(gpu.device.queue.onSubmittedWorkDone())]);
}

function timestamps(gpu: Gpu): Profiler {
  const { device } = gpu;
  const { QUERY_RESOLVE, COPY_SRC } = BufferUsage;
  const sets: GPUQuerySet[] = [];
  let count = 0;
  return {
    clock: 'timestamps',
    async time(encode) {
      const querySet = (sets[Math.floor((2 * count) / SET_SIZE)] ??= await gpu.checked('a profile', () =>
        device.createQuerySet({ type: 'timestamp', count: SET_SIZE }),
      ));
      const beginningOfPassWriteIndex = (2 * count++) % SET_SIZE;
      const endOfPassWriteIndex = beginningOfPassWriteIndex + 1;
      await runPass(gpu, encode, { timestampWrites: { querySet, beginningOfPassWriteIndex, endOfPassWriteIndex } });
    },
    async read() {
      const size = 8 * SET_SIZE;
      const usage = QUERY_RESOLVE | COPY_SRC;
      const resolved = await gpu.checked('a profile', () => device.createBuffer({ label: 'profile', size, usage }));
      const times: number[] = [];
      try {
        for (const set of sets) {
          const bytes = await readBack(gpu, size, (encoder, target) => {
            encoder.resolveQuerySet(set, 0, SET_SIZE, resolved, 0);
            encoder.copyBufferToBuffer(resolved, 0, target, 0, size);
          });
          const stamps = new BigUint64Array(bytes);
          for (let i = 0; i < SET_SIZE && times.length < count; i += 2) {
            times.push(Number((stamps[i + 1] ?? 0n) - (stamps[i] ?? 0n)) / 1e6);
          }
        }
      } finally {
        resolved.destroy();
      }
      return times;
    },
    dispose() {
      for (const set of sets) set.destroy();
    },
  };
}
