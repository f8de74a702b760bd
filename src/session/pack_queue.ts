import type { Gpu } from '../gpu/gpu.ts';
import type { Pipeline } from '../gpu/pipelines.ts';
import { BufferUsage } from '../gpu/usage.ts';
import type { SingleDispatch } from '../kernels/pack.ts';

/** The most packing dispatches between two submits. */
const MAX_PENDING_PACKS = 256;
/** Bytes from the params of one packing dispatch to the next. */
const PARAMS_STRIDE_BYTES = 256;

/** A packing dispatch and its buffers. */
export interface Pack {
  readonly dispatch: SingleDispatch;
  readonly pipeline: Pipeline;
  readonly input: GPUBufferBinding;
  readonly output: GPUBuffer;
}

/** Packing dispatches on their way to the GPU. Nothing waits for the driver; `accepted` tells its errors. */
export class PackQueue {
  readonly #gpu: Gpu;
  readonly #remedy: string;
  readonly #params: GPUBuffer;
  #pending: Pack[] = [];
  #retired: GPUBuffer[] = [];
  #accepted: Promise<unknown> = Promise.resolve();

  /** @param remedy - ends the message when memory runs out */
  constructor(gpu: Gpu, remedy: string) {
    this.#gpu = gpu;
    this.#remedy = remedy;
    this.#params = gpu.device.createBuffer({
      label: 'pack params',
      size: MAX_PENDING_PACKS * PARAMS_STRIDE_BYTES,
      usage: BufferUsage.UNIFORM | BufferUsage.COPY_DST,
    });
  }

  /** Resolves once the driver has accepted all work so far; rejects with a DeviceError. */
  get accepted(): Promise<unknown> {
    return this.#accepted;
  }

  /** Does work on the GPU; `accepted` tells its errors. */
  issue(work: () => void): void {
    this.#accepted = Promise.all([this.#accepted, this.#gpu.checked('the weights', work, this.#remedy)]);
    this.#accepted.catch(() => undefined);
  }

  /** Adds a dispatch to the next submit. */
  add(pack: Pack): void {
    if (this.#pending.length === MAX_PENDING_PACKS) this.submit();
    this.#pending.push(pack);
  }

  /** Destroys a buffer once the dispatches so far are submitted. */
  retire(buffer: GPUBuffer): void {
    this.#retired.push(buffer);
  }

  /** Submits the dispatches. */
  submit(): void {
    const packs = this.#pending;
    if (packs.length > 0) this.issue(() => this.#submit(packs));
    this.#pending = [];
    for (const buffer of this.#retired) buffer.destroy();
    this.#retired = [];
  }

  /** Frees the buffers. */
  dispose(): void {
    for (const buffer of this.#retired) buffer.destroy();
    this.#params.destroy();
  }

  #submit(packs: readonly Pack[]): void {
    const { device } = this.#gpu;
    const params = new Uint8Array(packs.length * PARAMS_STRIDE_BYTES);
    const encoder = device.createCommandEncoder({ label: 'pack weights' });
    packs.forEach(({ dispatch, pipeline: { pipeline, layout }, input, output }, i) => {
      const offset = i * PARAMS_STRIDE_BYTES;
      params.set(new Uint8Array(dispatch.params), offset);
      const resources = [input, { buffer: output }, { buffer: this.#params, size: dispatch.params.byteLength }];
      const entries = resources.map((resource, binding) => ({ binding, resource }));
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, device.createBindGroup({ layout, entries }), [offset]);
      pass.dispatchWorkgroups(...dispatch.grid);
      pass.end();
    });
    device.queue.writeBuffer(this.#params, 0, params);
    device.queue.submit([encoder.finish()]);
  }
}
