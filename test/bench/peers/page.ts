import { requestGpu } from '../../../src/gpu/gpu.ts';
import { relativeMaxError } from '../../support/fixtures.ts';
import { hashTensor } from '../../support/hash_weights.ts';
import { adapterName, median } from '../bench.ts';
import { peakProbe } from '../peak.ts';
import { directFlops, peerWorks } from '../works.ts';
import { countCalls } from './calls.ts';
import { ortPeer } from './ort.ts';
import { ownPeer } from './ours.ts';
import type { Peer } from './peer.ts';
import { tfjsPeer } from './tfjs.ts';

/** The runtimes, in the order in which they are measured: outputs are compared with the first one's. */
const PEERS: Readonly<Record<string, (folder: string) => Promise<Peer>>> = {
  'dc-ae-webgpu': ownPeer,
  'ONNX Runtime Web, WebGPU': (folder) => ortPeer(folder, 'webgpu'),
  'TF.js, WebGPU': tfjsPeer,
  'ONNX Runtime Web, WASM, 1 thread': (folder) => ortPeer(folder, 'wasm'),
};

/** The works to measure, and how. */
export interface PeerOptions {
  /** Regular expressions over the names; empty for all. */
  readonly works: string;
  readonly peers: string;
  /** Warm runs of each work, fewer where they would take longer than `budget` ms. */
  readonly reps: number;
  readonly budget: number;
  /** Where the peers' packages are served. */
  readonly folder: string;
}

/** One work in one runtime; times in ms. */
export interface PeerRow {
  readonly work: string;
  readonly peer: string;
  readonly version: string;
  readonly gflop: number;
  readonly ms: number;
  readonly cpuMs: number;
  /** The first run, with what the runtime compiles at first use, to its numbers in JavaScript. */
  readonly firstMs: number;
  readonly rate: number;
  /** The multiply-add peak around the row, in GFLOP/s. */
  readonly peak: number;
  readonly dispatches: number;
  /** Compiled for this row, beyond those of the rows before. */
  readonly pipelines: number;
  /** Largest difference from our output, relative to its largest value. */
  readonly error: number;
}

/** The measurements and the adapter that they were made on. */
export interface PeerReport {
  readonly adapter: string;
  readonly date: string;
  readonly rows: readonly PeerRow[];
  /** Rows that there are not, and why. */
  readonly failures: readonly { readonly work: string; readonly peer: string; readonly reason: string }[];
}

async function peerReport({ works, peers, reps, budget, folder }: PeerOptions): Promise<PeerReport> {
  const calls = countCalls();
  const { device, software } = await requestGpu();
  const cpu = (): Promise<number> => globalThis.cpuSeconds();
  const peak = await peakProbe(device, cpu);
  const rows: PeerRow[] = [];
  const failures: { work: string; peer: string; reason: string }[] = [];
  const started = new Map<string, Promise<Peer>>();
  const chosen = Object.entries(PEERS).filter(([name], i) => i === 0 || new RegExp(peers).test(name));
  for (const work of peerWorks(software).filter(({ name }) => new RegExp(works).test(name))) {
    const input = { shape: work.shape, data: hashTensor('input', work.shape) };
    let ours: Float32Array | undefined;
    for (const [name, start] of chosen) {
      try {
        const starting = started.get(name) ?? start(folder);
        started.set(name, starting);
        const peer = await starting;
        calls.take();
        const prepared = await peer.prepare(work.module, input);
        const time = async (): Promise<number> => {
          const began = performance.now();
          await prepared.run();
          return performance.now() - began;
        };
        const firstBegan = performance.now();
        const output = await prepared.output();
        const firstMs = performance.now() - firstBegan;
        const { pipelines } = calls.take();
        const before = await peak.measure();
        const times: number[] = [];
        const cpuTimes: number[] = [];
        calls.take();
        for (let total = 0; times.length < reps && (total < budget || times.length === 0);) {
          const began = await cpu();
          const ms = await time();
          cpuTimes.push(1000 * ((await cpu()) - began));
          times.push(ms);
          total += ms;
        }
        const dispatches = calls.take().dispatches / times.length;
        const after = await peak.measure();
        await prepared.release();
        ours ??= output;
        const gflop = directFlops(work) / 1e9;
        const ms = median(times);
        const row: PeerRow = {
          work: work.name,
          peer: name,
          version: peer.version,
          gflop,
          ms,
          cpuMs: median(cpuTimes),
          firstMs,
          rate: (1000 * gflop) / ms,
          peak: Math.max(before.rate, after.rate),
          dispatches,
          pipelines,
          error: relativeMaxError(output, ours),
        };
        rows.push(row);
        console.info(`${work.name}, ${name}: ${ms.toFixed(1)} ms, error ${row.error.toExponential(1)}`);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        failures.push({ work: work.name, peer: name, reason });
        console.info(`${work.name}, ${name}: ${reason}`);
      }
    }
  }
  return { adapter: adapterName(device), date: new Date().toISOString().slice(0, 10), rows, failures };
}

declare global {
  var peersPage: (options: PeerOptions) => Promise<PeerReport>;
}

globalThis.peersPage = peerReport;
globalThis.benchReady = true;
