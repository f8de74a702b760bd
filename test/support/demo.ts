import { chromium, type Browser } from 'playwright';
import { fastestAdapter, launchOptions } from '../../scripts/chromium.mjs';

/** Starts a browser for the demo's tests, by default on the fastest adapter of this machine. */
export function launchBrowser(adapter = fastestAdapter()): Promise<Browser> {
  return chromium.launch(launchOptions(adapter));
}
