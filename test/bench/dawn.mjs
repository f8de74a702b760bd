import { join } from 'node:path';
import { createServer } from 'vite';
import { lavapipeFolder, usesOwnGpu } from '../support/chromium.mjs';
import { ensureLavapipe, root } from '../support/setup.mjs';

/**
 * A server that loads this repository's modules into Node. Dawn runs there on lavapipe, or on the Vulkan driver that VK_ICD_FILENAMES names, or, with
 * DCAE_ADAPTER=default, on the machine's own.
 */
export async function dawnServer() {
  if (!usesOwnGpu && !process.env['VK_ICD_FILENAMES']) {
    await ensureLavapipe();
    process.env['VK_ICD_FILENAMES'] = join(lavapipeFolder, 'lvp_icd.json');
  }
  return createServer({
    root,
    mode: 'bench',
    logLevel: 'error',
    optimizeDeps: { noDiscovery: true, include: [] },
    server: { middlewareMode: true, hmr: false },
  });
}
