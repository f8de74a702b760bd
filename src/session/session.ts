import { DisposedError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Profiler } from '../gpu/profiler.ts';
import { BufferUsage } from '../gpu/usage.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Plan } from '../plan/plan.ts';
import { prepareDispatches, type Command } from './commands.ts';
import type { WeightStore } from './weight_store.ts';

/** Input and output of a run. Both functions are called between submits, so commands that they submit run in order. */
export interface RunHandlers {
  /** Writes the rectangle of the graph's input that `tensor` holds into `buffer`. */
  readonly input: (tensor: Tensor, buffer: GPUBuffer) => Promise<void> | void;
  /**
   * Takes the rectangle of the graph's output that `buffer` holds. The run overwrites the buffer once this resolves.
   */
  readonly output: (tensor: Tensor, buffer: GPUBuffer) => Promise<void> | void;
  /** Called after each submit and each region, with the regions and the FLOPs done so far. */
  readonly onProgress?: ((regions: number, flops: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Times every dispatch. Dispatches then run one by one. */
  readonly profiler?: Profiler | undefined;
}

/** Target duration of a submit: short enough to keep the page responsive and aborts quick. */
const SUBMIT_TARGET_MS = 20;

/** Commands on their way to the GPU. */
interface Submitted {
  /** Resolves once the driver has accepted the commands. */
  readonly accepted: Promise<void>;
  /** Resolves once the GPU has run them. */
  readonly done: Promise<void>;
  readonly count: number;
  readonly flops: number;
}

/** The GPU resources of a plan: buffers, bind groups and pipelines. Replays the plan. */
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
   * Compiles the plan's pipelines and allocates its buffers.
   *
   * @throws DeviceError if the GPU is out of memory or lost
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
      return await gpu.checked(
        'the activations',
        () => {
          const { STORAGE, COPY_SRC, COPY_DST, UNIFORM } = BufferUsage;
          const buffers = memory.buffers.map((bytes, i) =>
            make(`activations ${i}`, bytes, STORAGE | COPY_SRC | COPY_DST),
          );
          const params = make('params', Math.max(1, dispatches.length) * paramStride, UNIFORM | COPY_DST);
          const bufferOf = (tensor: Tensor): GPUBuffer => placed(plan, buffers, tensor);
          return new Session(plan, gpu, prepare({ params, paramStride, bufferOf, weights }), buffers, params);
        },
        'Use a smaller memoryBudget or a smaller image, and close other tabs that use the GPU.',
      );
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
   * Replays the plan in short submits, two in flight. Resolves once the driver has accepted the last one; the GPU may
   * still be computing.
   *
   * @throws DeviceError if the driver refuses a submit or the device is lost; the signal's reason if it aborts between
   * submits
   */
  async run({ input, output, onProgress, signal, profiler }: RunHandlers): Promise<void> {
    let next = 0;
    let regions = 0;
    let flops = 0;
    let inFlight: Promise<void> | undefined;
    let lastAccepted: Promise<void> | undefined;
    const submit = async (end: number): Promise<void> => {
      while (next < end) {
        this.#check(signal);
        if (profiler) {
          await profiler.time((pass) => this.#encode(pass, next));
          flops += this.#commands[next]?.flops ?? 0;
          next += 1;
          continue;
        }
        const submitted = this.#submit(next, end);
        next += submitted.count;
        await inFlight;
        if (inFlight) onProgress?.(regions, flops);
        flops += submitted.flops;
        inFlight = submitted.done;
        lastAccepted = submitted.accepted;
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
        onProgress?.(++regions, flops);
      }
    }
    await lastAccepted;
    signal?.throwIfAborted();
  }

  /** Frees the buffers. A run in progress throws a DisposedError. */
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

  /** Submits the next commands, as many as the target duration allows. */
  #submit(start: number, end: number): Submitted {
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
    const accepted = this.#gpu.checked('the computation', () => {
      device.queue.submit([encoder.finish()]);
    });
    const finished = this.#gpu.guard(device.queue.onSubmittedWorkDone());
    const done = Promise.all([accepted, finished]).then(() => {
      this.#adapt(flops, performance.now() - started - this.#gpu.emptyWaitMs);
    });
    accepted.catch(() => undefined); // `run` awaits both and throws the error
    done.catch(() => undefined);
    return { accepted, done, count: i - start, flops };
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
