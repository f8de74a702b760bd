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

/** The time that a load waits for timings and their compiling. After it, the likely fastest variants are used. */
export const TIMING_MS = 300;
/** The shortest reading: several times the cost of a submit. */
const MIN_READING_MS = 4;
/** Readings of each variant, taken in turns. The shortest counts. */
const READINGS_PER_VARIANT = 3;
/** Part of a record's name. A change of the variants or of the layers below makes old records void. */
const VERSION = 1;

/** The timed layers: convolutions as wide as the networks', in a chain, so that overhead counts for little. */
const TIMED_LAYERS: Readonly<Record<keyof ConvVariants, Conv2d>> = {
  conv: conv2d('conv', 512, 512, { kernel: 1, bias: false }),
  multiply: conv2d('multiply', 256, 256, { bias: false }),
};
/** The sides of the timed images. An image that fills a GPU would keep a CPU busy for seconds. */
const SIDES = { gpu: 64, software: 8 } as const;
const CHAIN = 4;

/**
 * Replaces a target's kernels with the fastest ones on this adapter: recorded ones, or else timed ones, for at most
 * `TIMING_MS`. Without a cache, and on a CPU, the target stays as it is.
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
 * Finds the fastest variants on this device, by a record or by timing.
 *
 * @param options - `limit`: milliseconds after which the target's own variants are returned, while later timings are
 * still recorded; `signal` stops timing
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
    await store.writeNote(name, kernels).catch(() => undefined); // storage is full: the next load times again
    return kernels;
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<ConvVariants>((resolve) => (timer = setTimeout(resolve, limit, target.kernels)));
  try {
    // A driver that fails here gets the usual kernels, and reports its fault when they run.
    return await Promise.race([timed.catch(() => target.kernels), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Times variants of the kernels on this device. A variant that does not compile is left out. */
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
 * Finds the work that takes the shortest time; `undefined` if there is none.
 *
 * @param works - names, each with a function that returns the milliseconds of a number of runs
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

/** A chain of equal convolutions on a device, with zeros as weights. */
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
   * Measures the milliseconds of a number of runs.
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

/** Names an adapter and the software that drives it. A timing holds for these. */
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
