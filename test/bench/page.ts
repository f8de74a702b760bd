import { requestGpu } from '../../src/gpu/gpu.ts';
import { report, type Options, type Report } from './bench.ts';

declare global {
  var cpuSeconds: () => Promise<number>;
  var benchPage: (options: Options) => Promise<Report>;
  var benchReady: boolean;
}

globalThis.benchPage = (options) =>
  report(
    () => requestGpu(),
    () => globalThis.cpuSeconds(),
    options,
  );
globalThis.benchReady = true;
