import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { build, preview } from 'vite';
import type { TestProject } from 'vitest/node';

/** Builds the demo and serves it with its strict headers while the demo's tests run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const root = resolve(import.meta.dirname, '../..');
  if (!existsSync(resolve(root, 'demo/index.html'))) return async () => {};
  // vite.config.ts returns another config inside Vitest.
  const { VITEST, NODE_ENV } = process.env;
  delete process.env['VITEST'];
  process.env['NODE_ENV'] = 'production';
  const config = { configFile: resolve(root, 'vite.config.ts'), mode: 'demo', logLevel: 'warn' as const };
  try {
    await build(config);
    const server = await preview({ ...config, preview: { port: 0, host: '127.0.0.1' } });
    const url = server.resolvedUrls?.local[0];
    if (!url) throw new Error('vite preview gave no address for the demo');
    project.provide('demoUrl', url);
    return () => server.close();
  } finally {
    Object.assign(process.env, { VITEST, NODE_ENV });
  }
}
