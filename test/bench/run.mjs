// `npm run bench`: times the works of works.ts in Chromium, on each adapter that the tests use, and writes test-output/bench-*.json.
//
//     npm run bench                          SwiftShader and lavapipe (DCAE_ADAPTER=default: the machine's own GPU)
//     npm run bench -- --node                Dawn in Node on the Vulkan driver that VK_ICD_FILENAMES names
//     npm run bench -- --only 'conv|decoder' --dtype f32,f16 --reps 9
//
// Reads the peak of the adapter around each row, so that other load on the machine cancels out of the percentages.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { createServer } from 'vite';
import { hasLavapipe, launchOptions, usesOwnGpu } from '../support/chromium.mjs';
import { ensureChromium, ensureLavapipe, root } from '../support/setup.mjs';

const { values } = parseArgs({
  options: {
    node: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    dtype: { type: 'string', default: 'f32' },
    reps: { type: 'string', default: '7' },
  },
});
/** @type {import('./bench.ts').Options} */
const options = {
  only: values.only,
  dtypes: values.dtype.split(',').map((dtype) => (dtype === 'f16' ? 'f16' : 'f32')),
  reps: Number(values.reps),
};

/** CPU seconds of a process and all below it. @param {number} pid */
function cpuSeconds(pid) {
  /** @type {Map<number, number[]>} */
  const children = new Map();
  /** @type {Map<number, number>} */
  const ticks = new Map();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      const parent = Number(fields[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
      ticks.set(Number(name), Number(fields[11]) + Number(fields[12]));
    } catch {
      // the process has ended
    }
  }
  /** @param {number} id @returns {number} */
  const sum = (id) => (ticks.get(id) ?? 0) + (children.get(id) ?? []).reduce((total, child) => total + sum(child), 0);
  return sum(pid) / 100;
}

/** @param {string} name @param {import('./bench.ts').Report} report */
function keep(name, report) {
  mkdirSync(join(root, 'test-output'), { recursive: true });
  writeFileSync(join(root, 'test-output', `bench-${name}.json`), JSON.stringify(report, null, 1));
  console.log(`\n${name}: ${report.adapter}\n${report.table}`);
}

const server = await createServer({ root, mode: 'bench', logLevel: 'error', server: { port: 0, hmr: false } });
try {
  if (values.node) {
    const { benchNode } = await server.ssrLoadModule('/test/bench/node.ts');
    keep('node', await benchNode(options));
  } else {
    await ensureChromium();
    if (!usesOwnGpu) await ensureLavapipe();
    await server.listen();
    const url = `${server.resolvedUrls?.local[0]}test/bench/index.html`;
    const adapters = usesOwnGpu ? ['default'] : hasLavapipe() ? ['swiftshader', 'lavapipe'] : ['swiftshader'];
    for (const adapter of /** @type {('default' | 'swiftshader' | 'lavapipe')[]} */ (adapters)) {
      const browser = await chromium.launchServer(launchOptions(adapter));
      try {
        const page = await (await chromium.connect(browser.wsEndpoint())).newPage();
        const pid = browser.process().pid ?? 0;
        await page.exposeFunction('cpuSeconds', () => (process.platform === 'linux' ? cpuSeconds(pid) : NaN));
        page.on('pageerror', (error) => console.error(error));
        await page.goto(url);
        await page.waitForFunction('globalThis.benchPage');
        keep(adapter, await page.evaluate((given) => /** @type {any} */ (globalThis).benchPage(given), options));
      } finally {
        await browser.close();
      }
    }
  }
} finally {
  await server.close();
}
process.exit(0); // Dawn in Node keeps the process alive
