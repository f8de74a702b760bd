// What loading the full f32c32 SANA network costs: 1.25 GB in F32, served from this process's memory to a browser
// without DevTools. DCAE_DIVISOR=4 takes a narrower one, for a quick look.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startBareBrowser, type BareBrowser, type ProcessUse } from '../support/bare_browser.ts';
import { hashFile, releasedTensors } from '../support/hash_file.ts';
import { startHub, type Hub } from '../support/hub.ts';
import { networkConfig } from '../support/networks_on_hub.ts';
import type { LoadRequest, Outcome } from './page/page.ts';

const divisor = Number(process.env['DCAE_DIVISOR'] ?? 1);
const network = 'dc-ae-f32c32-sana-1.1';
const source = `someone/${network}-diffusers`;
const weights = 'diffusion_pytorch_model.safetensors';
const MiB = 2 ** 20;
const rounds = 3;

let hub: Hub;
let browser: BareBrowser;
let profile = '';
const rows: string[] = [];

beforeAll(async () => {
  hub = await startHub();
  const virtual = hashFile(await releasedTensors('dc-ae-f32c32-sana-1.0', 'diffusers', divisor));
  const bytes = new Uint8Array(virtual.size);
  for (let at = 0; at < bytes.length; at += 64 * MiB)
    bytes.set(virtual.read(at, Math.min(bytes.length, at + 64 * MiB)), at);
  hub.put(source, 'config.json', JSON.stringify(await networkConfig(network, divisor)));
  hub.put(source, weights, bytes);
  profile = await mkdtemp(join(tmpdir(), 'dc-ae-measure-'));
  browser = await startBareBrowser(inject('pageUrl'), profile);
});
afterAll(async () => {
  await browser.close();
  await hub.close();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  console.log(['| what | figure | target |', '| --- | --- | --- |', ...rows].join('\n'));
});

function note(what: string, figure: string, target = ''): void {
  rows.push(`| ${what} | ${figure} | ${target} |`);
}

async function load(options: LoadRequest['options'] = {}, worker = false): Promise<Outcome> {
  const request = { source, dry: true, worker, options: { hubUrl: hub.url, ...options } };
  const outcome = await browser.evaluate((given) => window.page.load(given), request);
  expect(outcome.error).toBeUndefined();
  expect(outcome.warnings).toEqual([]);
  return outcome;
}

function forgetAll(): Promise<number> {
  return browser.evaluate(() => window.page.dcae.checkpointCache.clear(), undefined);
}

/** Milliseconds of a bare fetch of the weights, read and dropped. */
function bareFetch(): Promise<number> {
  return browser.evaluate(async (url) => {
    const before = performance.now();
    const reader = (await fetch(url, { cache: 'no-store' })).body!.getReader();
    for (;;) if ((await reader.read()).done) break;
    return performance.now() - before;
  }, `${hub.url}/${source}/resolve/main/${weights}`);
}

/**
 * The same, its bytes also handed to the GPU, into one buffer and unpacked: the least that any way of loading has to
 * do.
 */
function bareUpload(): Promise<number> {
  return browser.evaluate(async (url) => {
    const device = await window.page.shared;
    const size = 2 ** 25;
    const target = device.createBuffer({ size, usage: GPUBufferUsage.COPY_DST });
    const before = performance.now();
    const reader = (await fetch(url, { cache: 'no-store' })).body!.getReader({ mode: 'byob' });
    let buffer = new ArrayBuffer(2 ** 19);
    let inFlight = Promise.resolve();
    for (let at = 0; ;) {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (done) break;
      const whole = value.length - (value.length % 4);
      if (at + whole > size) {
        await inFlight;
        inFlight = device.queue.onSubmittedWorkDone();
        at = 0;
      }
      device.queue.writeBuffer(target, at, value, 0, whole);
      at += whole;
      buffer = value.buffer;
    }
    await device.queue.onSubmittedWorkDone();
    target.destroy();
    return performance.now() - before;
  }, `${hub.url}/${source}/resolve/main/${weights}`);
}

