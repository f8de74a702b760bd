import { requestGpu } from '../../src/gpu/gpu.ts';
import { adapterName, report, type Options, type Report } from './bench.ts';
import { regionTimes } from './region_times.ts';
import { bothNetworks } from './works.ts';

/** The time of regions: a Markdown table for each network. */
export interface RegionReport {
  readonly adapter: string;
  readonly tables: readonly string[];
}

declare global {
  var cpuSeconds: () => Promise<number>;
  var benchPage: (options: Options) => Promise<Report>;
  var benchRegions: (side: number, reps: number) => Promise<RegionReport>;
  var benchReady: boolean;
}

globalThis.benchPage = (options) =>
  report(
    () => requestGpu(),
    () => globalThis.cpuSeconds(),
    options,
  );
globalThis.benchRegions = async (side, reps) => {
  const gpu = await requestGpu();
  const tables: string[] = [];
  for (const work of bothNetworks(4, side))
    tables.push(await regionTimes(gpu, work, reps, () => globalThis.cpuSeconds()));
  return { adapter: adapterName(gpu.device), tables };
};
globalThis.benchReady = true;
