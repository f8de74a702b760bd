/** Dispatches and compiled pipelines of every runtime on the page. */
export interface Calls {
  readonly dispatches: number;
  readonly pipelines: number;
}

/** Counts calls from now on. */
export interface CallCounter {
  /** Calls since the last `take`, or since the totals that are handed in. */
  take(since?: Calls): Calls;
}

type Method = (this: unknown, ...args: never[]) => unknown;

/** Wraps WebGPU's prototypes, which all runtimes on the page share. */
export function countCalls(): CallCounter {
  const total = { dispatches: 0, pipelines: 0 };
  let last: Calls = { ...total };
  const wrap = (prototype: object, name: string, count: keyof Calls): void => {
    const original = Reflect.get(prototype, name) as Method;
    Reflect.set(prototype, name, function (this: unknown, ...args: never[]) {
      total[count]++;
      return original.apply(this, args);
    });
  };
  wrap(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', 'dispatches');
  wrap(GPUComputePassEncoder.prototype, 'dispatchWorkgroupsIndirect', 'dispatches');
  wrap(GPUDevice.prototype, 'createComputePipeline', 'pipelines');
  wrap(GPUDevice.prototype, 'createComputePipelineAsync', 'pipelines');
  return {
    take(since = last) {
      const now = { ...total };
      last = now;
      return { dispatches: now.dispatches - since.dispatches, pipelines: now.pipelines - since.pipelines };
    },
  };
}
