import { chromium, type Browser } from 'playwright';
import { hasLavapipe, launchOptions, usesOwnGpu } from './chromium.mjs';

/** A browser for the e2e tests, on the fastest adapter that this machine can offer unless one is asked for. */
export function launchBrowser(
  adapter: 'swiftshader' | 'lavapipe' | 'default' = usesOwnGpu ? 'default' : hasLavapipe() ? 'lavapipe' : 'swiftshader',
): Promise<Browser> {
  return chromium.launch(launchOptions(adapter));
}
