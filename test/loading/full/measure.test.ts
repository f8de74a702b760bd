import { readFile } from 'node:fs/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CDPSession } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashFile, releasedTensors } from '../../support/hash-file.ts';
import { startHub, type Hub } from '../../support/hub.ts';
import { openTab, startMortal, type LoadingPage, type MortalBrowser } from '../../support/loading.ts';
import { networkConfig } from '../../support/networks-on-hub.ts';
import type { LoadRequest, Outcome } from '../page/page.ts';

// What loading the full f32c32 SANA network costs: 1.25 GB in F32, served from this process's memory.
const network = 'dc-ae-f32c32-sana-1.1';
const source = `someone/${network}-diffusers`;
const weights = 'diffusion_pytorch_model.safetensors';
const MiB = 2 ** 20;

let hub: Hub;
let browser: MortalBrowser;
let tab: LoadingPage;
let devtools: CDPSession;
let profile = '';
const rows: string[] = [];

beforeAll(async () => {
  hub = await startHub();
  const virtual = hashFile(await releasedTensors('dc-ae-f32c32-sana-1.0', 'diffusers'));
  const bytes = new Uint8Array(virtual.size);
  for (let at = 0; at < bytes.length; at += 64 * MiB)
    bytes.set(virtual.read(at, Math.min(bytes.length, at + 64 * MiB)), at);
  hub.put(source, 'config.json', JSON.stringify(await networkConfig(network, 1)));
  hub.put(source, weights, bytes);
  profile = await mkdtemp(join(tmpdir(), 'dc-ae-measure-'));
  browser = await startMortal(profile);
  tab = await openTab(browser.context);
  devtools = await browser.context.newCDPSession(tab.page);
});
afterAll(async () => {
  await browser.kill();
  await hub.close();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  console.log(['| what | figure | target |', '| --- | --- | --- |', ...rows].join('\n'));
});

function note(what: string, figure: string, target = ''): void {
  rows.push(`| ${what} | ${figure} | ${target} |`);
}

function load(options: LoadRequest['options'] = {}): Promise<Outcome> {
  return tab.load({ source, dry: true, options: { hubUrl: hub.url, ...options } });
}

/** Milliseconds of a bare fetch of the weights, read and dropped. */
function bareFetch(): Promise<number> {
  const url = `${hub.url}/${source}/resolve/main/${weights}`;
  return tab.page.evaluate(async (url) => {
    const before = performance.now();
    const reader = (await fetch(url, { cache: 'no-store' })).body!.getReader();
    for (;;) if ((await reader.read()).done) break;
    return performance.now() - before;
  }, url);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** Peaks while something goes on: JavaScript's heap and its buffers, and the processes' memory, each above where it began. */
async function peaks(
  work: () => Promise<unknown>,
): Promise<{ heap: number; buffers: number; processes: Map<string, number> }> {
  await devtools.send('HeapProfiler.collectGarbage');
  const start = { heap: await heap(), processes: await processes() };
  const peak = { heap: 0, buffers: 0, processes: new Map<string, number>() };
  let on = true;
  const sampling = (async () => {
    while (on) {
      const [now, all] = await Promise.all([heap(), processes()]);
      peak.heap = Math.max(peak.heap, now.used - start.heap.used);
      peak.buffers = Math.max(peak.buffers, now.buffers - start.heap.buffers);
      for (const [type, bytes] of all) {
        const grown = bytes - (start.processes.get(type) ?? 0);
        peak.processes.set(type, Math.max(peak.processes.get(type) ?? 0, grown));
      }
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  })();
  await work();
  on = false;
  await sampling;
  return peak;
}

async function heap(): Promise<{ used: number; buffers: number }> {
  const usage: { usedSize: number; backingStorageSize?: number } = await devtools.send('Runtime.getHeapUsage');
  return { used: usage.usedSize, buffers: usage.backingStorageSize ?? 0 };
}

/** Resident bytes by type of process; Linux tells them, other systems nothing. */
async function processes(): Promise<Map<string, number>> {
  const session = await browser.context.browser()!.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const found = new Map<string, number>();
  for (const { type, id } of processInfo) {
    const status = await readFile(`/proc/${id}/status`, 'utf8').catch(() => '');
    const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
    found.set(type, (found.get(type) ?? 0) + 1024 * kilobytes);
  }
  return found;
}

test('bytes asked for, for each half', async () => {
  await load({ cache: false }); // shaders are compiled once, and the driver keeps them
  for (const parts of ['both', 'encoder', 'decoder'] as const) {
    for (const xet of [false, true]) {
      hub.xet = xet;
      const before = hub.sent();
      const { events, error } = await load({ cache: false, parts });
      expect(error).toBeUndefined();
      const ratio = (hub.sent() - before) / events[0]!.total;
      note(`bytes sent ÷ bytes needed, ${parts}, ${xet ? 'Xet' : 'plain'}`, ratio.toFixed(5), '≤ 1.01');
      expect(ratio).toBeLessThanOrEqual(1.01);
    }
  }
  hub.xet = false;
});

test('wall time, by the network and from the cache, against a bare fetch', async () => {
  const times = { fetch: [] as number[], uncached: [] as number[], first: [] as number[], second: [] as number[] };
  for (let round = 0; round < 3; round++) {
    times.fetch.push(await bareFetch());
    times.uncached.push((await load({ cache: false })).ms);
    await tab.forgetAll();
    const first = await load();
    expect(first.warnings).toEqual([]);
    times.first.push(first.ms);
    const second = await load();
    expect(second.events.at(-1)).toMatchObject({ fromCache: first.events[0]!.total });
    times.second.push(second.ms);
  }
  const fetched = median(times.fetch);
  const row = (what: string, values: readonly number[]): void =>
    note(
      `wall time ÷ bare fetch (${(fetched / 1000).toFixed(2)} s), ${what}`,
      (median(values) / fetched).toFixed(2),
      '≤ 1.3',
    );
  row('network, cache off', times.uncached);
  row('network, first visit', times.first);
  row('cache, second visit', times.second);
  console.log(times);
});

test("JavaScript's heap, the processes' memory, the GPU's", async () => {
  for (const [what, options] of [
    ['network, cache off', { cache: false }],
    ['network, first visit', {}],
    ['cache, second visit', {}],
  ] as const) {
    if (what.includes('first')) await tab.forgetAll();
    let outcome: Outcome | undefined;
    const { heap, buffers, processes } = await peaks(async () => (outcome = await load(options)));
    expect(outcome?.error).toBeUndefined();
    note(`JavaScript heap growth, ${what}`, `${(heap / MiB).toFixed(1)} MiB`, '< 64 MiB');
    note(`of ArrayBuffers beside it, ${what}`, `${(buffers / MiB).toFixed(1)} MiB`);
    for (const type of ['renderer', 'GPU']) {
      note(`peak growth of the ${type} process, ${what}`, `${((processes.get(type) ?? 0) / MiB).toFixed(0)} MiB`);
    }
    const ratio = outcome!.gpuBytes / outcome!.events[0]!.total;
    if (what.includes('off')) note('GPU memory after load ÷ the weights', ratio.toFixed(4), '≤ 1.02');
    expect(heap).toBeLessThan(64 * MiB);
    expect(ratio).toBeLessThanOrEqual(1.02);
  }
});
