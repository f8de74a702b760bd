// What a person reads, and can do, when something is missing or breaks.
import { expect, test } from 'vitest';
import { demoPage, patchWorker, thumb } from './page.ts';

const { open } = demoPage();

test('shows true progress while the model loads, and Cancel ends it', async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((done) => (release = done));
  const demo = await open('?sample=rocket', {
    prepare: (target) =>
      target.route(/\.safetensors$/, async (route) => {
        if (!/bytes=0-/.test(route.request().headers()['range'] ?? '')) await held;
        await route.continue().catch(() => undefined); // it may have been cancelled by now
      }),
  });
  const { page } = demo;
  await page
    .locator('#work')
    .getByText(/^Loading the model: [\d.]+ k?B of 88\d kB(, .+\/s)?$/)
    .waitFor();
  await page.getByRole('img', { name: 'Original: Rocket' }).waitFor();
  await demo.screenshot('loading');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await demo.notice.getByText('Loading was cancelled').waitFor();
  await expect.poll(() => page.workers().length).toBe(1);

  release();
  await page.unroute(/\.safetensors$/);
  await demo.notice.getByRole('button', { name: 'Load the model' }).click();
  expect(await demo.reconstructed('Rocket')).toBeGreaterThan(25);
});

test('says what to do where there is no WebGPU', async () => {
  const demo = await open('?sample=rocket', {
    prepare: (target) =>
      target.addInitScript(() => Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined })),
  });
  const { page } = demo;
  await demo.notice.getByRole('heading', { name: 'This browser has no WebGPU' }).waitFor();
  await page.getByRole('img', { name: 'Original: Rocket' }).waitFor();
  for (const [width, height] of [
    [1280, 800],
    [390, 844],
  ] as const) {
    await page.setViewportSize({ width, height });
    await demo.screenshot(`no-webgpu-${width}`);
  }
  // Pictures can still be looked at, and what was said stands.
  await demo.pick('moose.jpg', thumb('moose'));
  await page.getByRole('img', { name: 'Original: moose.jpg' }).waitFor();
  await demo.pick('a.txt', Buffer.from('?'));
  await demo.notice.getByText('“a.txt”').waitFor();
  await demo.notice.getByRole('button').click();
  await demo.notice.getByText('This browser has no WebGPU').waitFor();

  const reloaded = page.waitForEvent('load');
  await demo.notice.getByRole('button', { name: 'Try again' }).click();
  await reloaded;
});

test('says what to do where no adapter answers, and tries again', async () => {
  const demo = await open('?sample=rocket', {
    prepare: (target) => patchWorker(target, 'GPU.prototype.requestAdapter = () => Promise.resolve(null);'),
  });
  const { page } = demo;
  await demo.notice.getByRole('heading', { name: 'No GPU answered' }).waitFor();
  await page.unrouteAll();
  await demo.notice.getByRole('button', { name: 'Try again' }).click();
  await demo.reconstructed('Rocket');
});

test('says that the device was lost, and loads again', async () => {
  const demo = await open('?sample=rocket', {
    prepare: (target) =>
      patchWorker(
        target,
        `const request = GPUAdapter.prototype.requestDevice;
         GPUAdapter.prototype.requestDevice = async function (...args) {
           return (globalThis.testDevice = await request.apply(this, args));
         };`,
      ),
  });
  const { page } = demo;
  const before = await demo.reconstructed('Rocket');
  await page
    .workers()
    .find((worker) => /\/worker-/.test(worker.url()))!
    .evaluate('testDevice.destroy()');
  await demo.notice.getByRole('heading', { name: 'The GPU stopped' }).waitFor();
  await demo.screenshot('device-lost');
  // The picture stays, and can be saved.
  await page.getByRole('img', { name: 'Reconstruction: Rocket' }).waitFor();
  expect((await demo.saved('Save PNG')).bytes.length).toBeGreaterThan(10_000);
  await demo.notice.getByRole('button', { name: 'Load the model again' }).click();
  await expect.poll(() => demo.notice.isVisible()).toBe(false);
  await page.waitForFunction(() => performance.getEntriesByName('reconstruction').length === 2);
  expect(await demo.reconstructed('Rocket')).toBe(before);
  await expect.poll(() => page.workers().length).toBe(2);
});

test('says that the model could not be had', async () => {
  const demo = await open('?sample=rocket', {
    prepare: (target) => target.route(/models\/nano\//, (route) => route.fulfill({ status: 403 })),
    meant: /403/,
  });
  const { page } = demo;
  await demo.notice.getByRole('heading', { name: 'The server refuses to send the model' }).waitFor();
  await demo.notice.getByText('Details').click();
  expect(await demo.notice.locator('pre').textContent()).toContain('403');
  await page.unrouteAll();
  await demo.notice.getByRole('button', { name: 'Try again' }).click();
  await demo.reconstructed('Rocket');
});
