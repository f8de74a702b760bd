// What the loading tests share: a browser with the test page, a hub, and the released networks at any width.
import { afterAll, beforeAll, expect, inject } from 'vitest';
import type { Browser, BrowserContext, Page } from 'playwright';
import type { LoadRequest, Outcome } from '../loading/page/page.ts';
import { launchBrowser } from './demo.ts';
import { readJson } from './fixtures.ts';
import { hashFile, narrowConfig, releasedTensors } from './hash-file.ts';
import { startHub, type Hub } from './hub.ts';

/** The released networks, and the one whose keys and shapes each has. */
export const networks: ReadonlyMap<string, string> = new Map([
  ['dc-ae-f32c32-sana-1.1', 'dc-ae-f32c32-sana-1.0'],
  ['dc-ae-f32c32-sana-1.0', 'dc-ae-f32c32-sana-1.0'],
  ['dc-ae-lite-f32c32-sana-1.1', 'dc-ae-lite-f32c32-sana-1.1'],
  ['dc-ae-f32c32-mix-1.0', 'dc-ae-f32c32-mix-1.0'],
  ['dc-ae-f32c32-in-1.0', 'dc-ae-f32c32-mix-1.0'],
  ['dc-ae-f64c128-mix-1.0', 'dc-ae-f64c128-mix-1.0'],
  ['dc-ae-f64c128-in-1.0', 'dc-ae-f64c128-mix-1.0'],
  ['dc-ae-f128c512-mix-1.0', 'dc-ae-f128c512-mix-1.0'],
  ['dc-ae-f128c512-in-1.0', 'dc-ae-f128c512-mix-1.0'],
]);

/** The config.json of a released network, with all widths divided. */
export async function networkConfig(network: string, divisor: number): Promise<Record<string, unknown>> {
  return narrowConfig(await readJson<Record<string, unknown>>(`test/fixtures/configs/${network}.json`), divisor);
}

/** Puts a network on a hub, in both formats, its weights made by hash: `owner/<network>-diffusers` and `owner/<network>`. */
export async function putNetwork(hub: Hub, owner: string, network: string, divisor: number): Promise<void> {
  const keys = networks.get(network) ?? network;
  const diffusers = `${owner}/${network}-diffusers`;
  hub.put(diffusers, 'config.json', JSON.stringify(await networkConfig(network, divisor)));
  hub.put(
    diffusers,
    'diffusion_pytorch_model.safetensors',
    hashFile(await releasedTensors(keys, 'diffusers', divisor)),
  );
  hub.put(`${owner}/${network}`, 'config.json', JSON.stringify({ model_name: network }));
  hub.put(`${owner}/${network}`, 'model.safetensors', hashFile(await releasedTensors(keys, 'original', divisor)));
}

/** A hub and a browser for a test file. */
export interface LoadingBench {
  readonly hub: Hub;
  /** A page of a context of its own, with nothing in its cache. */
  open(): Promise<LoadingPage>;
}

/** A page that loads models. */
export interface LoadingPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Loads a model, runs it and frees it; nothing may be left on the GPU, however it ends. */
  load(request: LoadRequest): Promise<Outcome>;
  /** Another tab of the same browser profile, with the same cache. */
  tab(): Promise<LoadingPage>;
  close(): Promise<void>;
}

/** Starts both before the tests of a file, and ends them after. */
export function loadingBench(): LoadingBench {
  let hub: Hub | undefined;
  let browser: Browser | undefined;
  beforeAll(async () => {
    hub = await startHub();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await hub?.close();
  });
  return {
    get hub() {
      if (!hub) throw new Error('the hub is there only while tests run');
      return hub;
    },
    async open() {
      if (!browser) throw new Error('the browser is there only while tests run');
      return await openTab(await browser.newContext());
    },
  };
}

/** Opens the test page in a context. */
export async function openTab(context: BrowserContext): Promise<LoadingPage> {
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(inject('pageUrl'));
  await page.waitForFunction(() => 'page' in window);
  return {
    page,
    context,
    async load(request) {
      const outcome = await page.evaluate((given) => window.page.load(given), request);
      expect(outcome.leaked).toEqual([]);
      expect(outcome.uncaptured).toEqual([]);
      expect(problems).toEqual([]);
      return outcome;
    },
    tab: () => openTab(context),
    close: () => context.close(),
  };
}
