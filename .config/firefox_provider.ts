// Runs Vitest's browser tests in the machine's own Firefox. Playwright drives only a Firefox that it patched itself.
import { defineBrowserProvider } from '@vitest/browser';
import type { Browser } from 'puppeteer-core';
import type { BrowserProvider } from 'vitest/node';
import { launchFirefox } from '../scripts/firefox.mjs';

/** A browser for Vitest: Firefox, through WebDriver BiDi. */
export const firefox = () =>
  defineBrowserProvider({
    name: 'puppeteer',
    supportedBrowser: ['firefox'],
    options: {},
    providerFactory: () => new FirefoxProvider(),
  });

class FirefoxProvider implements BrowserProvider {
  readonly name = 'puppeteer';
  readonly supportsParallelism = false;
  #browser: Promise<Browser> | undefined;

  getCommandsContext(): Record<string, unknown> {
    return {};
  }

  async openPage(_session: string, url: string): Promise<void> {
    this.#browser ??= launchFirefox();
    const page = await (await this.#browser).newPage();
    await page.goto(url);
  }

  async close(): Promise<void> {
    const browser = await this.#browser;
    this.#browser = undefined;
    await browser?.close();
  }
}
