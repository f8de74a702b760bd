// The examples as an app would have them: built by Vite on the built package, and served.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build, preview } from 'vite';
import { chromiumPath, hasLavapipe, lavapipeFolder, usesOwnGpu } from '../../scripts/chromium.mjs';

export const root = resolve(import.meta.dirname, '../..');
/** The package as built for the tests of loading. */
const dist = join(root, '.cache/loading-dist');

/** Builds the examples with Vite and serves them. */
export async function startExamples(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const config = {
    configFile: join(root, 'examples/vite.config.ts'),
    logLevel: 'warn' as const,
    resolve: { alias: { 'dc-ae-webgpu/codec': join(dist, 'codec.js'), 'dc-ae-webgpu': join(dist, 'index.js') } },
  };
  await build(config);
  const server = await preview({ ...config, preview: { port: 0, host: '127.0.0.1', open: false } });
  const url = server.resolvedUrls?.local[0];
  if (url === undefined) throw new Error('vite preview gave no address for the examples');
  return { url, close: () => server.close() };
}

/** Serves the built package on an origin of its own, as a CDN does, and puts the example that uses it on the site. */
export async function startCdn(): Promise<{ readonly page: string; close(): void }> {
  const server = createServer((request, response) => {
    try {
      const body = readFileSync(join(dist, new URL(request.url ?? '/', 'http://cdn').pathname));
      response.setHeader('access-control-allow-origin', '*').setHeader('content-type', 'text/javascript').end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  // Not by routing requests in the browser: Chromium's interception stops workers of another origin.
  const html = readFileSync(join(root, 'examples/cdn/index.html'), 'utf8');
  const page = html.replace('https://cdn.jsdelivr.net/npm/dc-ae-webgpu/dist/', `http://127.0.0.1:${port}/`);
  if (page === html) throw new Error('examples/cdn/index.html does not import the package from the CDN');
  writeFileSync(join(root, '.cache/examples/cdn/local.html'), page);
  return { page: 'cdn/local.html', close: () => void server.close() };
}

/** Runs a script of the examples in Node, in a project that has the built package installed. */
export async function runInNode(script: string, ...args: readonly string[]): Promise<string> {
  const project = join(root, '.cache/examples-node');
  const installed = join(project, 'node_modules/dc-ae-webgpu');
  rmSync(project, { recursive: true, force: true });
  mkdirSync(installed, { recursive: true });
  // Without a package.json of its own, the script would belong to this repository's package.
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true }));
  cpSync(join(root, 'package.json'), join(installed, 'package.json'));
  symlinkSync(dist, join(installed, 'dist'));
  const copy = join(project, 'script.mjs');
  cpSync(join(root, script), copy);
  const { stdout } = await promisify(execFile)(process.execPath, [copy, ...args], { env: dawnEnvironment(project) });
  return stdout;
}

/** The environment in which Dawn finds a software driver and a Vulkan loader: Chromium brings both. */
function dawnEnvironment(folder: string): NodeJS.ProcessEnv {
  if (usesOwnGpu) return process.env;
  const browserFolder = dirname(chromiumPath() ?? '').replace(/\/usr\/bin$/, '/usr/lib/chromium');
  const library_path = hasLavapipe()
    ? join(lavapipeFolder, 'libvulkan_lvp.so')
    : join(browserFolder, 'libvk_swiftshader.so');
  const driver = join(folder, 'driver.json');
  writeFileSync(driver, JSON.stringify({ file_format_version: '1.0.0', ICD: { library_path, api_version: '1.3.0' } }));
  return { ...process.env, VK_ICD_FILENAMES: driver, LD_LIBRARY_PATH: browserFolder };
}
