import { join } from 'node:path';
import { createServer } from 'vite';
import { lavapipeFolder, usesOwnGpu } from '../../scripts/chromium.mjs';
import { ensureLavapipe, root } from '../../scripts/setup.mjs';

/**
 * Has Dawn in Node run on lavapipe, unless VK_ICD_FILENAMES names a Vulkan driver or DCAE_ADAPTER=default asks for the
 * machine's own.
 */
export async function chooseDriver() {
  if (usesOwnGpu || process.env['VK_ICD_FILENAMES']) return;
  await ensureLavapipe();
  process.env['VK_ICD_FILENAMES'] = join(lavapipeFolder, 'lvp_icd.json');
}

/** A server that loads this repository's modules into Node, where Dawn runs them. */
export async function dawnServer() {
  await chooseDriver();
  return createServer({
    root,
    mode: 'bench',
    logLevel: 'error',
    optimizeDeps: { noDiscovery: true, include: [] },
    server: { middlewareMode: true, hmr: false },
  });
}
