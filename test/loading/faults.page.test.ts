// Each fault of a network or a server, in a real browser: mended by another try, or a typed error with a remedy.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Fault, HubRequest } from '../support/hub.ts';
import { loadingBench, openTab, startMortal, type LoadingPage } from '../support/loading.ts';
import { randomFrom } from '../support/memory_source.ts';
import { putNetwork } from '../support/networks_on_hub.ts';
import type { LoadRequest, Outcome } from './page/page.ts';

// SANA's network at an eighth of its width, 21 MB: three windows of streaming.
const network = 'dc-ae-f32c32-sana-1.1';
const source = `someone/${network}-diffusers`;
const bench = loadingBench();
let page: LoadingPage;
let expected: readonly number[] | undefined;
/** The outcome of each fault, for the table at the end. */
const table: string[] = [];

beforeAll(async () => {
  await putNetwork(bench.hub, 'someone', network, 8);
  page = await bench.open();
  const clean = await load({ cache: false });
  expect(clean.error).toBeUndefined();
  expected = clean.numbers;
});
afterAll(() => {
  console.log(['fault | what it gave', '--- | ---', ...table].join('\n'));
});
beforeEach(async () => {
  Object.assign(bench.hub, { xet: false, fault: undefined });
  await bench.context.setOffline(false);
  await page.forgetAll();
});

function load(options: LoadRequest['options'] = {}, request: Partial<LoadRequest> = {}): Promise<Outcome> {
  return page.load({ source, ...request, options: { hubUrl: bench.hub.url, ...options } });
}

/**
 * The time limit for a silent server: short where silence is the fault, the default elsewhere. It is longer where
 * another try must succeed, since a busy server must not seem silent.
 */
const waits = ({ stallAfter }: Fault): Partial<LoadRequest> =>
  stallAfter === undefined ? {} : { stallTimeoutMs: stallAfter === 0 ? 500 : 2500 };

/** Answers the first `times` requests for weights beyond their header with a fault. */
function strike(fault: Fault, times = Infinity, matches = (_: HubRequest): boolean => true): () => number {
  let left = times;
  let struck = 0;
  bench.hub.fault = (request) => {
    const isWeights = /\.safetensors$/.test(request.path) && Number(/\d+/.exec(request.range ?? '0')?.[0]) >= 131_072;
    if (!(isWeights && matches(request)) || left-- <= 0) return undefined;
    struck++;
    return fault;
  };
  return () => struck;
}

/** The right numbers now; and the cache works: a visit without the network gives them again. */
async function expectRight(name: string, outcome: Outcome, visit = () => load()): Promise<void> {
  expect(outcome.error).toBeUndefined();
  expect(outcome.numbers).toEqual(expected);
  expectTrueProgress(outcome);
  table.push(`${name} | the right numbers`);
  bench.hub.fault = undefined;
  await bench.context.setOffline(true);
  const again = await visit();
  expect(again.error).toBeUndefined();
  expect(again.numbers).toEqual(expected);
}

/** A typed error now; and what is left behind does no harm: the next visit gives the right numbers. */
async function expectError(name: string, { error }: Outcome, type: string, message: RegExp): Promise<void> {
  expect(error?.message).toMatch(message);
  expect(error?.name).toBe(type);
  table.push(`${name} | ${type}: ${error?.message.replaceAll(bench.hub.url, 'https://hub').split('\n')[0] ?? ''}`);
  bench.hub.fault = undefined;
  await bench.context.setOffline(false);
  const again = await load();
  expect(again.error).toBeUndefined();
  expect(again.numbers).toEqual(expected);
}

function expectTrueProgress({ events }: Outcome): void {
  const { total } = events[0]!;
  expect(events[0]).toMatchObject({ phase: 'resolve', loaded: 0 });
  expect(events.at(-1)).toMatchObject({ phase: 'ready', loaded: total });
  const order = ['resolve', 'download', 'upload', 'compile', 'ready'];
  events.slice(1).forEach((event, i) => {
    const before = events[i]!;
    expect(event.total).toBe(total);
    expect(event.loaded).toBeGreaterThanOrEqual(before.loaded);
    expect(event.fromCache).toBeGreaterThanOrEqual(before.fromCache);
    expect(event.fromCache).toBeLessThanOrEqual(event.loaded);
    expect(order.indexOf(event.phase)).toBeGreaterThanOrEqual(order.indexOf(before.phase));
  });
}

