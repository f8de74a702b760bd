import type { Gpu } from '../../src/gpu/gpu.ts';
import { profiler, type Profiler } from '../../src/gpu/profiler.ts';
import { readProfile, type Profile } from '../../src/session/profile.ts';
import type { WeightType } from '../../src/graph/weights.ts';
import { tensorBytes } from '../../src/graph/tensor.ts';
import { hashTensor } from '../support/hash_weights.ts';
import { jsClock } from './js_clock.ts';
import { copyProbe, peakProbe, type CpuClock, type CopyProbe, type PeakProbe } from './peak.ts';
import { supportedVariants } from '../../src/loading/target.ts';
import { loadWork, openSession, type Form } from './session.ts';
import { works, type Work } from './works.ts';

/** The measurement of one work. Times are in ms, rates in GFLOP/s, bandwidths in GB/s. */
export interface Row {
  readonly name: string;
  readonly dtype: WeightType;
  /** The direct algorithm's FLOPs, two for each multiply-add. */
  readonly gflop: number;
  /** GFLOP of the plan's dispatches: fewer if convolutions use a faster algorithm. */
  readonly actualGflop: number;
  /** Median and least of the warm runs, to the GPU's last stroke. */
  readonly ms: number;
  readonly min: number;
  /** Compiling all pipelines, on a device that has compiled none of them. */
  readonly compileMs: number;
  /** From weights on the GPU to the first result: compiling, allocating, the first run. */
  readonly firstMs: number;
  /**
   * JavaScript of a warm run; and of one in a single submit, as on a device that is done with it in a few milliseconds.
   */
  readonly jsMs: number;
  readonly jsOneSubmitMs: number;
  /** gflop / ms: above the peak where fewer multiplies than the direct algorithm's do. */
  readonly rate: number;
  /** The multiply-add peak, the best of before and after. */
  readonly peak: number;
  /**
   * CPU milliseconds of a warm run, and its share of the peak by CPU time: what to read on a software adapter and a
   * busy machine.
   */
  readonly cpuMs: number;
  readonly cpuShare: number;
  /** Bytes that the plan's dispatches read and write, each once; their rate, and that of a plain copy. */
  readonly bytes: number;
  readonly bandwidth: number;
  readonly copyBandwidth: number;
  readonly dispatches: number;
  readonly pipelines: number;
  readonly submits: number;
  readonly plannedBytes: number;
  readonly allocatedBytes: number;
  /** Where a run's time goes on the GPU. */
  readonly profile: Profile;
}

/** The middle one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? NaN;
}

/** The device that a work is timed on and what is measured around it. */
export interface Instruments {
  readonly gpu: Gpu;
  readonly peak: PeakProbe;
  readonly copy: CopyProbe;
  readonly cpu: CpuClock;
}

