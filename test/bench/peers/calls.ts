/** Dispatches and compiled pipelines of every runtime on the page. */
export interface Calls {
  readonly dispatches: number;
  readonly pipelines: number;
}

/** Counts calls from now on. */
export interface CallCounter {
  /** Calls since the last `take`. */
  take(): Calls;
}

type Method = (this: unknown, ...args: never[]) => unknown;

/** Wraps WebGPU's prototypes, which all runtimes on the page share. */
export function countCalls(): CallCounter {
  const count = { dispatches: 0, pipelines: 0 };
  const wrap = (prototype: object, name: string, what: keyof Calls): void => {
    const original = Reflect.get(prototype, name) as Method;
    Reflect.set(prototype, name, function (this: unknown, ...args: never[]) {
      count[what]++;
      return original.apply(this, args);
    });
  };
  wrap(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', 'dispatches');
  wrap(GPUComputePassEncoder.prototype, 'dispatchWorkgroupsIndirect', 'dispatches');
  wrap(GPUDevice.prototype, 'createComputePipeline', 'pipelines');
  wrap(GPUDevice.prototype, 'createComputePipelineAsync', 'pipelines');
  return {
    take() {
      const taken = { ...count };
      count.dispatches = 0;
      count.pipelines = 0;
      return taken;
    },
  };
}
