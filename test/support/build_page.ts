import { resolve } from 'node:path';
import { build, preview } from 'vite';
import type { TestProject } from 'vitest/node';

/**
 * Builds the package as npm gets it, builds the page of the loading tests on top as an app would, and serves the page
 * while the tests run.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const path = (name: string): string => resolve(import.meta.dirname, '../..', name);
  const dist = path('.cache/loading-dist');
  // vite.config.ts returns another config inside Vitest.
  const { VITEST, NODE_ENV } = process.env;
  delete process.env['VITEST'];
  process.env['NODE_ENV'] = 'production';
  try {
    await build({ configFile: path('vite.config.ts'), logLevel: 'warn', build: { outDir: dist, emptyOutDir: true } });
    const page = {
      configFile: false as const,
      root: path('test/loading/page'),
      base: './',
      logLevel: 'warn' as const,
      resolve: {
        alias: {
          'dc-ae-webgpu/worker': `${dist}/worker.js`,
          'dc-ae-webgpu/codec': `${dist}/codec.js`,
          'dc-ae-webgpu': `${dist}/index.js`,
        },
      },
      build: { outDir: path('.cache/loading-page'), emptyOutDir: true, target: 'es2022', minify: false },
      worker: { format: 'es' as const },
    };
    await build(page);
    const server = await preview({ ...page, preview: { port: 0, host: '127.0.0.1' } });
    const url = server.resolvedUrls?.local[0];
    if (!url) throw new Error('vite preview gave no address for the page of the loading tests');
    project.provide('pageUrl', url);
    return () => server.close();
  } finally {
    Object.assign(process.env, { VITEST, NODE_ENV });
  }
}
