// The demo's page under test: opened fresh and watched, one at a time.
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
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
  /** Another server of the page than the tests' own. */
  readonly server?: string;
}

/**
 * Registers a browser for the tests of a file; every page must end without errors and without a request to elsewhere.
 */
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
    async open(query: string, { prepare, meant, server = address, ...options }: OpenOptions = {}): Promise<DemoPage> {
      // Without a service worker, unless a test is about it: requests that pass through one can't be held up.
      const usual = { viewport: { width: 1280, height: 800 }, serviceWorkers: 'block' as const };
      const context = await browser!.newContext({ ...usual, ...options });
      context.setDefaultTimeout(120_000); // a guard only: on a busy machine all takes longer
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
        if (new URL(request.url()).origin !== new URL(server).origin) note(`request: ${request.url()}`);
      });
      await prepare?.(page);
      await page.goto(server + query);
      return new DemoPage(page);
    },
  };
}

/** A small JPEG, 128 × 128. */
export function thumb(name: string): Buffer {
  return readFileSync(resolve(root, `demo/samples/thumbs/${name}.jpg`));
}

/** A server in front of the demo's own, which a test can stop. */
export async function stoppable(): Promise<{ readonly address: string; stop(): void }> {
  const { hostname, port } = new URL(inject('demoUrl'));
  const server = createServer(({ url, headers, method }, response) => {
    const forwarded = request({ hostname, port, path: url, headers, method }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forwarded.end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const place = server.address();
  if (place === null || typeof place === 'string') throw new Error('The server has no port.');
  return {
    address: `http://127.0.0.1:${place.port}/`,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The path of a file among the samples. */
export function sample(file: string): string {
  return resolve(root, 'demo/samples', file);
}

/** Serves the model's worker with a line of code before its own. */
export async function patchWorker(page: Page, line: string): Promise<void> {
  await page.route(/\/worker-[\w-]+\.js$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${line}\n${await response.text()}` });
  });
}

/** The actions of a person on the page, and what the person sees. */
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

  /** Waits for an animation frame: the split view draws its present state in one. */
  async drawn(): Promise<void> {
    await this.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  }

  /** The shown mode: left, split, neural, difference or bits. */
  async shown() {
    await this.drawn();
    return this.page.locator('split-view').getAttribute('data-shown');
  }

  /** The divider's place in percent. */
  async dividedAt(): Promise<number> {
    await this.drawn();
    return Number(await this.divider.getAttribute('aria-valuenow'));
  }

  /** Where a screenshot is kept. */
  path(name: string): string {
    return resolve(output, `demo-${name}.png`);
  }

  async screenshot(name: string): Promise<void> {
    await this.page.screenshot({ path: this.path(name), animations: 'disabled' });
  }

  /** Picks a file in the file field. */
  async pick(name: string, buffer: Buffer): Promise<void> {
    await this.page.locator('#file').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
  }

  /** Waits for the reconstruction of the picture called `title`, and gives its PSNR. */
  async reconstructed(title: string): Promise<number> {
    await this.page.waitForFunction(
      (wanted) =>
        document.querySelector('#photo')?.textContent?.startsWith(wanted) &&
        /\d/.test(document.querySelector('tr.neural:not([data-stale]) td:nth-child(3)')?.textContent ?? ''),
      title,
    );
    return await this.psnr();
  }

  /** The PSNR of the reconstruction, in dB. */
  async psnr(): Promise<number> {
    return parseFloat(await this.text('tr.neural td:nth-child(3)'));
  }

  /** Moves the quality slider as a person does, and waits until all is measured. */
  async setQuality(quality: number): Promise<void> {
    await this.page.evaluate(() => performance.clearMarks('compared'));
    await this.page.getByRole('slider', { name: 'Quality' }).fill(String(quality));
    await this.compared();
  }

  /** Waits until the other codecs have been measured. */
  async compared(): Promise<void> {
    await this.page.waitForFunction(() => performance.getEntriesByName('compared').length > 0);
  }

  /** A row's bytes, PSNR and SSIM. */
  async row(name: string): Promise<string[]> {
    return (await this.page.locator(`tr.${name} td`).allTextContents()).slice(0, 3);
  }

  /** Presses a button that saves a file, and gives the file. */
  async saved(button: string): Promise<{ readonly name: string; readonly bytes: Buffer }> {
    const [download] = await Promise.all([
      this.page.waitForEvent('download'),
      this.page.getByRole('button', { name: button }).click(),
    ]);
    return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
  }

  /** Picks a .dcae file. */
  async pickFile(name: string, buffer: Buffer): Promise<void> {
    await this.page.locator('#file').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
  }

  /** The pixels of a layer, as a hash. */
  async hashOf(layer: string): Promise<string> {
    return await this.page.evaluate(async (name) => {
      const canvas = document.querySelector<HTMLCanvasElement>(`[data-layer="${name}"] canvas`)!;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      const hash = await crypto.subtle.digest('SHA-256', data);
      return [canvas.width, canvas.height, ...new Uint8Array(hash)].join(' ');
    }, layer);
  }

  /** The sizes of the two canvases and the PSNR of their pixels. */
  canvases() {
    return this.page.evaluate(() => {
      const [a, b] = ['original', 'neural'].map((layer) => {
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
