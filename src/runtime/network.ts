import { DisposedError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { profiler } from '../gpu/profiler.ts';
import type { InputSize } from '../graph/build.ts';
import type { Target } from '../graph/target.ts';
import { compressionRatio, type Decoder, type Encoder } from '../model/autoencoder.ts';
import { planNetwork, planNetworkInOnePiece, type Plan } from '../plan/plan.ts';
import { readProfile } from '../session/profile.ts';
import { Session } from '../session/session.ts';
import type { WeightStore } from '../session/weight_store.ts';
import type { OutputSink } from './output_sink.ts';
import type { RunOptions } from './run_options.ts';
import type { StagedInput } from './staged_input.ts';

/** A plan for a batch: it is replayed `slices` times, on `plan.input.n` pictures each time. */
export interface BatchPlan {
  /** Identifies the request that the plan answers. */
  readonly key: string;
  readonly plan: Plan;
  readonly slices: number;
}

/** An input, the size at which the network takes it (padding included), and the receiver of the output. */
export interface NetworkRun {
  readonly input: StagedInput;
  readonly size: InputSize;
  readonly sink: OutputSink;
}

/** The encoder or the decoder on the GPU. Keeps the session of the most recent input size. */
export class Network {
  readonly module: Encoder | Decoder;
  readonly which: 'encoder' | 'decoder';
  /** Pixels of the image along one side of a latent pixel. */
  readonly ratio: number;
  /** Runs batches picture by picture, as diffusers' `use_slicing`. */
  isSlicing = false;
  readonly #gpu: Gpu;
  readonly #weights: WeightStore;
  readonly #target: Target;
  /** The most recent plan, kept so that `plan()` followed by a run does not plan twice. */
  #planned: BatchPlan | undefined;
  #ready: { readonly batch: BatchPlan; readonly session: Session } | undefined;
  #disposed = false;

  constructor(module: Encoder | Decoder, gpu: Gpu, weights: WeightStore, target: Target) {
    this.module = module;
    this.which = module.type === 'Encoder' ? 'encoder' : 'decoder';
    this.ratio = compressionRatio(module);
    this.#gpu = gpu;
    this.#weights = weights;
    this.#target = target;
  }

  /** Bytes of activations on the GPU. */
  get bytes(): number {
    return this.#ready?.session.bytes ?? 0;
  }

  /**
   * Plans a run. A batch that does not fit in one piece runs picture by picture.
   *
   * @param budget - bytes of activations; a default for the device if absent
   * @throws DeviceError `limits` if one picture does not fit; InputError if the network cannot take the size
   */
  plan(size: InputSize, budget: number | undefined): BatchPlan {
    const key = `${size.n} ${size.height} ${size.width} ${budget} ${this.isSlicing}`;
    const known = this.#ready?.batch.key === key ? this.#ready.batch : this.#planned;
    if (known?.key === key) return known;
    this.#planned = { key, ...this.#plan(size, budget) };
    return this.#planned;
  }

  /**
   * Runs the network on an input and hands each computed region of the output to the sink.
   *
   * @throws DeviceError if the run does not fit or the device is lost; DisposedError after `dispose()`; the signal's
   * reason when aborted
   */
  async run(
    { input, size, sink }: NetworkRun,
    { signal, onProgress, onProfile, memoryBudget }: RunOptions,
  ): Promise<void> {
    const batch = this.plan(size, memoryBudget);
    const session = await this.#session(batch);
    const { plan, slices } = batch;
    await sink.begin({ ...plan.output, n: size.n });
    const total = slices * plan.regions;
    const flops = plan.dispatches.reduce((sum, step) => sum + step.flops, 0);
    const timer = onProfile && profiler(this.#gpu);
    try {
      for (let slice = 0; slice < slices; slice++) {
        const first = slice * plan.input.n;
        await session.run({
          input: (tensor, buffer) => input.write({ tensor, buffer }, first),
          output: (tensor, buffer) => sink.take({ tensor, buffer }, first),
          onProgress: (regions, done) => {
            const fraction = (slice + done / flops) / slices;
            onProgress?.({ done: slice * plan.regions + regions, total, fraction: Math.min(1, fraction) });
          },
          signal,
          profiler: timer,
        });
      }
      if (timer) onProfile(await readProfile(timer, plan.dispatches));
    } finally {
      timer?.dispose();
    }
  }

  /** Frees the activations. */
  dispose(): void {
    this.#disposed = true;
    this.#ready?.session.dispose();
    this.#ready = undefined;
  }

  #plan(size: InputSize, budget: number | undefined): Omit<BatchPlan, 'key'> {
    const { limits } = this.#gpu.device;
    const whole =
      size.n > 1 && !this.isSlicing
        ? planNetworkInOnePiece(this.module, size, this.#target, limits, budget)
        : undefined;
    if (whole) return { plan: whole, slices: 1 };
    return { plan: planNetwork(this.module, { ...size, n: 1 }, this.#target, limits, budget), slices: size.n };
  }

  /** The session of a plan; another plan's session is freed first. */
  async #session(batch: BatchPlan): Promise<Session> {
    if (this.#ready?.batch === batch) return this.#ready.session;
    this.#ready?.session.dispose();
    this.#ready = undefined;
    const session = await Session.create(this.#gpu, batch.plan, this.#weights);
    if (this.#disposed) {
      session.dispose();
      throw new DisposedError('AutoencoderDC');
    }
    this.#ready = { batch, session };
    return session;
  }
}
