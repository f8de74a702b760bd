import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { playwright } from '@vitest/browser-playwright';
import type { BrowserInstanceOption } from 'vitest/node';
import { defineConfig, type ViteUserConfig as UserConfig } from 'vitest/config';
import { demoSite } from './.config/demo_site.ts';
import { firefox } from './.config/firefox_provider.ts';
import { library } from './.config/library.ts';
import { weslStatic } from './.config/wesl.ts';
import { hasLavapipe, launchOptions, usesOwnGpu } from './scripts/chromium.mjs';
import { firefoxPath } from './scripts/firefox.mjs';

const here = (path: string) => resolve(import.meta.dirname, path);
/** The package under its own name, subpaths first. */
const alias = { 'dc-ae-webgpu/codec': here('src/codec/index.ts'), 'dc-ae-webgpu': here('src/index.ts') };
const shaders = () => weslStatic(here('shaders'));

/** `vite build --mode demo`, `vite --mode demo`: the page. No inline scripts or styles, so that a strict CSP holds. */
const demo: UserConfig = {
  root: here('demo'),
  base: './',
  plugins: [shaders(), demoSite(here('demo'))],
  resolve: { alias },
  publicDir: false,
  optimizeDeps: { exclude: ['@jsquash/avif'] }, // it looks for its .wasm beside itself
  server: { fs: { allow: [here('.')] } },
  build: {
    outDir: here('dist-demo'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // a data: URL would need a laxer CSP
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: here('demo/index.html'), service_worker: here('demo/service_worker.ts') },
      output: {
        // a service worker's reach is the folder that it lies in, and its address must stay
        entryFileNames: ({ name }) => (name === 'service_worker' ? '[name].js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  worker: { format: 'es', plugins: () => [shaders()] },
};

type Adapter = 'swiftshader' | 'lavapipe' | 'firefox' | 'default';
/** How many combinations of storage types, algorithms and kernel variants a test runs. */
type Variants = 'all' | 'some' | 'few';

/** Whether `npm run test:full` runs: every test on every adapter, in every variant, at full size. */
const isFull = Boolean(process.env['DCAE_FULL']);

/** Tests at full size, which take long. */
const FULL_SIZE = isFull ? [] : ['test/**/*.full.*.test.ts'];

/** Time limits only end a test that hangs: a machine at load 10 takes ten times as long as a quiet one. */
const GUARD_MS = isFull ? 1_800_000 : 600_000;

/**
 * The tests that a second adapter or browser runs: the device, each op once, some networks, a worker and files.
 * Lavapipe runs every test.
 */
const EVERY_ADAPTER = [
  'test/codec/adapters.gpu.test.ts',
  'test/gpu/*.gpu.test.ts',
  'test/kernels/ops.gpu.test.ts',
  'test/runtime/{networks,pictures}.gpu.test.ts',
];

/** Tests in a browser (`*.gpu.test.ts`) on one adapter. */
function adapterProject(adapter: Adapter, include: readonly string[], variants: Variants) {
  const isFirefox = adapter === 'firefox';
  const provider = isFirefox ? firefox() : playwright({ launchOptions: launchOptions(adapter) });
  const instance: BrowserInstanceOption = {
    browser: isFirefox ? 'firefox' : 'chromium',
    name: adapter,
    provide: { adapter, variants },
  };
  return {
    extends: true as const,
    test: {
      name: `gpu-${adapter}`,
      include: [...include],
      exclude: FULL_SIZE,
      fileParallelism: false, // the adapters are software: a second page would only wait for the same cores
      browser: { enabled: true, headless: true, screenshotFailures: false, provider, instances: [instance] },
    },
  };
}

/** Tests that drive a page from Node (`*.page.test.ts`). `globalSetup` builds the page and serves it. */
function pageProject(name: string, include: readonly string[], globalSetup: string) {
  return {
    extends: true as const,
    test: {
      name,
      include: [...include],
      exclude: FULL_SIZE,
      environment: 'node' as const,
      globalSetup: here(globalSetup),
      fileParallelism: false,
    },
  };
}

const EVERYWHERE = ['test/**/*.gpu.test.ts'];

function adapterProjects() {
  const variants = isFull ? 'all' : 'some';
  if (usesOwnGpu) return [adapterProject('default', EVERYWHERE, variants)];
  if (!hasLavapipe()) return [adapterProject('swiftshader', EVERYWHERE, variants)];
  return [
    adapterProject('lavapipe', EVERYWHERE, variants),
    adapterProject('swiftshader', isFull ? EVERYWHERE : EVERY_ADAPTER, isFull ? 'all' : 'few'),
    ...(firefoxPath() ? [adapterProject('firefox', EVERY_ADAPTER, 'few')] : []),
  ];
}

const tests: UserConfig['test'] = {
  passWithNoTests: true,
  testTimeout: GUARD_MS,
  hookTimeout: GUARD_MS,
  expect: { poll: { timeout: 60_000 } },
  reporters: ['default', here('test/support/summary_reporter.ts')],
  projects: [
    {
      extends: true,
      test: {
        name: 'unit',
        include: ['test/**/*.test.ts'],
        exclude: ['test/**/*.{gpu,page}.test.ts'],
        environment: 'node',
        // on two cores, files take turns beside the browsers, not before them
        fileParallelism: availableParallelism() > 2,
      },
    },
    ...adapterProjects(),
    pageProject('demo', ['test/demo/*.page.test.ts'], 'test/support/build_demo.ts'),
    pageProject('loading', ['test/{examples,loading,tools,worker}/*.page.test.ts'], 'test/support/build_page.ts'),
  ],
};

export default defineConfig(({ mode }) => {
  if (process.env['VITEST']) {
    return {
      plugins: [shaders()],
      resolve: { alias },
      // found on the way, a dependency would reload the page under a running test
      optimizeDeps: { include: ['@huggingface/hub'] },
      test: tests,
      worker: { format: 'es', plugins: () => [shaders()] },
    };
  }
  return mode === 'demo' ? demo : library;
});
