// Faults of a GPU that a test chooses: errors that the driver reports late, and a device that is lost.

/** Calls whose errors the driver reports only to an error scope, or to the console. */
const REPORTED_LATE = [
  [GPUDevice, 'createBuffer'],
  [GPUDevice, 'createTexture'],
  [GPUDevice, 'createBindGroup'],
  [GPUDevice, 'createBindGroupLayout'],
  [GPUDevice, 'createPipelineLayout'],
  [GPUDevice, 'createShaderModule'],
  [GPUDevice, 'createQuerySet'],
  [GPUQueue, 'submit'],
  [GPUQueue, 'writeBuffer'],
  [GPUQueue, 'writeTexture'],
  [GPUQueue, 'copyExternalImageToTexture'],
  [GPUCommandEncoder, 'finish'],
  [GPUTexture, 'createView'],
] as const;

/** Watches all devices of this page until `restore`. */
export interface GpuFaults {
  /** Names of the calls that were made outside of any error scope. */
  readonly unscoped: readonly string[];
  /** Number of error scopes for memory so far. */
  scopes(): number;
  /** Makes the `index`-th error scope from now on report an error: that memory ran out, or that work is invalid. */
  fail(index: number, kind: 'out-of-memory' | 'validation'): void;
  /** Destroys the device that is used after so many more submits. */
  lose(submits: number): void;
  /** Ends the watch. */
  restore(): void;
}

/** Begins to watch error scopes. */
export function gpuFaults(): GpuFaults {
  const filters: GPUErrorFilter[] = [];
  const unscoped: string[] = [];
  const undo: (() => void)[] = [];
  let failing: { left: number; readonly kind: GPUErrorFilter } | undefined;
  let scopes = 0;
  let device: GPUDevice | undefined;
  let submitsLeft = Infinity;

  const replace = (owner: { prototype: object }, name: string, wrap: (original: Call) => Call): void => {
    const original = Reflect.get(owner.prototype, name) as Call;
    Reflect.set(owner.prototype, name, wrap(original));
    undo.push(() => Reflect.set(owner.prototype, name, original));
  };
  for (const [owner, name] of REPORTED_LATE) {
    replace(
      owner,
      name,
      (original) =>
        function (this: unknown, ...args) {
          if (filters.length === 0) unscoped.push(name);
          return original.apply(this, args);
        },
    );
  }
  replace(
    GPUQueue,
    'submit',
    (original) =>
      function (this: unknown, ...args) {
        original.apply(this, args);
        if (--submitsLeft === 0) device?.destroy();
      },
  );
  replace(
    GPUDevice,
    'pushErrorScope',
    (original) =>
      function (this: unknown, ...args) {
        device = this as GPUDevice;
        filters.push(args[0] as GPUErrorFilter);
        return original.apply(this, args);
      },
  );
  replace(
    GPUDevice,
    'popErrorScope',
    (original) =>
      function (this: unknown, ...args) {
        const filter = filters.pop();
        const result = original.apply(this, args);
        if (filter === 'out-of-memory') scopes++;
        if (failing?.kind !== filter || failing === undefined || failing.left-- > 0) return result;
        failing = undefined;
        return Promise.resolve(
          filter === 'out-of-memory' ? new GPUOutOfMemoryError('no memory') : new GPUValidationError('not valid'),
        );
      },
  );
  return {
    unscoped,
    scopes: () => scopes,
    fail: (index, kind) => (failing = { left: index, kind }),
    lose: (submits) => (submitsLeft = submits),
    restore: () => undo.reverse().forEach((back) => back()),
  };
}

type Call = (this: unknown, ...args: unknown[]) => unknown;
