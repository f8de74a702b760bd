import { requestGpu } from '../../src/gpu/gpu.ts';
import { report, type Options, type Report } from './bench.ts';

declare global {
  var cpuSeconds: () => Promise<number>;
  var benchPage: (options: Options) => Promise<Report>;
}

globalThis.benchPage = async (options) => report(await requestGpu(), () => globalThis.cpuSeconds(), options);
