import { DeviceError, DisposedError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { profiler } from '../gpu/profiler.ts';
import type { InputSize } from '../graph/build.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Target } from '../graph/weights.ts';
import type { Decoder, Encoder } from '../model/autoencoder.ts';
import type { Band } from './bands.ts';
import type { StagedInput } from './inputs.ts';
import { defaultBudget, makePlan, type Plan } from './plan.ts';
import { readProfile } from './profile.ts';
import type { RunOptions } from './run_options.ts';
import { Session } from './session.ts';
import type { WeightStore } from './weight_store.ts';

/** How a batch is run: a plan, and how often it is replayed, on `plan.input.n` pictures each time. */
export interface BatchPlan {
  readonly plan: Plan;
  readonly slices: number;
}

/** One half of the autoencoder on the GPU, with the session of its last input's size. */
export class Half {
  readonly part: Encoder | Decoder;
  readonly #gpu: Gpu;
  readonly #weights: WeightStore;
  readonly #target: Target;
  #last: { readonly key: string; readonly batch: BatchPlan; readonly session: Session } | undefined;
  #disposed = false;

  constructor(part: Encoder | Decoder, gpu: Gpu, weights: WeightStore, target: Target) {
    this.part = part;
    this.#gpu = gpu;
    this.#weights = weights;
    this.#target = target;
  }

  /** Bytes of activations on the GPU. */
  get bytes(): number {
    return this.#last?.session.bytes ?? 0;
  }

  /**
   * Plans inputs of a size. A batch that doesn't fit in one piece is run picture by picture.
   *
   * @param sliced - run a batch picture by picture in any case
   * @throws DeviceError `limits` if a picture doesn't fit; InputError if the network can't take the size
   */
  plan(size: InputSize, budget: number | undefined, sliced: boolean): BatchPlan {
    const { limits } = this.#gpu.device;
    const most = budget ?? defaultBudget(limits);
    const planFor = (n: number): Plan => makePlan(this.part, { ...size, n }, this.#target, limits, most);
    if (size.n > 1 && !sliced) {
      try {
        const plan = planFor(size.n);
        if (plan.regions === 1) return { plan, slices: 1 };
      } catch (error) {
        if (!(error instanceof DeviceError)) throw error;
      }
    }
    return { plan: planFor(1), slices: size.n };
  }

  /**
   * Runs the half on a staged input.
   *
   * @param begin - called with the whole output, before anything is computed
   * @param output - takes a rectangle of it, of the batch's pictures from `first` on; what it submits comes in order
   * @throws DeviceError if it doesn't fit, or the device is lost; the signal's reason when aborted
   */
  async run(
    size: InputSize,
    staged: StagedInput,
    { signal, onProgress, onProfile, memoryBudget }: RunOptions,
    sliced: boolean,
    begin: (output: Tensor) => Promise<(band: Band, first: number) => Promise<void> | void>,
  ): Promise<void> {
    const { batch, session } = await this.#session(size, memoryBudget, sliced);
    const { plan, slices } = batch;
    const output = await begin({ ...plan.output, n: size.n });
    const total = slices * plan.regions;
    const clock = onProfile && profiler(this.#gpu, slices * plan.dispatches.length);
    try {
      for (let slice = 0; slice < slices; slice++) {
        const first = slice * plan.input.n;
        await session.run({
          input: (tensor, buffer) => staged.into({ tensor, buffer }, first),
          output: (tensor, buffer) => output({ tensor, buffer }, first),
          onRegion: (done) => onProgress?.({ done: slice * plan.regions + done, total }),
          signal,
          profiler: clock,
        });
      }
      if (clock) onProfile(await readProfile(clock, plan.dispatches, this.#target.weights));
    } finally {
      clock?.dispose();
    }
  }

  /** Frees the activations. */
  dispose(): void {
    this.#disposed = true;
    this.#last?.session.dispose();
    this.#last = undefined;
  }

  /** The session for inputs of a size, made anew if the size has changed. */
  async #session(
    size: InputSize,
    budget: number | undefined,
    sliced: boolean,
  ): Promise<{ batch: BatchPlan; session: Session }> {
    const key = `${size.n} ${size.height} ${size.width} ${budget} ${sliced}`;
    if (this.#last?.key === key) return this.#last;
    const batch = this.plan(size, budget, sliced);
    this.#last?.session.dispose();
    this.#last = undefined;
    const session = await Session.create(this.#gpu, batch.plan, this.#weights);
    if (this.#disposed) {
      session.dispose();
      throw new DisposedError('AutoencoderDC');
    }
    this.#last = { key, batch, session };
    return this.#last;
  }
}