describe.each([
  ['plain', false],
  ['Xet', true],
] as const)('what another try mends, %s', (storage, xet) => {
  beforeEach(() => {
    bench.hub.xet = xet;
  });

  test.each<[string, Fault, number]>([
    ['a connection that drops after 1 MB, five times', { dropAfter: 1e6 }, 5],
    ['a connection that drops before the first byte, twice', { dropAfter: 0 }, 2],
    ['a connection that stalls', { stallAfter: 1e6 }, 2],
    ['status 500, twice', { status: 500 }, 2],
    ['status 429 with Retry-After', { status: 429, headers: { 'retry-after': '1' } }, 1],
    ['bodies that end too early, three times', { truncateAfter: 1e6 }, 3],
    ['200 instead of 206', { ignoreRange: true }, Infinity],
  ])('%s', async (name, fault, times) => {
    if (xet && fault.ignoreRange === true) return; // signed addresses answer ranges or nothing
    const struck = strike(fault, times);
    await expectRight(`${name} (${storage})`, await load({}, waits(fault)));
    expect(struck()).toBeGreaterThan(0);
  });
});

test('a server without ranges', async () => {
  bench.hub.fault = () => ({ ignoreRange: true });
  const folder = `${bench.hub.url.replace('127.0.0.1', 'localhost')}/${source}/resolve/main/`;
  const visit = () => page.load({ source: folder, options: {} });
  await expectRight('200 instead of 206, always', await visit(), visit);
});

describe('what nothing mends', () => {
  test.each<[string, Fault, RegExp]>([
    ['status 500, always', { status: 500 }, /answered 500\. The server is busy or broken/],
    ['connections that always drop', { dropAfter: 0 }, /could not be fetched \(Failed to fetch\)/],
    ['silence', { stallAfter: 0 }, /nothing has arrived for 0\.5 s/],
    [
      'status 403',
      { status: 403 },
      /answered 403\. Either the file does not exist there, or reading it needs permission/,
    ],
    [
      'a wrong Content-Range',
      { shiftRange: 64 },
      /got Content-Range ".*The server or a proxy before it handles ranges wrongly/,
    ],
    ['no permission by CORS', { hideFromPages: true }, /could not be fetched .*CORS: Access-Control-Allow-Origin/],
  ])('%s', async (name, fault, message) => {
    strike(fault);
    await expectError(name, await load({}, waits(fault)), 'SourceError', message);
  });

  test('an ETag that changes between two requests', async () => {
    let answers = 0;
    strike({ etag: '"other"' }, 1, () => ++answers === 3);
    await expectError('an ETag that changes', await load(), 'SourceError', /has another ETag than a moment ago/);
  });

  test('no network, and nothing in the cache', async () => {
    await load({ cache: false }); // so that the page has all of its own parts
    await page.forgetAll();
    await bench.context.setOffline(true);
    await expectError(
      'offline on the first visit',
      await load(),
      'SourceError',
      /could not be fetched .*Check the connection/,
    );
  });

  test('a flipped bit in the header', async () => {
    bench.hub.fault = ({ path }) => (path.endsWith('.safetensors') ? { flipBit: 8 } : undefined);
    const outcome = await load({ cache: false });
    await expectError(
      'a flipped bit in the header',
      outcome,
      'CheckpointError',
      /is not a safetensors file, or is damaged/,
    );
  });

  test.each([
    ['plain', false],
    ['Xet', true],
  ])('a flipped bit among the weights, where they are verified, %s', async (storage, xet) => {
    bench.hub.xet = xet;
    strike({ flipBit: 17_000_000 });
    const name = `a flipped bit among the weights, with verify (${storage})`;
    await expectError(name, await load({ verify: true }), 'CheckpointError', /was damaged on its way: its SHA-256 is/);
    await bench.context.setOffline(true);
    expect((await load({ verify: true })).error?.name).toBe('SourceError'); // the listing can't be had
  });
});

