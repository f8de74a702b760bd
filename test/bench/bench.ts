import type { Gpu } from '../../src/gpu/gpu.ts';
import { weightsOf } from '../../src/graph/ops.ts';
import type { WeightSpec, WeightType } from '../../src/graph/weights.ts';
import { planGraph, maxBinding } from '../../src/runtime/plan.ts';
import { Session } from '../../src/runtime/session.ts';
import { WeightStore } from '../../src/runtime/weight_store.ts';
import { hashTensor } from '../support/hash-weights.ts';
import { peakProbe, type CpuClock, type PeakProbe } from './peak.ts';
import { works, type Work } from './works.ts';

/** What one work took. Times in ms, rates in GFLOP/s. */
export interface Row {
  readonly name: string;
  readonly dtype: WeightType;
  readonly gflop: number;
  /** Median and least of the warm runs, to the GPU's last stroke. */
  readonly ms: number;
  readonly min: number;
  /** The first run: what the driver compiles late is in it. */
  readonly first: number;
  readonly rate: number;
  /** The multiply-add peak, the best of before and after. */
  readonly peak: number;
  /** CPU milliseconds of a warm run, and its share of the peak by CPU time: what to read on a software adapter and a busy machine. */
  readonly cpuMs: number;
  readonly cpuShare: number;
  readonly dispatches: number;
  readonly plannedBytes: number;
  readonly allocatedBytes: number;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? NaN;
}

/** Fills a graph's weights by hash: their values don't change the time, but denormals would. */
async function hashWeights(gpu: Gpu, specs: readonly WeightSpec[], dtype: WeightType): Promise<WeightStore> {
  const store = await WeightStore.create(gpu, dtype, maxBinding(gpu.device.limits), specs);
  for (const spec of specs) {
    const sources =
      spec.kind === 'matrix'
        ? spec.sources.map(({ key, rows }) => ({ key, shape: [rows, spec.columns.channels, spec.taps] }))
        : spec.keys.map((key) => ({ key, shape: [spec.rows.channels * spec.phases] }));
    for (const { key, shape } of sources) {
      const values = hashTensor(key, shape);
      await store.write({ key, dtype: 'F32', shape }, 0, new Uint8Array(values.buffer));
    }
  }
  await store.finish();
  return store;
}

/** Times one work: one cold run, `reps` warm ones, the peak before and after. */
export async function bench(
  { gpu, peak, cpu }: { gpu: Gpu; peak: PeakProbe; cpu: CpuClock },
  work: Work,
  dtype: WeightType,
  reps: number,
): Promise<Row> {
  const { device } = gpu;
  const specs = [...new Map(work.graph.ops.flatMap(weightsOf).map((spec) => [spec.id, spec])).values()];
  const weights = await hashWeights(gpu, specs, dtype);
  const plan = planGraph(work.graph, { weights: dtype, software: gpu.software }, device.limits);
  const session = await Session.create(gpu, plan, weights);
  const input = hashTensor('input', [session.input.size / 4]);
  device.queue.writeBuffer(session.input, 0, input);
  await device.queue.onSubmittedWorkDone();
  const run = async (): Promise<number> => {
    const start = performance.now();
    await session.run();
    await device.queue.onSubmittedWorkDone();
    return performance.now() - start;
  };
  const first = await run();
  await run();
  const before = await peak.measure();
  const times: number[] = [];
  const cpuTimes: number[] = [];
  for (let i = 0; i < reps; i++) {
    const start = await cpu();
    times.push(await run());
    cpuTimes.push((await cpu()) - start);
  }
  const after = await peak.measure();
  const ms = median(times);
  const cpuSeconds = median(cpuTimes);
  const row: Row = {
    name: work.name,
    dtype,
    gflop: plan.flops / 1e9,
    ms,
    min: Math.min(...times),
    first,
    rate: plan.flops / ms / 1e6,
    peak: Math.max(before.rate, after.rate),
    cpuMs: 1000 * cpuSeconds,
    cpuShare: plan.flops / 1e9 / cpuSeconds / Math.max(before.cpuRate, after.cpuRate),
    dispatches: plan.steps.length,
    plannedBytes: plan.peakBytes,
    allocatedBytes: session.bytes,
  };
  session.dispose();
  weights.dispose();
  return row;
}

/** The rows as a table. */
export function table(rows: readonly Row[]): string {
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  const lines = rows.map((row) =>
    [
      row.name.padEnd(26),
      row.dtype,
      row.gflop.toFixed(2).padStart(7),
      row.ms.toFixed(1).padStart(8),
      row.min.toFixed(1).padStart(8),
      row.first.toFixed(0).padStart(7),
      row.rate.toFixed(1).padStart(8),
      `${((100 * row.rate) / row.peak).toFixed(1)} %`.padStart(8),
      row.peak.toFixed(0).padStart(6),
      row.cpuMs.toFixed(0).padStart(7),
      `${(100 * row.cpuShare).toFixed(1)} %`.padStart(8),
      String(row.dispatches).padStart(5),
      `${mib(row.plannedBytes)}/${mib(row.allocatedBytes)}`.padStart(12),
    ].join('  '),
  );
  const head = `${'work'.padEnd(26)}  type  GFLOP        ms       min    first   GFLOP/s   of peak   peak   CPU ms   by CPU   disp   plan/alloc MiB`;
  return [head, ...lines].join('\n');
}

/** What to time. */
export interface Options {
  /** A regular expression over the works' names; empty for all. */
  readonly only: string;
  readonly dtypes: readonly WeightType[];
  /** Warm runs of each work. */
  readonly reps: number;
}

/** What was timed, on what. */
export interface Report {
  readonly adapter: string;
  readonly rows: readonly Row[];
  readonly table: string;
}

/** Times all works that the options ask for. */
export async function report(gpu: Gpu, cpu: CpuClock, { only, dtypes, reps }: Options): Promise<Report> {
  const { vendor, architecture, description } = gpu.device.adapterInfo;
  const peak = await peakProbe(gpu.device, cpu);
  const rows: Row[] = [];
  for (const dtype of dtypes) {
    for (const work of works()) {
      if (new RegExp(only).test(work.name)) rows.push(await bench({ gpu, peak, cpu }, work, dtype, reps));
    }
  }
  return { adapter: [vendor, architecture, description].join(' ').trim(), rows, table: table(rows) };
}
