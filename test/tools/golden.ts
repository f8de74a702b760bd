// The browser's part of the tests with bundlers and hosts: a page of test/tools/app decodes a latent.
import { afterAll, beforeAll, expect } from 'vitest';
import { resolve } from 'node:path';
import { chromium, type Browser } from 'playwright';
import { fastestAdapter, launchOptions } from '../../scripts/chromium.mjs';
import { serveSite, type Site } from './site.ts';

const here = (path: string): string => resolve(import.meta.dirname, '../..', path);

/** The largest allowed difference from diffusers' picture, whose values lie in [-1.2, 1.2]. */
const TOLERANCE = 1e-4;

/** An error of the package, as it crosses from the page to the test. */
export interface PageError {
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
}

/** Checks that a decode gave diffusers' picture, and shows the error if it failed. */
export function expectPicture(found: number | PageError): void {
  expect(found).toEqual(expect.any(Number));
  expect(found).toBeLessThan(TOLERANCE);
}

/** A browser, and a site with the small checkpoint and its golden latent. */
export interface GoldenBench {
  /**
   * Opens an app at `url` and decodes there.
   *
   * @returns the largest difference from diffusers' picture, or the error
   */
  decode(url: string, where: 'page' | 'worker'): Promise<number | PageError>;
}

/** Starts the browser and the site before the tests of a file, and ends them after. */
export function goldenBench(): GoldenBench {
  let browser: Browser | undefined;
  let files: Site | undefined;
  beforeAll(async () => {
    files = await serveSite({ folders: { nano: here('demo/models/nano'), golden: here('test/fixtures/nano') } });
    browser = await chromium.launch(launchOptions(fastestAdapter()));
  });
  afterAll(async () => {
    await browser?.close();
    await files?.close();
  });
  return {
    async decode(url, where) {
      if (browser === undefined || files === undefined) throw new Error('the browser is there only while tests run');
      const context = await browser.newContext();
      const page = await context.newPage();
      const log: string[] = [];
      page.on('console', (message) => log.push(message.text()));
      page.on('pageerror', (error) => log.push(String(error)));
      try {
        await page.goto(url);
        await page
          .waitForFunction(() => 'decodeGolden' in globalThis)
          .catch((error: unknown) => {
            throw new Error(`The app at ${url} did not start. The page's console: ${log.join('\n')}`, { cause: error });
          });
        return await page.evaluate(
          async ([where, files]) => {
            const decode = Reflect.get(globalThis, 'decodeGolden') as (...args: unknown[]) => Promise<number>;
            try {
              return await decode(where, files);
            } catch (error) {
              const of = (key: string): unknown => Reflect.get(error as object, key);
              return {
                name: String(of('name')),
                code: of('code') as string | undefined,
                message: String(of('message')),
              };
            }
          },
          [where, files.url] as const,
        );
      } finally {
        await context.close();
      }
    },
  };
}
