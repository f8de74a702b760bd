// Pictures come in: picked, pasted, dropped, chosen; and a new one ends the work on the one before it.
import { expect, test } from 'vitest';
import { usesOwnGpu } from '../../scripts/chromium.mjs';
import { demoPage, thumb } from './page.ts';

const { open } = demoPage();

test('takes pictures that are picked, pasted and dropped, and samples', async () => {
  const demo = await open('?sample=coffee', { permissions: ['clipboard-read', 'clipboard-write'] });
  const { page } = demo;
  await demo.reconstructed('Coffee');

  await demo.pick('holiday.jpg', thumb('moose'));
  expect(await demo.reconstructed('holiday.jpg')).toBeGreaterThan(20);
  expect(await demo.text('#photo')).toBe('holiday.jpg, 128 × 128 pixels');
  expect(await page.locator('#samples [aria-current]').count()).toBe(0);

  // No multiple of 8, and see-through in the middle: it is padded, cropped, and laid on white.
  const png = await demo.paintedPng(100, 75);
  await page.evaluate(
    async (bytes) => {
      const blob = new Blob([new Uint8Array(bytes)], { type: 'image/png' });
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
    },
    [...png],
  );
  await page.locator('h1').click();
  await page.keyboard.press('ControlOrMeta+v');
  expect(await demo.reconstructed('image.png')).toBeGreaterThan(25);
  expect(await demo.text('#photo')).toBe('image.png, 100 × 75 pixels');
  expect(await demo.text('#latent')).toBe('13 × 10 × 16, 2,080 numbers');
  const { sizes, psnr } = await demo.canvases();
  expect(sizes).toEqual([100, 75, 100, 75]);
  expect(psnr).toBeCloseTo(await demo.psnr(), 1);
  const centre = await page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('[data-layer="original"] canvas')!;
    return [...canvas.getContext('2d')!.getImageData(50, 37, 1, 1).data];
  });
  expect(centre).toEqual([255, 255, 255, 255]);

  const dataTransfer = await page.evaluateHandle(
    (bytes) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(bytes)], 'dropped.jpg', { type: 'image/jpeg' }));
      return transfer;
    },
    [...thumb('coffee')],
  );
  await page.dispatchEvent('body', 'dragenter', { dataTransfer });
  await page.locator('.drop').waitFor();
  await demo.screenshot('dropping');
  await page.dispatchEvent('body', 'drop', { dataTransfer });
  await page.locator('.drop').waitFor({ state: 'hidden' });
  expect(await demo.reconstructed('dropped.jpg')).toBeGreaterThan(20);

  await page.getByRole('button', { name: 'Lake shore' }).click();
  expect(await demo.reconstructed('Lake shore')).toBeGreaterThan(25);
  expect(await page.locator('#samples [aria-current]').getAttribute('title')).toBe('Lake shore');
});

test('a file that is not a picture is named, and changes nothing', async () => {
  const demo = await open('?sample=coffee');
  const before = await demo.reconstructed('Coffee');
  await demo.pick('shopping.txt', Buffer.from('milk, eggs, bread'));
  await demo.notice.getByText('“shopping.txt” cannot be opened as a picture').waitFor();
  await demo.screenshot('no-picture');
  expect(await demo.reconstructed('Coffee')).toBe(before); // what was there is there
  await demo.pick('torn.png', thumb('moose').subarray(0, 90));
  await demo.notice.getByText('“torn.png”').waitFor();
  await demo.notice.getByRole('button').click();
  await expect.poll(() => demo.notice.isVisible()).toBe(false);
  await demo.pick('moose.jpg', thumb('moose'));
  await demo.reconstructed('moose.jpg');
});

test('files without a type, with upper-case extensions, and of several kinds are all handled', async () => {
  const demo = await open('?sample=rocket');
  const { page } = demo;
  await demo.reconstructed('Rocket');
  const file = await demo.saved('Save .dcae');
  await page.locator('#file').setInputFiles([
    { name: 'MOOSE.JPG', mimeType: '', buffer: thumb('moose') },
    { name: 'ROCKET.DCAE', mimeType: '', buffer: file.bytes },
    { name: 'coffee', mimeType: '', buffer: thumb('coffee') },
  ]);
  const dialog = page.getByRole('dialog', { name: 'Several files' });
  await dialog.getByText(/^3 files: .+ became .+ %\.$/).waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  await demo.pick('ROCKET.DCAE', file.bytes);
  await page.locator('#photo').getByText('ROCKET.DCAE, 256 × 256').waitFor({ state: 'attached' });
  // The opened file's quality is not the setting of later pictures.
  await demo.pick('MOOSE.JPG', thumb('moose'));
  await demo.reconstructed('MOOSE.JPG');
});

test('a new picture ends the run before it, and Cancel ends a run', async () => {
  const demo = await open('?sample=coffee');
  const { page } = demo;
  await demo.reconstructed('Coffee');
  for (const name of ['Tulips', 'Rocket', 'Chelsea the cat']) await page.getByRole('button', { name }).click();
  await demo.reconstructed('Chelsea the cat');
  expect((await demo.canvases()).psnr).toBeCloseTo(await demo.psnr(), 1);

  // Pressed the moment it is there, so that a fast GPU isn't done before.
  await page.evaluate(() => {
    const bar = document.querySelector<HTMLElement>('#work')!;
    new MutationObserver((_, observer) => {
      if (bar.hidden) return;
      observer.disconnect();
      bar.querySelector('button')!.click();
    }).observe(bar, { attributes: true });
  });
  await page.getByRole('button', { name: 'Tulips' }).click();
  await demo.notice.getByText('Stopped').waitFor();
  expect(await demo.shown()).toBe('left');
  expect(await demo.row('neural')).toEqual(['', '', '']);
  await demo.notice.getByRole('button', { name: 'Compress it' }).click();
  await demo.reconstructed('Tulips');
  await expect.poll(() => demo.notice.isVisible()).toBe(false);
});

test.skipIf(usesOwnGpu)('makes a picture smaller where a CPU would take long, and says so', async () => {
  const demo = await open('?sample=coffee');
  await demo.reconstructed('Coffee');
  await demo.pick('wide.png', await demo.paintedPng(1024, 576));
  expect(await demo.reconstructed('wide.png')).toBeGreaterThan(25);
  expect(await demo.text('#photo')).toBe('wide.png, 683 × 384 pixels');
  expect(await demo.text('#losses')).toMatch(/^Made smaller from 1024 × 576 to 683 × 384/);
  expect((await demo.canvases()).sizes).toEqual([683, 384, 683, 384]);
});
