// The cache of weights in a real browser: second visits, updates, tabs, faults of its worker, eviction.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadingBench, type LoadingPage } from '../support/loading.ts';
import { putNetwork } from '../support/networks_on_hub.ts';

// SANA's network at an eighth of its width, 20 MB: three windows of streaming.
const network = 'dc-ae-f32c32-sana-1.1';
const source = `someone/${network}-diffusers`;
const weights = 'diffusion_pytorch_model.safetensors';
const bench = loadingBench();
let page: LoadingPage;
let expected: readonly number[] | undefined;

beforeAll(async () => {
  await putNetwork(bench.hub, 'someone', network, 8);
  await putNetwork(bench.hub, 'else', network, 8);
  page = await bench.open();
  const clean = await page.load({ source, options: { hubUrl: bench.hub.url, cache: false } });
  expect(clean.error).toBeUndefined();
  expected = clean.numbers;
});
beforeEach(async () => {
  Object.assign(bench.hub, { xet: false, fault: undefined });
  bench.hub.log.length = 0;
  await bench.context.setOffline(false);
  await page.forgetAll();
});

const load = (options = {}, on = page) => on.load({ source, options: { hubUrl: bench.hub.url, ...options } });
const list = (on = page) => on.page.evaluate(() => window.page.dcae.checkpointCache.list());

