import { DisposedError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { BufferUsage } from '../gpu/usage.ts';
import type { Resource } from '../kernels/dispatch.ts';
import type { Plan } from './plan.ts';
import type { WeightStore } from './weight_store.ts';

interface Command {
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly grid: readonly [number, number, number];
  readonly flops: number;
}

/** A submit should take about this long: short enough for a page to stay alive and an abort to be quick. */
const SUBMIT_MS = 20;

/** A plan with its buffers and bind groups made, ready to be replayed. */
export class Session {
  readonly plan: Plan;
  readonly #gpu: Gpu;
  readonly #commands: readonly Command[];
  readonly #buffers: readonly GPUBuffer[];
  readonly #params: GPUBuffer;
  #disposed = false;

  private constructor(
    plan: Plan,
    gpu: Gpu,
    commands: readonly Command[],
    buffers: readonly GPUBuffer[],
    params: GPUBuffer,
  ) {
    this.plan = plan;
    this.#gpu = gpu;
    this.#commands = commands;
    this.#buffers = buffers;
    this.#params = params;
  }

  /**
   * Compiles what the plan needs and allocates its buffers.
   *
   * @throws DeviceError when the GPU has no room for them, or is lost
   */
  static async create(gpu: Gpu, plan: Plan, weights: WeightStore): Promise<Session> {
    const { device, pipelines } = gpu;
    const compiled = await gpu.guard(
      Promise.all(plan.steps.map(({ dispatch }) => pipelines.get(dispatch.shader, dispatch.constants))),
    );
    const made: GPUBuffer[] = [];
    const make = (label: string, size: number, usage: number): GPUBuffer => {
      const buffer = device.createBuffer({ label, size, usage });
      made.push(buffer);
      return buffer;
    };
    try {
      return await gpu.checked('the activations', () => {
        const { STORAGE, COPY_SRC, COPY_DST, UNIFORM } = BufferUsage;
        const buffers = plan.memory.buffers.map((bytes, i) =>
          make(`activations ${i}`, bytes, STORAGE | COPY_SRC | COPY_DST),
        );
        const stride = plan.paramStride;
        const params = make('params', plan.steps.length * stride, UNIFORM | COPY_DST);
        const bytes = new Uint8Array(params.size);
        plan.steps.forEach(({ dispatch }, i) => bytes.set(new Uint8Array(dispatch.params), i * stride));
        device.queue.writeBuffer(params, 0, bytes);

        const bind = (resource: Resource): GPUBufferBinding => {
          if (resource.kind === 'none') return { buffer: gpu.unused };
          if (resource.kind === 'weight') return { buffer: weights.buffer(resource.spec, resource.slice) };
          const buffer = buffers[plan.memory.placement.get(resource.tensor.id) ?? -1];
          if (!buffer) throw new RangeError(`tensor ${resource.tensor.label} has no buffer in its plan`);
          return { buffer };
        };
        const commands = plan.steps.map(({ dispatch, flops }, i): Command => {
          const target = compiled[i];
          if (!target) throw new RangeError(`step ${i} has no pipeline`);
          const label = `${dispatch.label} ${dispatch.shader.name}`;
          const entries = dispatch.resources.map((resource, binding) => ({ binding, resource: bind(resource) }));
          entries.push({
            binding: entries.length,
            resource: { buffer: params, offset: i * stride, size: dispatch.params.byteLength },
          });
          const bindGroup = device.createBindGroup({ label, layout: target.layout, entries });
          return { label, pipeline: target.pipeline, bindGroup, grid: dispatch.grid, flops };
        });
        return new Session(plan, gpu, commands, buffers, params);
      });
    } catch (error) {
      for (const buffer of made) buffer.destroy();
      throw error;
    }
  }

  /** The buffer that the graph's input goes into. */
  get input(): GPUBuffer {
    return this.#bufferOf(this.plan.graph.input.id);
  }

  /** The buffer that holds the graph's output after a run, until the next one. */
  get output(): GPUBuffer {
    return this.#bufferOf(this.plan.graph.output.id);
  }

  /** Bytes on the GPU. */
  get bytes(): number {
    return this.#buffers.reduce((sum, buffer) => sum + buffer.size, this.#params.size);
  }

  /**
   * Replays the plan in short submits, two in flight. Resolves when the last is submitted; the queue's order does the rest.
   *
   * @throws the signal's reason if it aborts in between
   */
  async run(signal?: AbortSignal): Promise<void> {
    const { device } = this.#gpu;
    let previous: Promise<void> | undefined;
    for (let i = 0; i < this.#commands.length;) {
      signal?.throwIfAborted();
      if (this.#disposed) throw new DisposedError('AutoencoderDC');
      const started = performance.now();
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      let flops = 0;
      for (; i < this.#commands.length; i++) {
        const command = this.#commands[i];
        if (!command || (flops > 0 && flops + command.flops > this.#gpu.submitFlops)) break;
        pass.setPipeline(command.pipeline);
        pass.setBindGroup(0, command.bindGroup);
        pass.dispatchWorkgroups(...command.grid);
        flops += command.flops;
      }
      pass.end();
      device.queue.submit([encoder.finish()]);
      const done = this.#gpu.guard(device.queue.onSubmittedWorkDone());
      done.catch(() => undefined);
      await previous;
      previous = done.then(() => this.#adapt(flops, performance.now() - started));
      previous.catch(() => undefined);
    }
    signal?.throwIfAborted();
  }

  /** Frees the buffers; a run in progress ends with a DisposedError. */
  dispose(): void {
    this.#disposed = true;
    for (const buffer of this.#buffers) buffer.destroy();
    this.#params.destroy();
  }

  #adapt(flops: number, ms: number): void {
    if (flops < 0.5 * this.#gpu.submitFlops) return;
    const ideal = (flops * SUBMIT_MS) / Math.max(ms, 1);
    this.#gpu.submitFlops = Math.min(4 * this.#gpu.submitFlops, Math.max(0.25 * this.#gpu.submitFlops, ideal));
  }

  #bufferOf(tensor: number): GPUBuffer {
    const buffer = this.#buffers[this.plan.memory.placement.get(tensor) ?? -1];
    if (!buffer) throw new RangeError(`tensor ${tensor} has no buffer in its plan`);
    return buffer;
  }
}
