import { chromium, type Browser } from 'playwright';
import { fastestAdapter, launchOptions } from '../../scripts/chromium.mjs';

/** A browser for the e2e tests, on the fastest adapter that this machine can offer unless one is asked for. */
export function launchBrowser(adapter = fastestAdapter()): Promise<Browser> {
  return chromium.launch(launchOptions(adapter));
}
