import type { Gpu } from '../gpu/gpu.ts';
import { GraphBuilder } from '../graph/build.ts';
import { weightsOf } from '../graph/ops.ts';
import { channelsOf } from '../graph/tensor.ts';
import type { ConvVariant, ConvVariants, Target } from '../graph/target.ts';
import { conv2d, type Conv2d } from '../model/layers.ts';
import { CacheStore } from '../weights/cache/store.ts';
import { maxBindingBytes } from '../plan/budget.ts';
import type { LoadOptions } from './load_options.ts';
import { planGraph } from '../plan/plan.ts';
import { Session } from '../session/session.ts';
import { automaticVariants } from './target.ts';
import { WeightStore } from '../session/weight_store.ts';

/** How long loading may wait for timings, compiling included; what isn't known by then is guessed. */
export const TIMING_MS = 300;
/** One reading takes so long at least: several times what a submit costs. */
const MIN_READING_MS = 4;
/** Readings of each form, in turns; the shortest counts. */
const READINGS_PER_VARIANT = 3;
/** What is remembered is void once the forms or the works below are others. */
const VERSION = 1;

/**
 * What is timed: convolutions as wide as the networks', in a chain, so that what surrounds a dispatch counts for
 * little.
 */
const TIMED_LAYERS: Readonly<Record<keyof ConvVariants, Conv2d>> = {
  conv: conv2d('conv', 512, 512, { kernel: 1, bias: false }),
  multiply: conv2d('multiply', 256, 256, { bias: false }),
};
/** Sides of their images: what fills a GPU would keep a CPU busy for seconds. */
const SIDES = { gpu: 64, software: 8 } as const;
const CHAIN = 4;

/**
 * A load's target with the kernels that were fastest when this adapter was timed; if it never was, it is now, for at
 * most `TIMING_MS`. Where nothing can be remembered, and on a CPU, whose order of kernels is known, the usual ones
 * stay.
 */
export async function withFastestKernels(gpu: Gpu, target: Target, options: LoadOptions): Promise<Target> {
  const { cache = true, kernels, signal } = options;
  if (kernels !== undefined || gpu.software || cache === false) return target;
  const store = await CacheStore.open(cache === true ? undefined : cache);
  if (store === undefined) return target;
  const candidates = automaticVariants(gpu, target.products);
  return { ...target, kernels: await fastestKernels(gpu, target, candidates, store, { signal }) };
}

/**
 * The fastest of some forms on this device, remembered or timed.
 *
 * @param options - `limit`: milliseconds after which the target's own are taken, and what comes later is only
 * remembered; `signal` stops timing
 */