/** Measures the peak growth of the processes and their CPU seconds during `work`. */
async function watch<T>(work: () => Promise<T>): Promise<{ result: T; peaks: Map<string, number>; cpu: string }> {
  const start = await browser.processes();
  const peaks = new Map<string, number>();
  let end: ReadonlyMap<string, ProcessUse> = start;
  let on = true;
  const sampling = (async () => {
    while (on) {
      end = await browser.processes();
      for (const [kind, { bytes }] of end) {
        peaks.set(kind, Math.max(peaks.get(kind) ?? 0, bytes - (start.get(kind)?.bytes ?? 0)));
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  const result = await work();
  on = false;
  await sampling;
  const spent = [...end].map(
    ([kind, { cpu }]) => [kind.replace(/^.*\./, ''), cpu - (start.get(kind)?.cpu ?? 0)] as const,
  );
  const cpu = spent.filter(([, seconds]) => seconds >= 0.1).map(([kind, seconds]) => `${kind} ${seconds.toFixed(1)} s`);
  return { result, peaks, cpu: cpu.join(', ') };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

test("memory: JavaScript's, the processes', the GPU's", async () => {
  await bareFetch();
  for (const [what, options, worker] of [
    ['network, cache off', { cache: false }, false],
    ['network, first visit', {}, false],
    ['cache, second visit', {}, false],
    ['cache, second visit, in a worker', {}, true],
  ] as const) {
    const { result, peaks } = await watch(() => load(options, worker));
    const { total } = result.events[0]!;
    note(`JavaScript heap growth, ${what}`, `${(result.heapGrowth / MiB).toFixed(1)} MiB`, '< 64 MiB');
    note(`peak growth of the renderer process, ${what}`, `${((peaks.get('renderer') ?? 0) / MiB).toFixed(0)} MiB`);
    note(
      `peak growth of the GPU process (weights: ${(total / MiB).toFixed(0)} MiB), ${what}`,
      `${((peaks.get('gpu-process') ?? 0) / MiB).toFixed(0)} MiB`,
    );
    expect(result.heapGrowth).toBeLessThan(64 * MiB);
    if (worker) continue;
    const ratio = result.gpuBytes / total;
    note(`GPU memory after load ÷ the weights, ${what}`, ratio.toFixed(4), '≤ 1.02');
    expect(ratio).toBeLessThanOrEqual(1.02);
  }
  await forgetAll();
  // @huggingface/hub unpacks Xet storage into buffers of its own, which the browser collects when it thinks fit.
  hub.xet = true;
  const { result, peaks } = await watch(() => load({ cache: false }));
  hub.xet = false;
  note('JavaScript heap growth, network, Xet storage', `${(result.heapGrowth / MiB).toFixed(1)} MiB`);
  note(
    'peak growth of the renderer process, network, Xet storage',
    `${((peaks.get('renderer') ?? 0) / MiB).toFixed(0)} MiB`,
  );
});

test('bytes asked for, for each network', async () => {
  for (const parts of ['both', 'encoder', 'decoder'] as const) {
    for (const xet of [false, true]) {
      hub.xet = xet;
      const before = hub.sent();
      const { events } = await load({ cache: false, networks: parts });
      const ratio = (hub.sent() - before) / events[0]!.total;
      note(`bytes sent ÷ bytes needed, ${parts}, ${xet ? 'Xet' : 'plain'}`, ratio.toFixed(5), '≤ 1.01');
      if (divisor === 1) expect(ratio).toBeLessThanOrEqual(1.01);
    }
  }
  hub.xet = false;
});

test('wall time, by the network and from the cache, against a bare fetch', async () => {
  const fetches: number[] = [];
  const kinds = new Map<string, { ms: number[]; cpu: string }>();
  const take = async (kind: string, options: LoadRequest['options'], worker: boolean): Promise<void> => {
    const { result, cpu } = await watch(() => load(options, worker));
    const before = kinds.get(kind)?.ms ?? [];
    kinds.set(kind, { ms: [...before, result.ms], cpu });
  };
  let fetchCpu = '';
  const uploads: number[] = [];
  let uploadCpu = '';
  for (let round = 0; round < rounds; round++) {
    const fetched = await watch(bareFetch);
    fetches.push(fetched.result);
    fetchCpu = fetched.cpu;
    const uploaded = await watch(bareUpload);
    uploads.push(uploaded.result);
    uploadCpu = uploaded.cpu;
    for (const worker of [false, true]) {
      const where = worker ? 'in a worker' : 'on the page';
      await take(`network, cache off, ${where}`, { cache: false }, worker);
      await forgetAll();
      await take(`network, first visit, ${where}`, {}, worker);
      await take(`cache, second visit, ${where}`, {}, worker);
    }
  }
  hub.xet = true;
  await take('network, Xet storage, cache off, on the page', { cache: false }, false);
  hub.xet = false;
  const fetched = median(fetches);
  note(`bare fetch (CPU: ${fetchCpu})`, `${(fetched / 1000).toFixed(2)} s`);
  const uploaded = (median(uploads) / fetched).toFixed(2);
  note(`wall time ÷ bare fetch, of one that also writes to a GPU buffer (CPU: ${uploadCpu})`, uploaded);
  for (const [kind, { ms, cpu }] of kinds) {
    note(`wall time ÷ bare fetch, ${kind} (CPU: ${cpu})`, (median(ms) / fetched).toFixed(2), '≤ 1.3');
  }
});
