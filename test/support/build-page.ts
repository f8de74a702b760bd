import { resolve } from 'node:path';
import { build, preview } from 'vite';
import type { TestProject } from 'vitest/node';
import { weslStatic } from '../../.config/wesl.ts';

/** Builds the page of the loading tests, as an app would be built, and serves it for as long as they run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const path = (name: string): string => resolve(import.meta.dirname, '../..', name);
  const shaders = () => weslStatic(path('shaders'));
  const config = {
    configFile: false as const,
    root: path('test/loading/page'),
    base: './',
    logLevel: 'warn' as const,
    plugins: [shaders()],
    resolve: { alias: { 'dc-ae-webgpu': path('src/index.ts') } },
    build: { outDir: path('.cache/loading-page'), emptyOutDir: true, target: 'es2022', minify: false },
    worker: { format: 'es' as const, plugins: () => [shaders()] },
  };
  await build(config);
  const server = await preview({ ...config, preview: { port: 0, host: '127.0.0.1' } });
  const url = server.resolvedUrls?.local[0];
  if (!url) throw new Error('vite preview gave no address for the page of the loading tests');
  project.provide('pageUrl', url);
  return () => server.close();
}