/** Times one work: one cold run, `reps` warm ones, the peak before and after. */
export async function bench({ gpu, peak, copy, cpu }: Instruments, work: Work, form: Form, reps: number): Promise<Row> {
  const { device } = gpu;
  const loaded = await loadWork(gpu, work, form);
  const { plan } = loaded;
  const js = jsClock(device);
  const start = performance.now();
  const { session, compileMs } = await openSession(gpu, loaded);
  const input = hashTensor('input', [tensorBytes(plan.input) / 4]);
  const run = async (clock?: Profiler): Promise<number> => {
    let began = performance.now();
    await session.run({
      input: async (_, buffer) => {
        device.queue.writeBuffer(buffer, 0, input); // a run reuses its input's buffer
        await device.queue.onSubmittedWorkDone();
        began = performance.now();
      },
      output: () => undefined,
      profiler: clock,
    });
    await device.queue.onSubmittedWorkDone();
    return performance.now() - began;
  };
  await run();
  const firstMs = performance.now() - start;
  const before = await peak.measure();
  const times: number[] = [];
  const cpuTimes: number[] = [];
  const scripts: { ms: number; submits: number }[] = [];
  js.take();
  for (let i = 0; i < reps; i++) {
    const began = await cpu();
    times.push(await run());
    cpuTimes.push((await cpu()) - began);
    scripts.push(js.take());
  }
  const after = await peak.measure();
  gpu.submitFlops = Infinity;
  await run();
  const { ms: jsOneSubmitMs } = js.take();
  const clock = profiler(gpu);
  await run(clock);
  const profile = await readProfile(clock, plan.dispatches);
  clock.dispose();
  const copyBandwidth = await copy.measure();
  const ms = median(times);
  const cpuSeconds = median(cpuTimes);
  const bytes = plan.dispatches.reduce((sum, step) => sum + step.bytes, 0);
  const row: Row = {
    name: [work.name, form.kernels].filter(Boolean).join(', '),
    dtype: form.dtype,
    gflop: plan.flops / 1e9,
    actualGflop: plan.dispatches.reduce((sum, step) => sum + step.flops, 0) / 1e9,
    ms,
    min: Math.min(...times),
    compileMs,
    firstMs,
    jsMs: median(scripts.map((taken) => taken.ms)),
    jsOneSubmitMs,
    rate: plan.flops / ms / 1e6,
    peak: Math.max(before.rate, after.rate),
    cpuMs: 1000 * cpuSeconds,
    cpuShare: plan.flops / 1e9 / cpuSeconds / Math.max(before.cpuRate, after.cpuRate),
    bytes,
    bandwidth: bytes / ms / 1e6,
    copyBandwidth,
    dispatches: plan.dispatches.length,
    pipelines: new Set(
      plan.dispatches.map(({ dispatch }) => `${dispatch.shader.code} ${JSON.stringify(dispatch.constants)}`),
    ).size,
    submits: median(scripts.map((taken) => taken.submits)),
    plannedBytes: plan.peakBytes,
    allocatedBytes: session.bytes,
    profile,
  };
  session.dispose();
  loaded.weights.dispose();
  return row;
}

/** The works to time, and how. */
export interface Options {
  /** A regular expression over the works' names; empty for all. */
  readonly only: string;
  readonly dtypes: readonly WeightType[];
  /**
   * Forms of the convolutions' kernels, in turn; where it is empty, the one that suits the adapter. Those that it can't
   * run are left out.
   */
  readonly kernels: readonly string[];
  /** Warm runs of each work. */
  readonly reps: number;
}

/** The measurements and the adapter that they were made on. */
export interface Report {
  readonly adapter: string;
  readonly date: string;
  readonly rows: readonly Row[];
}

/** The adapter's name, for people. */
export function adapterName({ adapterInfo }: GPUDevice): string {
  const { vendor, architecture, description } = adapterInfo;
  return [vendor, architecture, description].join(' ').trim();
}

/** Times all works that the options ask for, each on a device of its own, which has compiled nothing. */
export async function report(openGpu: () => Promise<Gpu>, cpu: CpuClock, options: Options): Promise<Report> {
  const { only, dtypes, kernels, reps } = options;
  const rows: Row[] = [];
  const probes = await openGpu();
  const { device } = probes;
  const peak = await peakProbe(device, cpu);
  const copy = await copyProbe(device);
  const possible = supportedVariants(probes, 'f16').filter((kernel) => kernels.includes(kernel));
  const forms = dtypes.flatMap((dtype): Form[] =>
    kernels.length === 0
      ? [{ dtype }]
      : possible
          .filter((kernel) => dtype === 'f16' || !kernel.startsWith('f16'))
          .map((kernel) => ({ dtype, kernels: kernel })),
  );
  for (const work of works(probes.software, only)) {
    for (const form of forms) {
      const gpu = await openGpu();
      rows.push(await bench({ gpu, peak, copy, cpu }, work, form, reps));
      gpu.dispose();
    }
  }
  return { adapter: adapterName(device), date: new Date().toISOString().slice(0, 10), rows };
}