export async function fastestKernels(
  gpu: Gpu,
  target: Target,
  candidates: readonly ConvVariant[],
  store: CacheStore,
  { limit = TIMING_MS, signal }: { limit?: number; signal?: AbortSignal | undefined } = {},
): Promise<ConvVariants> {
  const name = `kernels of ${adapterName(gpu)}, ${target.activations}, ${target.numerics}, ${candidates.join()}`;
  const known = await store.readNote(name);
  if (isKernels(known, candidates)) return known;
  const timed = timeKernels(gpu, target, candidates, signal).then(async (kernels) => {
    await store.writeNote(name, kernels).catch(() => undefined); // no room: it will be timed again
    return kernels;
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<ConvVariants>((resolve) => (timer = setTimeout(resolve, limit, target.kernels)));
  try {
    // A driver that can't time its kernels gets the usual ones, and says what ails it when they run.
    return await Promise.race([timed.catch(() => target.kernels), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Times forms of the kernels on this device. One that doesn't compile isn't taken. */
export async function timeKernels(
  gpu: Gpu,
  target: Target,
  candidates: readonly ConvVariant[],
  signal?: AbortSignal,
): Promise<ConvVariants> {
  const fastest = async (use: keyof ConvVariants): Promise<ConvVariant> => {
    const chains = await Promise.all(
      candidates.map(async (kernel) => {
        const kernels = { conv: kernel, multiply: kernel };
        const chain = await Chain.create(gpu, { ...target, kernels }, use).catch(() => undefined);
        return chain && { kernel, chain };
      }),
    );
    const ready = chains.filter((each) => each !== undefined);
    try {
      return (
        (await shortest(ready.map(({ kernel, chain }) => [kernel, (runs) => chain.time(runs, signal)]))) ??
        target.kernels[use]
      );
    } finally {
      for (const { chain } of ready) chain.dispose();
    }
  };
  const conv = await fastest('conv');
  return { conv, multiply: await fastest('multiply') };
}

/**
 * The name of what takes the shortest time; undefined if there is nothing.
 *
 * @param works - `time(runs)` gives the milliseconds of so many runs
 */
export async function shortest<T>(
  works: readonly (readonly [T, (runs: number) => Promise<number>])[],
): Promise<T | undefined> {
  const [first] = works;
  if (first === undefined || works.length === 1) return first?.[0];
  for (const [, time] of works) await time(1); // the first run warms up
  let runs = 1;
  while ((await first[1](runs)) < MIN_READING_MS) runs *= 2;
  const best = works.map(() => Infinity);
  for (let reading = 0; reading < READINGS_PER_VARIANT; reading++) {
    for (const [i, [, time]] of works.entries()) best[i] = Math.min(best[i] ?? Infinity, await time(runs));
  }
  return works[best.indexOf(Math.min(...best))]?.[0];
}

/** A chain of one convolution on a device, with weights of zeros. */
class Chain {
  readonly #gpu: Gpu;
  readonly #weights: WeightStore;
  readonly #session: Session;

  private constructor(gpu: Gpu, weights: WeightStore, session: Session) {
    this.#gpu = gpu;
    this.#weights = weights;
    this.#session = session;
  }

  static async create(gpu: Gpu, target: Target, use: keyof ConvVariants): Promise<Chain> {
    const { limits } = gpu.device;
    const layer = TIMED_LAYERS[use];
    const side = SIDES[gpu.software ? 'software' : 'gpu'];
    const builder = new GraphBuilder(target.activations);
    const input = builder.tensor('input', { n: 1, height: side, width: side }, channelsOf(layer.inChannels));
    let output = input;
    for (let i = 0; i < CHAIN; i++) output = builder.conv(layer, output);
    const { ops } = builder;
    const specs = new Map(ops.flatMap(weightsOf).map((spec) => [spec.id, spec]));
    const plan = planGraph({ ops, input, output }, target, limits);
    const weights = await WeightStore.create(gpu, target.weights, maxBindingBytes(limits), [...specs.values()]);
    try {
      return new Chain(gpu, weights, await Session.create(gpu, plan, weights));
    } catch (error) {
      weights.dispose();
      throw error;
    }
  }

  /**
   * Milliseconds of so many runs.
   *
   * @throws the signal's reason when aborted
   */
  async time(runs: number, signal?: AbortSignal): Promise<number> {
    const start = performance.now();
    const nothing = (): void => undefined;
    for (let i = 0; i < runs; i++) await this.#session.run({ input: nothing, output: nothing, signal });
    await this.#gpu.guard(this.#gpu.device.queue.onSubmittedWorkDone());
    return performance.now() - start;
  }

  dispose(): void {
    this.#session.dispose();
    this.#weights.dispose();
  }
}

/** An adapter and the software that drives it: what a timing is good for. */
function adapterName({ device: { adapterInfo } }: Gpu): string {
  const info: Partial<GPUAdapterInfo> | undefined = adapterInfo;
  const agent = typeof navigator === 'undefined' ? undefined : navigator.userAgent;
  return [info?.vendor, info?.architecture, info?.device, info?.description, agent, VERSION].join(', ');
}

function isKernels(value: unknown, candidates: readonly ConvVariant[]): value is ConvVariants {
  const isCandidate = (kernel: unknown): boolean => candidates.some((candidate) => candidate === kernel);
  if (typeof value !== 'object' || value === null || !('conv' in value) || !('multiply' in value)) return false;
  return isCandidate(value.conv) && isCandidate(value.multiply);
}
