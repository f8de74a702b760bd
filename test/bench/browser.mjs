import { chromium } from 'playwright';
import { createServer } from 'vite';
import { hasLavapipe, launchOptions, usesOwnGpu } from '../../scripts/chromium.mjs';
import { ensureChromium, ensureLavapipe, root } from '../../scripts/setup.mjs';
import { cpuSeconds } from './cpu.mjs';

/** @typedef {'default' | 'swiftshader' | 'lavapipe'} Adapter */

/**
 * A server of the repository's sources. Pages are cross-origin isolated: clocks are finer, and WASM may have threads.
 *
 * @param {import('vite').Plugin[]} [plugins]
 */
export function benchServer(plugins = []) {
  const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
  const optimizeDeps = { noDiscovery: true, include: [] }; // nothing here comes from a package
  return createServer({
    root,
    mode: 'bench',
    logLevel: 'error',
    plugins,
    optimizeDeps,
    server: { port: 0, hmr: false, headers },
  });
}

/**
 * The adapters to measure: those named, or the machine's own GPU (DCAE_ADAPTER=default), or SwiftShader and lavapipe.
 *
 * @param {string} named - names with commas between them; empty for all
 */
export async function benchAdapters(named) {
  await ensureChromium();
  if (!usesOwnGpu) await ensureLavapipe();
  const all = usesOwnGpu ? ['default'] : hasLavapipe() ? ['swiftshader', 'lavapipe'] : ['swiftshader'];
  return /** @type {Adapter[]} */ (named ? named.split(',') : all);
}

/**
 * An adapter's name. lavapipe calls itself SwiftShader in Chromium, since it stands in its place.
 *
 * @param {Adapter} adapter
 * @param {string} found - what the page was told
 */
export function adapterLabel(adapter, found) {
  return adapter === 'default' ? found : adapter;
}

/**
 * Opens a page in a browser of its own, which has compiled nothing, and closes it when `work` is done.
 *
 * @template T
 * @param {Adapter} adapter
 * @param {string} url
 * @param {(page: import('playwright').Page) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withPage(adapter, url, work) {
  const options = launchOptions(adapter);
  // Mesa would keep compiled shaders on the disk from one run to the next, Chromium from one device to the next.
  const env = { ...options.env, MESA_SHADER_CACHE_DISABLE: 'true' };
  const args = [...options.args, '--disable-gpu-shader-disk-cache', '--disable-gpu-program-cache'];
  const browser = await chromium.launchServer({ ...options, args, env });
  try {
    const page = await (await chromium.connect(browser.wsEndpoint())).newPage();
    const pid = browser.process().pid ?? 0;
    await page.exposeFunction('cpuSeconds', () => cpuSeconds(pid));
    page.on('pageerror', (error) => console.error(error));
    page.on('console', (message) => {
      if (message.type() === 'info') console.log(message.text());
    });
    await page.goto(url);
    await page.waitForFunction('globalThis.benchReady', undefined, { timeout: 120_000 });
    return await work(page);
  } finally {
    await browser.close();
  }
}
