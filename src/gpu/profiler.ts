import type { Gpu } from './gpu.ts';
import { BufferUsage, MapMode } from './usage.ts';

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

/** A profiler for `dispatches` dispatches. It uses timestamp queries if the device has that feature. */
export function profiler(gpu: Gpu, dispatches: number): Profiler {
  return gpu.device.features.has('timestamp-query') ? timestamps(gpu, dispatches) : submits(gpu);
}

function submits(gpu: Gpu): Profiler {
  const { device } = gpu;
  const times: number[] = [];
  return {
    clock: 'submits',
    async time(encode) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      encode(pass);
      pass.end();
      const start = performance.now();
      device.queue.submit([encoder.finish()]);
      await gpu.guard(device.queue.onSubmittedWorkDone());
      times.push(performance.now() - start);
    },
    read: () => Promise.resolve(times),
    dispose: () => undefined,
  };
}

function timestamps(gpu: Gpu, dispatches: number): Profiler {
  const { device } = gpu;
  const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = BufferUsage;
  const sets = Array.from({ length: Math.ceil((2 * dispatches) / SET_SIZE) }, (_, i) =>
    device.createQuerySet({ label: `profile ${i}`, type: 'timestamp', count: SET_SIZE }),
  );
  let count = 0;
  return {
    clock: 'timestamps',
    async time(encode) {
      const querySet = sets[Math.floor((2 * count) / SET_SIZE)];
      if (!querySet) throw new RangeError(`The profiler was created for ${dispatches} dispatches and got more.`);
      const beginningOfPassWriteIndex = (2 * count++) % SET_SIZE;
      const timestampWrites = {
        querySet,
        beginningOfPassWriteIndex,
        endOfPassWriteIndex: beginningOfPassWriteIndex + 1,
      };
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass({ timestampWrites });
      encode(pass);
      pass.end();
      device.queue.submit([encoder.finish()]);
      // Wait, so that dispatches do not overlap and add to each other's time.
      await gpu.guard(device.queue.onSubmittedWorkDone());
    },
    async read() {
      const size = 8 * SET_SIZE;
      const resolved = device.createBuffer({ label: 'profile', size, usage: QUERY_RESOLVE | COPY_SRC });
      const target = device.createBuffer({ label: 'profile readback', size, usage: MAP_READ | COPY_DST });
      const times: number[] = [];
      try {
        for (const set of sets) {
          const encoder = device.createCommandEncoder({ label: 'profile' });
          encoder.resolveQuerySet(set, 0, SET_SIZE, resolved, 0);
          encoder.copyBufferToBuffer(resolved, 0, target, 0, size);
          device.queue.submit([encoder.finish()]);
          await gpu.guard(target.mapAsync(MapMode.READ));
          const stamps = new BigUint64Array(target.getMappedRange());
          for (let i = 0; i < SET_SIZE && times.length < count; i += 2) {
            times.push(Number((stamps[i + 1] ?? 0n) - (stamps[i] ?? 0n)) / 1e6);
          }
          target.unmap();
        }
      } finally {
        resolved.destroy();
        target.destroy();
      }
      return times;
    },
    dispose() {
      for (const set of sets) set.destroy();
    },
  };
}
