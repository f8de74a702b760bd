// Every example runs as it is: in a browser, built by Vite on the built package; in Node; in Python with stand-ins for
// torch and diffusers. Each gives the picture whose latent is examples/public/latent.bin.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Browser, Page } from 'playwright';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { inspect, unpackLatent } from '../../src/codec/index.ts';
import { launchBrowser } from '../support/demo.ts';
import { findPython } from '../support/python.ts';
import { root, runInNode, startCdn, startExamples } from './site.ts';

const PHOTO = join(root, 'demo/samples/coffee_256.png');

let browser: Browser | undefined;
let page: Page | undefined;
let site: Awaited<ReturnType<typeof startExamples>> | undefined;
let photo = new Uint8Array(0);

beforeAll(async () => {
  [browser, site, photo] = await Promise.all([launchBrowser(), startExamples(), pixelsOf(PHOTO)]);
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});
afterEach(() => page?.close());

/** RGBA of a file. */
async function pixelsOf(file: string | Buffer): Promise<Uint8Array<ArrayBuffer>> {
  const { data, info } = await sharp(file).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([256, 256]);
  return new Uint8Array(data);
}

/** Checks that a picture is the photograph, but for what the small checkpoint loses. */
function expectPhoto(pixels: ArrayLike<number>): void {
  expect(pixels.length).toBe(photo.length);
  const squares = photo.reduce((sum, value, i) => sum + (value - (pixels[i] ?? 0)) ** 2, 0);
  expect(10 * Math.log10(255 ** 2 / (squares / ((photo.length * 3) / 4)))).toBeGreaterThan(28); // dB
}

async function open(path: string): Promise<Page> {
  page = await browser!.newPage();
  const opened = page;
  opened.on('pageerror', (error) => expect.soft(error.message).toBe(''));
  await opened.goto(site!.url + path);
  return opened;
}

/** The pixels of the page's canvas. */
async function canvasPixels(shown: Page): Promise<number[]> {
  return await shown.evaluate(async () => {
    const bitmap = await createImageBitmap(document.querySelector('canvas')!);
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')!;
    context.drawImage(bitmap, 0, 0);
    return [...context.getImageData(0, 0, bitmap.width, bitmap.height).data];
  });
}

describe('in a browser', () => {
  test("decode_latents shows a server's latent on a canvas", async () => {
    const shown = await open('decode_latents/');
    await shown.getByText('Done.').waitFor();
    expectPhoto(await canvasPixels(shown));
  });

  test('encode_in_worker makes a file, and stops when told to', async () => {
    const shown = await open('encode_in_worker/');
    await shown.locator('input').setInputFiles(PHOTO);
    await shown.getByText(/bits per pixel/).waitFor();
    const [download] = await Promise.all([shown.waitForEvent('download'), shown.locator('a').click()]);
    const { image, latent } = await inspect(readFileSync(await download.path()));
    expect(image).toEqual({ height: 256, width: 256 });
    expect(latent).toEqual([1, 16, 32, 32]);
    await shown.evaluate(() => {
      const files = document.querySelector('input')!;
      files.dispatchEvent(new Event('change'));
      document.querySelector('button')!.click();
    });
    await shown.getByText('Stopped.').waitFor();
  });

  test('strips_to_file writes a PNG, strip by strip', async () => {
    const shown = await open('strips_to_file/');
    await shown.locator('button:enabled').click();
    await shown.locator('a:visible').waitFor();
    const [download] = await Promise.all([shown.waitForEvent('download'), shown.locator('a').click()]);
    expectPhoto(await pixelsOf(readFileSync(await download.path())));
  });

  test('cdn runs without a bundler, with the package and its worker on another origin', async () => {
    const cdn = await startCdn();
    const shown = await open(cdn.page);
    await shown.getByText('Done.').waitFor();
    expectPhoto(await canvasPixels(shown));
    cdn.close();
  });

  for (const framework of ['react', 'vue']) {
    test(`${framework} shows the picture in a component`, async () => {
      const shown = await open(`${framework}/`);
      await shown.locator('canvas[aria-busy=false]').waitFor();
      expectPhoto(await canvasPixels(shown));
    });
  }
});

describe('outside of a browser', () => {
  test('python writes a latent, and node decodes it', async () => {
    const python = findPython();
    if (python === undefined) throw new Error('This test needs Python 3.9 or later with NumPy.');
    const folder = mkdtempSync(join(tmpdir(), 'dc-ae-examples-'));
    const file = join(folder, 'cup.dcae');
    const modules = ['test/examples/stubs', 'python'].map((path) => join(root, path)).join(delimiter);
    const script = 'examples/python/write_latents.py';
    execFileSync(python, [script, 'a cup of coffee', file], {
      cwd: root,
      env: { ...process.env, PYTHONPATH: modules },
    });
    const { latent } = await unpackLatent(readFileSync(file));
    expect(latent.shape).toEqual([1, 16, 32, 32]);
    const output = await runInNode('examples/node/decode_files.mjs', join(root, 'demo/models/nano/'), folder);
    expect(output).toContain('256 × 256');
    expectPhoto(await pixelsOf(join(folder, 'cup.png')));
    rmSync(folder, { recursive: true });
  });
});