test('weights that are verified, and right', async () => {
  await expectRight('nothing wrong, with verify', await load({ verify: true }));
});

test('a browser that is killed while it writes the cache', async () => {
  const profile = await mkdtemp(join(tmpdir(), 'dc-ae-killed-'));
  // Chromium writes down within half a minute, or at its end, that an origin has storage: whatever is stored before
  // that is lost with it.
  const first = await startMortal(profile);
  const visit = await openTab(first.context);
  await visit.page.evaluate(() => window.page.dcae.checkpointCache.list());
  await first.close();
  // The last bytes never come while browsers are killed: none of them can finish its download before.
  bench.hub.fault = ({ path }) => (path.endsWith('.safetensors') ? { rate: 10e6, holdFrom: 20e6 } : undefined);
  let flushed = 0;
  for (const enough of [1, 4e6, 8e6]) {
    const browser = await startMortal(profile);
    const victim = await openTab(browser.context);
    victim.load({ source, options: { hubUrl: bench.hub.url } }).catch(() => undefined);
    do flushed = await victim.page.evaluate(() => window.page.flushed());
    while (flushed < enough);
    await browser.kill();
  }
  bench.hub.fault = undefined;
  const sent = bench.hub.sent();
  const browser = await startMortal(profile);
  const survivor = await openTab(browser.context);
  const outcome = await survivor.load({ source, options: { hubUrl: bench.hub.url } });
  expect(outcome.error).toBeUndefined();
  expect(outcome.numbers).toEqual(expected);
  const { total, fromCache } = outcome.events.at(-1)!;
  expect(fromCache).toBeGreaterThan(flushed - 262_144); // the header and the config are no weights
  expect(fromCache).toBeLessThan(total);
  expect(bench.hub.sent() - sent).toBeLessThan(total - fromCache + 262_144);
  await browser.context.setOffline(true);
  expect((await survivor.load({ source, options: { hubUrl: bench.hub.url } })).numbers).toEqual(expected);
  await browser.kill();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  const share = Math.round((100 * fromCache) / total);
  table.push(
    `a browser killed while it writes the cache, three times | the right numbers, ${share} % of the bytes from what was kept`,
  );
});

test('storage that runs out', async () => {
  await page.grant(4e6);
  const outcome = await load();
  expect(outcome.error).toBeUndefined();
  expect(outcome.numbers).toEqual(expected);
  expect(outcome.warnings).toEqual([expect.stringContaining('could not be stored for the next visit')]);
  await page.grant();
  await expectRight('storage that runs out (a warning, once), then enough of it', await load());
});

test('an abort at twenty random moments', async () => {
  bench.hub.fault = ({ path }) => (path.endsWith('.safetensors') ? { rate: 60e6 } : undefined);
  const whole = await load({ cache: false });
  const { total } = whole.events[0]!;
  const random = randomFrom(20_26);
  const share = (): number => random(1000) / 1000;
  const aborts: number[] = [];
  // Ten by the clock, which hits what comes before the first byte too, and ten by bytes, which no load is too quick
  // for.
  for (let i = 0; i < 20; i++) {
    const when = i % 4 < 2 ? { abortAfter: 0.6 * share() * whole.ms } : { abortAt: share() * total };
    const outcome = await load({ cache: i % 2 === 0 }, when);
    if (outcome.error === undefined && i % 4 < 2) continue; // it was quicker this time
    expect(outcome.error).toMatchObject({ name: 'AbortError', message: 'enough' });
    aborts.push(outcome.abortedIn!);
  }
  expect(aborts.length).toBeGreaterThanOrEqual(10);
  // An idle machine takes 5 ms. The limit tells an abort from a load that runs to its end, on a busy machine too.
  expect(Math.max(...aborts)).toBeLessThan(5000);
  const slowest = Math.max(...aborts).toFixed(0);
  await expectRight(
    `an abort at twenty random moments (AbortError within ${slowest} ms), then another load`,
    await load(),
  );
});