describe('the cache', () => {
  test('serves a second visit without the network, and a visit online with two small questions', async () => {
    const first = await load();
    expect(first.error).toBeUndefined();
    expect(first.numbers).toEqual(expected);
    expect(first.events.at(-1)).toMatchObject({ phase: 'ready', fromCache: 0 });
    const { total } = first.events[0]!;
    bench.hub.log.length = 0;

    const tab = await page.tab();
    const second = await load({}, tab);
    expect(second.numbers).toEqual(expected);
    expect(second.events.at(-1)).toMatchObject({ phase: 'ready', loaded: total, total, fromCache: total });
    expect(bench.hub.log.map(({ path }) => path.replace(/^.*(resolve\/main|cdn\/.*diffusers)\//, '')).sort()).toEqual([
      'config.json',
      weights,
      weights,
    ]);
    expect(bench.hub.sent()).toBeLessThan(10);
    bench.hub.log.length = 0;

    await bench.context.setOffline(true);
    const third = await load({}, tab);
    expect(third.error).toBeUndefined();
    expect(third.numbers).toEqual(expected);
    expect(bench.hub.log).toEqual([]);
    await tab.close();
  });

  test('asks nobody about a commit, and nobody who is out of reach', async () => {
    const revision = '0123456789abcdef0123456789abcdef01234567';
    await load({ revision });
    bench.hub.log.length = 0;
    expect((await load({ revision })).numbers).toEqual(expected);
    expect(bench.hub.log).toEqual([]);
    expect((await load()).numbers).toEqual(expected); // the same bytes under another name: nothing is fetched twice
    expect(bench.hub.sent()).toBeLessThan(10);
    bench.hub.fault = () => ({ status: 503 });
    expect((await load()).numbers).toEqual(expected);
    bench.hub.fault = () => ({ dropAfter: 0 });
    expect((await load()).numbers).toEqual(expected);
  });

  test('grows by one network at a time', async () => {
    const encoder = await page.load({ source, dry: true, options: { hubUrl: bench.hub.url, networks: 'encoder' } });
    expect(encoder.error).toBeUndefined();
    const needed = encoder.events[0]!.total;
    const before = bench.hub.sent();
    expect(before / needed).toBeLessThan(1.1); // the header weighs something in so small a file
    const both = await load();
    expect(both.numbers).toEqual(expected);
    const { fromCache } = both.events.at(-1)!;
    expect(fromCache).toBeGreaterThanOrEqual(needed);
    expect(fromCache).toBeLessThan(needed + 131_072); // some of the decoder's weights follow the header directly
    const { total } = both.events[0]!;
    expect((bench.hub.sent() - before) / (total - needed)).toBeLessThan(1.01);
    const files = await list();
    expect(files.map(({ address }) => address.replace(/^.*@/, '')).sort()).toEqual([
      'main/config.json',
      `main/${weights}`,
    ]);
    expect(files.every(({ stored, size }) => stored === size)).toBe(true);
  });

  test('takes the new version when there is one, and drops the old', async () => {
    await load();
    bench.hub.put(source, 'config.json', JSON.stringify({ _class_name: 'AutoencoderDC', latent_channels: 4 }));
    const changed = await load();
    expect(changed.error?.name).toBe('CheckpointError'); // weights of another config
    await putNetwork(bench.hub, 'someone', network, 8); // new versions of all files
    const again = await load();
    expect(again.numbers).toEqual(expected);
    expect(again.events.at(-1)!.fromCache).toBe(0);
    const files = await list();
    expect(files).toHaveLength(2);
    await bench.context.setOffline(true);
    expect((await load()).numbers).toEqual(expected);
  });

  test('remembers which files do not exist', async () => {
    const original = { source: `someone/${network}`, options: { hubUrl: bench.hub.url } };
    const wide = await page.load({ ...original, dry: true });
    // The config is that of the full width, by the repository's model_name.
    expect(wide.error?.message).toContain("doesn't match the config");
    await bench.context.setOffline(true);
    expect((await page.load({ ...original, dry: true })).error?.message).toContain("doesn't match the config");
  });

  test('is shared by tabs that load at once: each byte is fetched once', async () => {
    const tab = await page.tab();
    bench.hub.fault = ({ path }) => (path.startsWith('/cdn') ? { rate: 40e6 } : undefined);
    const [a, b] = await Promise.all([load(), load({}, tab)]);
    expect([a.error, b.error]).toEqual([undefined, undefined]);
    expect([a.numbers, b.numbers]).toEqual([expected, expected]);
    expect(bench.hub.sent() / a.events[0]!.total).toBeLessThan(1.05);
    await tab.close();
  });

  test('can be listed, cleared and done without', async () => {
    await load({ cache: false });
    expect(await list()).toEqual([]);
    await load();
    const files = await list();
    expect(files).toHaveLength(2);
    const freed = await page.page.evaluate(() => window.page.dcae.checkpointCache.clear());
    expect(freed).toBe(files.reduce((sum, { stored }) => sum + stored, 0));
    expect(await list()).toEqual([]);
    bench.hub.log.length = 0;
    expect((await load()).numbers).toEqual(expected);
    expect(bench.hub.sent()).toBeGreaterThan(1e7);
  });

  test('does without its worker where a page allows none', async () => {
    const tab = await page.tab();
    await tab.page.evaluate(() => {
      window.Worker = function () {
        throw new DOMException('not allowed', 'SecurityError');
      } as unknown as typeof Worker;
    });
    await load({}, tab);
    const second = await load({}, tab);
    expect(second.numbers).toEqual(expected);
    const { total } = second.events[0]!;
    expect(second.events.at(-1)).toMatchObject({ total, fromCache: total });
    await tab.close();
  });

  test.each([
    [
      'fails',
      "throw new Error('out of order')",
      'The worker that reads and writes cached files failed: Uncaught Error: out of order',
    ],
    ['falls silent', '', 'the file system took more than 10000 ms'],
  ])('is done without where its worker %s while it writes', async (_, fault, why) => {
    const tab = await page.tab();
    await tab.page.evaluate((code) => {
      const OwnWorker = window.Worker;
      window.Worker = function () {
        const body = `onmessage = ({ data: { channel, id, method } }) => {
          if (method === 'ready') postMessage({ channel, type: 'result', id });
          if (method === 'write') { ${code} }
        };`;
        const worker = new OwnWorker(URL.createObjectURL(new Blob([body])));
        worker.addEventListener('message', () => Object.assign(window, { isWorkerReady: true }), { once: true });
        return worker;
      } as unknown as typeof Worker;
    }, fault);
    const after = tab.page.waitForFunction(() => 'isWorkerReady' in window);
    bench.hub.fault = ({ path }) => (path.startsWith('/cdn') ? { after } : undefined);
    const outcome = await load({}, tab);
    expect([outcome.error, outcome.numbers]).toEqual([undefined, expected]);
    expect(outcome.warnings).toEqual([expect.stringContaining(`could not be stored for the next visit: ${why}`)]);
    await tab.close();
    expect((await load()).numbers).toEqual(expected);
  });

  test('reads a chunk that somebody else has open, and fetches one anew that a crash left short', async () => {
    const { total } = (await load()).events[0]!;
    const held = await page.page.evaluate(async () => {
      const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('dc-ae-webgpu');
      const large: FileSystemFileHandle[] = [];
      for await (const folder of (await root.getDirectoryHandle('files')).values()) {
        if (folder.kind !== 'directory') continue;
        for await (const file of folder.values())
          if (file.name.startsWith('8388608-')) large.push(file as FileSystemFileHandle);
      }
      const hold = 'onmessage = async ({ data }) => postMessage(!!(self.handle = await data.createSyncAccessHandle()))';
      const worker = new Worker(URL.createObjectURL(new Blob([hold])));
      worker.postMessage(large[0]);
      const isHeld = await new Promise((resolve) => worker.addEventListener('message', ({ data }) => resolve(data)));
      Object.assign(window, { holder: worker, chunk: large[0] });
      return isHeld;
    });
    expect(held).toBe(true);
    const beside = await load();
    expect([beside.numbers, beside.warnings]).toEqual([expected, []]);
    expect(beside.events.at(-1)!.fromCache).toBe(total);
    await page.page.evaluate(async () => {
      const { holder, chunk } = window as unknown as { holder: Worker; chunk: FileSystemFileHandle };
      holder.terminate();
      for (;;) {
        try {
          const writable = await chunk.createWritable({ keepExistingData: true });
          await writable.truncate(1e6);
          return await writable.close();
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 20)); // the worker is still letting go
        }
      }
    });
    const mended = await load();
    expect(mended.numbers).toEqual(expected);
    expect(mended.events.at(-1)!.fromCache).toBe(total - 8388608);
    expect((await load()).events.at(-1)!.fromCache).toBe(total);
  });

  test.each<[string, boolean]>([
    ['before the weights are read', false],
    ['between two reads of the weights', true],
  ])('does without what the browser evicts %s', async (_, isPartial) => {
    const networks = isPartial ? 'encoder' : 'both';
    await page.load({ source, dry: true, options: { hubUrl: bench.hub.url, networks } });
    // The request waits until the storage is gone: a question for the version, or the bytes that are not stored.
    const evict = () =>
      page.page.evaluate(async () => {
        const empty = async (folder: FileSystemDirectoryHandle): Promise<void> => {
          for await (const entry of folder.values()) {
            if (entry.kind === 'directory') await empty(entry);
            await folder.removeEntry(entry.name).catch(() => undefined); // pages cannot remove a file that is open
          }
        };
        await empty(await navigator.storage.getDirectory());
      });
    let after: Promise<void> | undefined;
    bench.hub.fault = ({ path, range }) => {
      const isMeant = path.endsWith('.safetensors') && (!isPartial || range !== 'bytes=0-0');
      return isMeant ? { after: (after ??= evict()) } : undefined;
    };
    const outcome = await load();
    expect(after).toBeDefined();
    expect([outcome.error, outcome.numbers]).toEqual([undefined, expected]);
    const { total, fromCache } = outcome.events.at(-1)!;
    expect(fromCache).toBeLessThan(total / 2);
    bench.hub.fault = undefined;
    expect((await load()).numbers).toEqual(expected);
    await bench.context.setOffline(true);
    expect((await load()).numbers).toEqual(expected);
  });

  test('loads while the clock jumps, and counts what was stored when the clock was ahead as the oldest', async () => {
    const tab = await page.tab();
    const setClock = (clock: 'jumping' | 'ahead' | 'right') =>
      tab.page.evaluate((how) => {
        const right = performance.timeOrigin;
        let calls = 0;
        const year = 3.2e10;
        const off = { jumping: () => (++calls % 2 ? -80 : 80), ahead: () => 1, right: () => 0 }[how];
        Date.now = () => Math.round(right + performance.now() + off() * year);
      }, clock);
    const use = (owner: string) =>
      tab.load({ source: `${owner}/${network}-diffusers`, options: { hubUrl: bench.hub.url } });
    await setClock('jumping');
    for (const outcome of [await use('someone'), await use('someone')]) {
      expect([outcome.error, outcome.numbers, outcome.warnings]).toEqual([undefined, expected, []]);
      expect(outcome.events.every(({ rate }) => rate >= 0 && Number.isFinite(rate))).toBe(true);
    }
    await setClock('ahead');
    const { events } = await use('someone');
    expect(events.at(-1)!.fromCache).toBe(events[0]!.total);
    await setClock('right');
    await use('else');
    const listed = (await list()).filter(({ address }) => address.includes(weights)).map(({ address }) => address);
    expect(listed).toEqual([expect.stringContaining('/someone/'), expect.stringContaining('/else/')]);
    await tab.close();
  });

  test('evicts the least recently used when storage runs short', async () => {
    await load();
    await page.grant(25e6);
    const other = await page.load({ source: `else/${network}-diffusers`, options: { hubUrl: bench.hub.url } });
    expect(other.numbers).toEqual(expected);
    expect(other.warnings).toEqual([]);
    const files = await list();
    expect(files.filter(({ address }) => address.includes(weights)).map(({ address }) => address)).toEqual([
      expect.stringContaining('/else/'),
    ]);
  });
});
