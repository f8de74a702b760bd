// The demo's page under test: opened fresh and watched, one at a time.
import { mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';
import { launchBrowser } from '../support/demo.ts';

const root = resolve(import.meta.dirname, '../..');
const output = resolve(root, 'test-output');

/** How to open the page. */
export interface OpenOptions extends BrowserContextOptions {
  /** Runs before anything of the page does. */
  readonly prepare?: (page: Page) => Promise<unknown>;
  /** Errors that the test means to cause. */
  readonly meant?: RegExp;
}

/** Registers a browser for the tests of a file; every page must end without errors and without a request to elsewhere. */
export function demoPage() {
  const address = inject('demoUrl');
  let browser: Browser | undefined;
  let page: Page | undefined;
  let troubles: string[] = [];

  beforeAll(async () => {
    mkdirSync(output, { recursive: true });
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    await page?.context().close();
    expect(troubles).toEqual([]);
  });

  return {
    /** Opens a fresh page; `query` goes behind its address. */
    async open(query: string, { prepare, meant, ...options }: OpenOptions = {}): Promise<DemoPage> {
      const context = await browser!.newContext({ viewport: { width: 1280, height: 800 }, ...options });
      page = await context.newPage();
      const seen: string[] = (troubles = []);
      const note = (trouble: string) => {
        if (!meant?.test(trouble)) seen.push(trouble);
      };
      page.on('console', (message) => {
        if (message.type() === 'error') note(`console: ${message.text()}`);
      });
      page.on('pageerror', (error) => note(`uncaught: ${error.message}`));
      context.on('request', (request) => {
        if (new URL(request.url()).origin !== new URL(address).origin) note(`request: ${request.url()}`);
      });
      await prepare?.(page);
      await page.goto(address + query);
      return new DemoPage(page);
    },
  };
}

/** A small JPEG, 128 × 128. */
export function thumb(name: string): Buffer {
  return readFileSync(resolve(root, `demo/samples/thumbs/${name}.jpg`));
}

/** Serves the page's worker with a line of ours before its own. */
export async function patchWorker(page: Page, line: string): Promise<void> {
  await page.route(/worker-[\w-]+\.js$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${line}\n${await response.text()}` });
  });
}

/** What a person does on the page and sees there. */
export class DemoPage {
  constructor(readonly page: Page) {}

  get notice() {
    return this.page.getByRole('alert');
  }

  get divider() {
    return this.page.getByRole('slider', { name: 'Divider' });
  }

  async text(selector: string): Promise<string> {
    return (await this.page.locator(selector).textContent())?.trim() ?? '';
  }

  /** Which of original, split and reconstruction is shown. */
  shown() {
    return this.page.locator('split-view').getAttribute('data-shown');
  }

  /** The divider's place in percent. */
  async dividedAt(): Promise<number> {
    return Number(await this.divider.getAttribute('aria-valuenow'));
  }

  async screenshot(name: string): Promise<void> {
    await this.page.screenshot({ path: resolve(output, `demo-${name}.png`) });
  }

  /** Picks a file in the file field. */
  async pick(name: string, buffer: Buffer): Promise<void> {
    await this.page.locator('#file').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
  }

  /** Waits for the reconstruction of the picture called `title`, and gives its PSNR. */
  async reconstructed(title: string): Promise<number> {
    await this.page.waitForFunction(
      (wanted) =>
        document.querySelector('#title')?.textContent === wanted &&
        /dB/.test(document.querySelector('#psnr')?.textContent ?? ''),
      title,
      { timeout: 60_000 },
    );
    return parseFloat(await this.text('#psnr'));
  }

  /** What the two canvases hold: their sizes, and their PSNR worked out anew. */
  canvases() {
    return this.page.evaluate(() => {
      const [a, b] = ['original', 'reconstruction'].map((layer) => {
        const canvas = document.querySelector<HTMLCanvasElement>(`[data-layer="${layer}"] canvas`)!;
        const { width, height } = canvas;
        return { width, height, data: canvas.getContext('2d')!.getImageData(0, 0, width, height).data };
      });
      let sum = 0;
      a!.data.forEach((value, i) => (sum += i % 4 === 3 ? 0 : (value - b!.data[i]!) ** 2));
      const mse = sum / (3 * a!.width * a!.height);
      return { sizes: [a!.width, a!.height, b!.width, b!.height], psnr: 10 * Math.log10(255 ** 2 / mse) };
    });
  }

  /** A picture as a PNG file, made in the page: a gradient with a hole in it. */
  async paintedPng(width: number, height: number): Promise<Buffer> {
    const bytes = await this.page.evaluate(
      async ([w, h]) => {
        const canvas = new OffscreenCanvas(w!, h!);
        const context = canvas.getContext('2d')!;
        const gradient = context.createLinearGradient(0, 0, w!, h!);
        gradient.addColorStop(0, '#205080');
        gradient.addColorStop(1, '#e0a040');
        context.fillStyle = gradient;
        context.fillRect(0, 0, w!, h!);
        context.clearRect(w! / 4, h! / 4, w! / 2, h! / 2);
        return [...new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())];
      },
      [width, height],
    );
    return Buffer.from(bytes);
  }
}
