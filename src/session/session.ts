import { DisposedError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Profiler } from '../gpu/profiler.ts';
import { BufferUsage } from '../gpu/usage.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Plan } from '../plan/plan.ts';
import { prepareDispatches, type Command } from './commands.ts';
import type { WeightStore } from './weight_store.ts';

/** What a run takes in and gives out. Both are called between submits: what they submit themselves comes in order. */
export interface RunHandlers {
  /** Writes the rectangle of the graph's input that `tensor` holds into `buffer`. */
  readonly input: (tensor: Tensor, buffer: GPUBuffer) => Promise<void> | void;
  /** Takes a rectangle of the graph's output out of `buffer`; the run goes on, and overwrites it, when this is done. */
  readonly output: (tensor: Tensor, buffer: GPUBuffer) => Promise<void> | void;
  /** Called after each region. */
  readonly onRegion?: ((done: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Runs dispatches one by one and times them. */
  readonly profiler?: Profiler | undefined;
}

/** A submit should take about this long: short enough for a page to stay alive and an abort to be quick. */
const SUBMIT_TARGET_MS = 20;

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
    const made: GPUBuffer[] = [];
    const make = (label: string, size: number, usage: number): GPUBuffer => {
      const buffer = gpu.device.createBuffer({ label, size, usage });
      made.push(buffer);
      return buffer;
    };
    const { dispatches, memory, paramStride } = plan;
    const prepare = await prepareDispatches(gpu, dispatches);
    try {
      return await gpu.checked('the activations', () => {
        const { STORAGE, COPY_SRC, COPY_DST, UNIFORM } = BufferUsage;
        const buffers = memory.buffers.map((bytes, i) =>
          make(`activations ${i}`, bytes, STORAGE | COPY_SRC | COPY_DST),
        );
        const params = make('params', Math.max(1, dispatches.length) * paramStride, UNIFORM | COPY_DST);
        const bufferOf = (tensor: Tensor): GPUBuffer => placed(plan, buffers, tensor);
        return new Session(plan, gpu, prepare({ params, paramStride, bufferOf, weights }), buffers, params);
      });
    } catch (error) {
      for (const buffer of made) buffer.destroy();
      throw error;
    }
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
  async run({ input, output, onRegion, signal, profiler }: RunHandlers): Promise<void> {
    let next = 0;
    let regions = 0;
    let inFlight: Promise<void> | undefined;
    const submit = async (end: number): Promise<void> => {
      while (next < end) {
        this.#check(signal);
        if (profiler) {
          await profiler.time((pass) => this.#encode(pass, next));
          next += 1;
          continue;
        }
        const { done, count } = this.#submit(next, end);
        next += count;
        await inFlight;
        inFlight = done;
      }
    };
    let end = 0;
    for (const step of this.plan.steps) {
      if (step.kind === 'dispatch') {
        end += 1;
        continue;
      }
      await submit(end);
      this.#check(signal);
      if (step.kind === 'input') await input(step.tensor, this.#bufferOf(step.tensor));
      else {
        if (step.output) await output(step.output, this.#bufferOf(step.output));
        onRegion?.(++regions);
      }
    }
    signal?.throwIfAborted();
  }

  /** Frees the buffers; a run in progress ends with a DisposedError. */
  dispose(): void {
    this.#disposed = true;
    for (const buffer of this.#buffers) buffer.destroy();
    this.#params.destroy();
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (this.#disposed) throw new DisposedError('AutoencoderDC');
  }

  #encode(pass: GPUComputePassEncoder, index: number): void {
    const command = this.#commands[index];
    if (!command) return;
    pass.setPipeline(command.pipeline);
    pass.setBindGroup(0, command.bindGroup, command.offset);
    pass.dispatchWorkgroups(...command.grid);
  }

  /** Submits commands from `start` on, for about as long as a submit should take. */
  #submit(start: number, end: number): { done: Promise<void>; count: number } {
    const { device } = this.#gpu;
    const started = performance.now();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    let flops = 0;
    let i = start;
    for (; i < end; i++) {
      const more = this.#commands[i]?.flops ?? 0;
      if (flops > 0 && flops + more > this.#gpu.submitFlops) break;
      this.#encode(pass, i);
      flops += more;
    }
    pass.end();
    device.queue.submit([encoder.finish()]);
    const finished = this.#gpu.guard(device.queue.onSubmittedWorkDone());
    const done = finished.then(() => this.#adapt(flops, performance.now() - started));
    done.catch(() => undefined);
    return { done, count: i - start };
  }

  #adapt(flops: number, ms: number): void {
    if (flops < 0.5 * this.#gpu.submitFlops) return;
    const ideal = (flops * SUBMIT_TARGET_MS) / Math.max(ms, 1);
    this.#gpu.submitFlops = Math.min(4 * this.#gpu.submitFlops, Math.max(0.25 * this.#gpu.submitFlops, ideal));
  }

  #bufferOf(tensor: Tensor): GPUBuffer {
    return placed(this.plan, this.#buffers, tensor);
  }
}

function placed({ memory }: Plan, buffers: readonly GPUBuffer[], { id, label }: Tensor): GPUBuffer {
  const buffer = buffers[memory.placement.get(id) ?? -1];
  if (!buffer) throw new RangeError(`tensor ${label} has no buffer in its plan`);
  return buffer;
}
