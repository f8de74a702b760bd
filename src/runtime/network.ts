import { DisposedError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { profiler } from '../gpu/profiler.ts';
import type { InputSize } from '../graph/build.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Target } from '../graph/weights.ts';
import type { Decoder, Encoder } from '../model/autoencoder.ts';
import type { Band } from './bands.ts';
import type { StagedInput } from './inputs.ts';
import { planNetwork, planNetworkInOnePiece, type Plan } from '../plan/plan.ts';
import { readProfile } from '../session/profile.ts';
import type { RunOptions } from './run_options.ts';
import { Session } from '../session/session.ts';
import type { WeightStore } from '../session/weight_store.ts';

/** How a batch is run: a plan, and how often it is replayed, on `plan.input.n` pictures each time. */
export interface BatchPlan {
  /** What it was made for. */
  readonly key: string;
  readonly plan: Plan;
  readonly slices: number;
}

/** One half of the autoencoder on the GPU, with the session of its last input's size. */
export class Network {
  readonly module: Encoder | Decoder;
  readonly #gpu: Gpu;
  readonly #weights: WeightStore;
  readonly #target: Target;
  /** The plan that was asked for last, so that who asks before or after a run doesn't plan it again. */
  #asked: BatchPlan | undefined;
  #last: { readonly batch: BatchPlan; readonly session: Session } | undefined;
  #disposed = false;

  constructor(part: Encoder | Decoder, gpu: Gpu, weights: WeightStore, target: Target) {
    this.module = part;
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
    const key = `${size.n} ${size.height} ${size.width} ${budget} ${sliced}`;
    const known = this.#last?.batch.key === key ? this.#last.batch : this.#asked;
    if (known?.key === key) return known;
    this.#asked = { key, ...this.#plan(size, budget, sliced) };
    return this.#asked;
  }

  #plan(size: InputSize, budget: number | undefined, sliced: boolean): Omit<BatchPlan, 'key'> {
    const { limits } = this.#gpu.device;
    const whole =
      size.n > 1 && !sliced ? planNetworkInOnePiece(this.module, size, this.#target, limits, budget) : undefined;
    if (whole) return { plan: whole, slices: 1 };
    return { plan: planNetwork(this.module, { ...size, n: 1 }, this.#target, limits, budget), slices: size.n };
  }

  /**
   * Runs the half on a staged input.
   *
   * @param begin - called with the whole output, before anything is computed; what it gives takes a rectangle of that, of the batch's pictures
   * from `first` on, and what that submits comes in order
   * @throws DeviceError if it doesn't fit, or the device is lost; the signal's reason when aborted
   */
  async run(
    size: InputSize,
    staged: StagedInput,
    { signal, onProgress, onProfile, memoryBudget }: RunOptions,
    sliced: boolean,
    begin: (output: Tensor) => Promise<(band: Band, first: number) => Promise<void> | void>,
  ): Promise<void> {
    const batch = this.plan(size, memoryBudget, sliced);
    const session = await this.#session(batch);
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
      if (clock) onProfile(await readProfile(clock, plan.dispatches));
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

  /** The session of a plan, made anew if that is another. */
  async #session(batch: BatchPlan): Promise<Session> {
    if (this.#last?.batch === batch) return this.#last.session;
    this.#last?.session.dispose();
    this.#last = undefined;
    const session = await Session.create(this.#gpu, batch.plan, this.#weights);
    if (this.#disposed) {
      session.dispose();
      throw new DisposedError('AutoencoderDC');
    }
    this.#last = { batch, session };
    return session;
  }
}
