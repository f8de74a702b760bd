import { dirname, resolve } from 'node:path';
import { playwright } from '@vitest/browser-playwright';
import type { BrowserInstanceOption } from 'vitest/node';
import { defineConfig, type Plugin, type ViteUserConfig as UserConfig } from 'vitest/config';
import { demoSite } from './.config/demo_site.ts';
import { weslStatic } from './.config/wesl.ts';
import { hasLavapipe, launchOptions, usesOwnGpu } from './scripts/chromium.mjs';

const here = (path: string) => resolve(import.meta.dirname, path);
/** The package under its own name, subpaths first. */
const alias = { 'dc-ae-webgpu/codec': here('src/codec/index.ts'), 'dc-ae-webgpu': here('src/index.ts') };
const shaders = () => weslStatic(here('shaders'));

/** `vite build`: the package. Dependencies stay imports, shaders are strings. Types come from tsc. */
const library: UserConfig = {
  plugins: [shaders(), workerChunk()],
  publicDir: false,
  build: {
    outDir: 'dist',
    target: 'es2022',
    minify: false,
    sourcemap: true,
    lib: {
      entry: { index: here('src/index.ts'), codec: here('src/codec/index.ts') },
      formats: ['es'],
    },
    rolldownOptions: { external: [/^@huggingface\//, /^node:/] },
  },
};

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

/**
 * Leaves `new Worker(new URL('./worker.js', import.meta.url))` in the package, word for word: the form that bundlers look
 * for. Vite's own handling would put a copy of everything into an asset that only Vite finds.
 */
function workerChunk(): Plugin {
  const pattern = /new URL\(\s*'\.\/(\w+)\.ts',\s*import\.meta\.url,?\s*\)/g;
  const placeholder = /__WORKER_CHUNK_(\w+?)__/g;
  return {
    name: 'worker-chunk',
    apply: 'build',
    enforce: 'pre',
    transform(code, id) {
      if (!code.includes('new Worker(')) return null;
      for (const [, name = ''] of code.matchAll(pattern)) {
        this.emitFile({ type: 'chunk', id: resolve(dirname(id), `${name}.ts`), fileName: `${name}.js` });
      }
      return { code: code.replace(pattern, '__WORKER_CHUNK_$1__'), map: null };
    },
    renderChunk(code) {
      if (!placeholder.test(code)) return null;
      return { code: code.replace(placeholder, "new URL('./$1.js', import.meta.url)"), map: null };
    },
  };
}

/** Tests that run in a browser (`*.gpu.test.ts`), once for each adapter that this machine has. */
function browserProject(
  name: string,
  include: string,
  adapters: readonly ('swiftshader' | 'lavapipe' | 'default')[],
  timeout: number,
) {
  const instances: BrowserInstanceOption[] = adapters.map((adapter) => ({
    browser: 'chromium',
    name: name === 'gpu' ? adapter : `${name}-${adapter}`,
    provider: playwright({ launchOptions: launchOptions(adapter) }),
    provide: { adapter },
  }));
  return {
    extends: true as const,
    test: {
      name,
      include: [include],
      exclude: name === 'gpu' ? [FULL] : [],
      testTimeout: timeout,
      hookTimeout: timeout,
      fileParallelism: false, // the adapters are software: a second page would only wait for the same cores
      browser: { enabled: true, headless: true, screenshotFailures: false, provider: playwright(), instances },
    },
  };
}

/** Tests that serve checkpoints to a page (`*.page.test.ts`) and check both ends. They run in Node and start the browser. */
function pageProject(name: string, include: readonly string[], timeout: number) {
  return {
    extends: true as const,
    test: {
      name,
      include: [...include],
      exclude: name === 'loading' ? [FULL] : [],
      environment: 'node' as const,
      globalSetup: here('test/support/build_page.ts'),
      testTimeout: timeout,
      hookTimeout: timeout,
      fileParallelism: false,
    },
  };
}

const lavapipe = hasLavapipe() ? (['lavapipe'] as const) : [];
const adapters = usesOwnGpu ? (['default'] as const) : (['swiftshader', ...lavapipe] as const);

/** Time limits only end a test that hangs: a machine at load 10 takes ten times as long as a quiet one. */
const GUARD_MS = 600_000;

/** Long tests, which `npm run test:full` runs. */
const FULL = 'test/**/*.full.*.test.ts';

const tests: UserConfig['test'] = {
  passWithNoTests: true,
  testTimeout: GUARD_MS,
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
      },
    },
    browserProject('gpu', 'test/**/*.gpu.test.ts', adapters, GUARD_MS),
    {
      extends: true,
      test: {
        name: 'demo',
        include: ['test/demo/*.page.test.ts'],
        environment: 'node',
        globalSetup: here('test/support/build_demo.ts'),
        testTimeout: GUARD_MS,
        hookTimeout: GUARD_MS,
        fileParallelism: false,
      },
    },
    pageProject('loading', ['test/loading/*.page.test.ts', 'test/worker/*.page.test.ts'], GUARD_MS),
    ...(process.env['DCAE_FULL']
      ? [
          pageProject('full-loading', ['test/loading/*.full.page.test.ts'], 1_800_000),
          browserProject('full', 'test/**/*.full.gpu.test.ts', usesOwnGpu ? ['default'] : ['lavapipe'], 1_800_000),
        ]
      : []),
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
