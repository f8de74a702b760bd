// Helpers for the loading tests: a browser with the test page, and a hub.
import { afterAll, beforeAll, expect, inject } from 'vitest';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright';
import type { LoadRequest, Outcome } from '../loading/page/page.ts';
import { fastestAdapter, launchOptions } from '../../scripts/chromium.mjs';
import { readFixture, readJson } from './fixtures.ts';
import { startHub, type Hub } from './hub.ts';

/** Checks that a run gave diffusers' latent for an image of 64 × 64: test/fixtures/hash-models. */
export async function expectFixture({ numbers = [] }: Outcome, fixture: string): Promise<void> {
  const folder = `test/fixtures/hash-models/${fixture}`;
  const { data } = (await readFixture(`${folder}/io-64x64.safetensors`)).get('latent');
  const { tolerance } = await readJson<{ tolerance: { f32_rel_max: number } }>(`${folder}/fixture.json`);
  const [length, ...found] = numbers.slice(0, 9);
  expect(length).toBe(data.length);
  const largest = data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  [...data.slice(0, 4), ...data.slice(-4)].forEach((value, i) => {
    expect(Math.abs(found[i]! - value) / largest).toBeLessThan(tolerance.f32_rel_max);
  });
}

/** A hub and a browser for a test file. */
export interface LoadingBench {
  readonly hub: Hub;
  /** Opens a page with an empty cache. */
  open(): Promise<LoadingPage>;
  /** The browser's profile, on the disk as a user's is. */
  readonly context: BrowserContext;
}

/** A page that loads models. */
export interface LoadingPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Loads a model, runs it and frees it. Checks that nothing is left on the GPU, even after a failure. */
  load(request: LoadRequest): Promise<Outcome>;
  /** Opens another tab of the same browser profile, with the same cache. */
  tab(): Promise<LoadingPage>;
  /** Empties the cache and removes the limit on its storage. */
  forgetAll(): Promise<void>;
  /** Limits the page's storage to `bytes`; no limit if absent. */
  grant(bytes?: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts a hub and a browser before the tests of a file, and ends them after. */
export function loadingBench(): LoadingBench {
  let hub: Hub | undefined;
  let context: BrowserContext | undefined;
  let profile = '';
  const made = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the hub and the browser are there only while tests run');
    return value;
  };
  beforeAll(async () => {
    hub = await startHub();
    profile = await mkdtemp(join(tmpdir(), 'dc-ae-profile-'));
    context = await chromium.launchPersistentContext(profile, launchOptions(fastestAdapter()));
  });
  afterAll(async () => {
    await context?.close();
    await hub?.close();
    await rm(profile, { recursive: true, force: true });
  });
  return {
    get hub() {
      return made(hub);
    },
    get context() {
      return made(context);
    },
    async open() {
      const tab = await openTab(made(context));
      await tab.forgetAll();
      return tab;
    },
  };
}

/** A browser that a test can kill, as a power cut would, and start again with the same profile. */
export interface MortalBrowser {
  readonly context: BrowserContext;
  kill(): Promise<void>;
  /** Ends the browser as its user would. */
  close(): Promise<void>;
}

/** Starts a browser with this profile. */
export async function startMortal(profile: string): Promise<MortalBrowser> {
  const { executablePath = chromium.executablePath(), args, env } = launchOptions(fastestAdapter());
  const own = ['--headless=new', '--remote-debugging-port=0', `--user-data-dir=${profile}`, '--hide-scrollbars'];
  const child = spawn(executablePath, [...args, ...own, 'about:blank'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const address = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stderr.on('data', (data: Buffer) => {
      text += data.toString();
      const [, found] = /DevTools listening on (ws:\S+)/.exec(text) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', () => reject(new Error(`the browser did not start: ${text.slice(0, 500)}`)));
  });
  const browser = await chromium.connectOverCDP(address);
  const [context] = browser.contexts();
  if (!context) throw new Error('the browser has no context');
  const gone = new Promise((resolve) => child.once('exit', resolve));
  return {
    context,
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
    async close() {
      await (await browser.newBrowserCDPSession()).send('Browser.close');
      await gone;
    },
  };
}

/** Opens the test page in a context. */
export async function openTab(context: BrowserContext): Promise<LoadingPage> {
  context.setDefaultTimeout(120_000); // a guard only: on a busy machine all takes longer
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(inject('pageUrl'));
  await page.waitForFunction(() => 'page' in window);
  const { origin } = new URL(page.url());
  const devtools = await context.newCDPSession(page);
  const tab: LoadingPage = {
    page,
    context,
    async load(request) {
      const outcome = await page.evaluate((given) => window.page.load(given), request);
      if (process.env['DCAE_TRACE']) console.log(request, outcome.ms, outcome.events.length);
      expect(outcome.leaked).toEqual([]);
      expect(outcome.uncaptured).toEqual([]);
      expect(problems).toEqual([]);
      return outcome;
    },
    tab: () => openTab(context),
    async forgetAll() {
      await tab.grant();
      // DevTools' own means would give open tabs and later tabs different storage.
      await page.evaluate(() => window.page.dcae.checkpointCache.clear());
    },
    async grant(quotaSize) {
      await devtools.send('Storage.overrideQuotaForOrigin', { origin, ...(quotaSize !== undefined && { quotaSize }) });
    },
    close: () => page.close(),
  };
  return tab;
}
