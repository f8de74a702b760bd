// Photographs become .dcae files and come back: the slider, the other codecs, saving, opening, many at once, links.
import { readFileSync } from 'node:fs';
import { unzipSync } from 'fflate';
import { expect, test } from 'vitest';
import { demoPage, sample, thumb } from './page.ts';

const { open } = demoPage();

test('compress, move the slider, compare, save, and reopen in a fresh page: the same picture', async () => {
  const demo = await open('?sample=coffee', { reducedMotion: 'reduce' });
  const { page } = demo;
  await demo.reconstructed('Coffee');
  await demo.compared();
  const sizes: number[] = [];
  const likeness: number[] = [];
  for (const quality of [25, 70]) {
    await demo.setQuality(quality);
    sizes.push(parseFloat(await demo.text('#bytes')));
    likeness.push(await demo.psnr());
    const size = parseFloat((await demo.row('neural'))[0]!);
    for (const format of ['jpeg', 'webp']) {
      const [weight, psnr, ssim] = await demo.row(format);
      const isTooLarge = (await page.locator(`tr.${format}[data-too-large]`).count()) > 0;
      if (!isTooLarge) expect(parseFloat(weight!), `${format} is no larger`).toBeLessThanOrEqual(size);
      expect(parseFloat(psnr!)).toBeGreaterThan(15);
      expect(parseFloat(ssim!)).toBeGreaterThan(0.4);
    }
  }
  expect(sizes[1]).toBeGreaterThan(sizes[0]!);
  expect(likeness[1]).toBeGreaterThan(likeness[0]!);
  // The curve has a point for each quality that was set, and more are measured while the page rests.
  await page.waitForFunction(() => performance.getEntriesByName('curve').length > 0);
  expect(await page.locator('#curve .mark.neural').count()).toBeGreaterThanOrEqual(7);
  expect(await page.locator('#curve .mark.jpeg').count()).toBeGreaterThanOrEqual(6);
  await expect
    .poll(() => page.getByRole('img', { name: /^PSNR against bits per pixel\. \.dcae/ }).isVisible())
    .toBe(true);

  // Another codec on the left, what sets the two apart, and where the bits went.
  await page.locator('.codecs').getByRole('radio', { name: 'WebP' }).check();
  await page.getByRole('img', { name: 'WebP: Coffee' }).waitFor();
  await page.locator('.codecs').getByRole('radio', { name: 'JPEG' }).check();
  await page.getByRole('img', { name: 'JPEG: Coffee' }).waitFor();
  expect(await demo.text('#left-name')).toBe('JPEG');
  await demo.screenshot('beside-jpeg');
  await page.keyboard.press('4');
  await page.getByRole('img', { name: 'Difference of JPEG and reconstruction: Coffee' }).waitFor();
  await demo.screenshot('difference');
  await page.keyboard.press('5');
  await page.getByRole('img', { name: 'Where the bits went: Coffee' }).first().waitFor();
  await demo.screenshot('bits');

  const file = await demo.saved('Save .dcae');
  expect(file.name).toBe('Coffee.dcae');
  expect(file.bytes.length / 1000).toBeCloseTo(sizes[1]!, 1);
  const jpeg = await demo.saved('Save JPEG');
  expect(jpeg.name).toBe('Coffee.jpg');
  expect([jpeg.bytes.length / 1000, jpeg.bytes[0]]).toEqual([
    expect.closeTo(parseFloat((await demo.row('jpeg'))[0]!), 1),
    0xff,
  ]);
  const png = await demo.saved('Save PNG');
  expect(png.bytes.subarray(1, 4).toString()).toBe('PNG');
  const picture = await demo.hashOf('neural');
  await page.context().close();

  const fresh = await open('?sample=rocket');
  await fresh.reconstructed('Rocket');
  await fresh.pickFile(file.name, file.bytes);
  await fresh.page.locator('#status').getByText('Opened').waitFor({ state: 'attached' });
  expect(await fresh.hashOf('neural')).toBe(picture);
  expect(await fresh.shown()).toBe('neural');
  await expect.poll(() => fresh.page.getByRole('slider', { name: 'Quality' }).isDisabled()).toBe(true);
  expect(await fresh.text('#quality-value')).toBe('70');
  await fresh.screenshot('opened');

  // A damaged file is refused, and what was there stays.
  const torn = Buffer.from(file.bytes);
  torn[torn.length >> 1]! ^= 1;
  await fresh.pickFile('torn.dcae', torn);
  await fresh.notice.getByRole('heading', { name: 'This .dcae file cannot be opened' }).waitFor();
  await fresh.screenshot('damaged-file');
  for (const [name, content, words] of [
    ['short.dcae', file.bytes.subarray(0, 200), 'Its end is missing'],
    ['not.dcae', Buffer.from('a shopping list'), 'It is another kind of file'],
  ] as const) {
    await fresh.pickFile(name, content);
    await fresh.notice.getByText(words).waitFor();
  }
  await fresh.notice.getByRole('button').click();
  expect(await fresh.hashOf('neural')).toBe(picture);
  expect(await fresh.text('#photo')).toBe('Coffee.dcae, 256 × 256 pixels');
});

test('many pictures become a table and a zip, and Cancel ends it', async () => {
  const demo = await open('?sample=rocket');
  const { page } = demo;
  await demo.reconstructed('Rocket');
  const pictures = ['moose', 'coffee'].map((name) => ({
    name: `${name}.jpg`,
    mimeType: 'image/jpeg',
    buffer: thumb(name),
  }));
  const none = { name: 'none.png', mimeType: 'image/png', buffer: Buffer.from('none') };
  await page.locator('#file').setInputFiles([pictures[0]!, none, pictures[1]!, pictures[0]!]);
  const dialog = page.getByRole('dialog', { name: 'Several files' });
  await dialog.getByText(/^3 files: .+ became .+ %\.$/).waitFor();
  expect(await dialog.getByRole('row').count()).toBe(5);
  await dialog.getByText('not a picture').waitFor();
  await demo.screenshot('batch');
  const zip = await demo.saved('Save all as a zip');
  const files = unzipSync(zip.bytes);
  expect(Object.keys(files)).toEqual(['moose.dcae', 'coffee.dcae', 'moose-2.dcae']);
  await dialog.getByRole('button', { name: 'Close' }).click();

  await demo.pickFile('moose.dcae', Buffer.from(files['moose.dcae']!));
  await page.locator('#photo').getByText('moose.dcae, 128 × 128').waitFor({ state: 'attached' });

  await page.locator('#file').setInputFiles(Array.from({ length: 30 }, () => pictures[0]!));
  await dialog.getByText(/^File \d+ of 30/).waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Coffee' }).click();
  await demo.reconstructed('Coffee');
});

test('a target size makes the best files of every codec that are no larger', async () => {
  const demo = await open('?sample=rocket');
  const { page } = demo;
  await demo.reconstructed('Rocket');
  await demo.compared();
  const sizesFor = async (kilobytes: string, shown = `${kilobytes} kB`) => {
    await page.evaluate(() => performance.clearMarks('compared'));
    await page.getByLabel('Make it').fill(kilobytes);
    await page.getByRole('button', { name: 'Apply' }).click();
    await demo.compared();
    expect(await demo.text('#compared-size')).toBe(`At most ${shown}`);
    return await Promise.all(['neural', 'jpeg', 'webp'].map(async (name) => parseFloat((await demo.row(name))[0]!)));
  };
  const small = await sizesFor('4.00');
  const large = await sizesFor('9.00');
  for (const [i, size] of large.entries()) {
    expect(size).toBeGreaterThan(small[i]!);
    expect(size).toBeLessThanOrEqual(9);
  }
  expect(small[0]).toBeLessThanOrEqual(4);
  await sizesFor('0.10', '100 B');
  expect(await demo.text('#target-hint')).toMatch(/ is this model’s smallest file\.$/);
  expect(await demo.text('tr.jpeg small')).toMatch(/^smallest: \d+ % larger$/);
});

test('AVIF is measured when it is asked for, by an encoder of the page’s own', async () => {
  const demo = await open('?sample=rocket');
  await demo.reconstructed('Rocket');
  await demo.compared();
  await demo.page.evaluate(() => performance.clearMarks('compared'));
  await demo.page.getByRole('button', { name: 'Measure AVIF' }).click();
  await demo.compared();
  const [weight, psnr] = await demo.row('avif');
  expect(parseFloat(weight!)).toBeLessThanOrEqual(parseFloat((await demo.row('neural'))[0]!));
  expect(parseFloat(psnr!)).toBeGreaterThan(20);
});

test('a link opens a hosted file; a link that leads nowhere says so; links can be made', async () => {
  const made = await open('?sample=rocket');
  await made.reconstructed('Rocket');
  const { bytes } = await made.saved('Save .dcae');
  const picture = await made.hashOf('neural');
  await made.page.getByText('Share a link').click();
  await made.page.getByLabel('Address of the file').fill('https://pictures.example/rocket.dcae');
  await made.page.getByRole('button', { name: 'Copy link' }).click();
  await made.page.locator('#link').getByText('?open=https%3A%2F%2Fpictures.example%2Frocket.dcae').waitFor();
  await made.page.context().close();

  const demo = await open('?open=samples/rocket.dcae', {
    prepare: (page) => page.route('**/samples/rocket.dcae', (route) => route.fulfill({ body: bytes })),
  });
  await demo.page.locator('#photo').getByText('rocket.dcae, 256 × 256').waitFor({ state: 'attached' });
  expect(await demo.hashOf('neural')).toBe(picture);
  await demo.page.context().close();

  const lost = await open('?open=samples/none.dcae', {
    prepare: (page) => page.route('**/samples/none.dcae', (route) => route.fulfill({ status: 404 })),
    meant: /404/,
  });
  await lost.notice.getByRole('heading', { name: 'The linked file could not be fetched' }).waitFor();
});

test('another checkpoint is loaded from files; a file of the first asks for it, and the button brings it', async () => {
  const demo = await open('?sample=rocket');
  const { page } = demo;
  await demo.reconstructed('Rocket');
  const { bytes } = await demo.saved('Save .dcae');
  const picture = await demo.hashOf('neural');
  const details = page.locator('#model');
  await details.locator('summary').click();
  await details.getByText(/^This browser keeps \d+ kB of models/).waitFor();
  await details.getByRole('button', { name: 'Delete stored models' }).click();
  await details.getByText('This browser keeps no models yet.').waitFor();
  expect(await details.getByLabel('Model', { exact: true }).locator('option').count()).toBe(12);

  // The same network with the last bit of some weights flipped: another checkpoint.
  const [config, weights] = ['config.json', 'diffusion_pytorch_model.safetensors'].map((name) => ({
    name,
    mimeType: 'application/octet-stream',
    buffer: readFileSync(sample(`../models/nano/${name}`)),
  }));
  const { buffer } = weights!;
  for (let i = 8 + Number(buffer.readBigUInt64LE()); i < buffer.length; i += 32) buffer[i]! ^= 1;
  // which only takes a real one
  await page.locator('#folder').evaluate((field) => field.removeAttribute('webkitdirectory'));
  await page.locator('#folder').setInputFiles([config!, weights!]);
  await page.waitForFunction(() => document.querySelector('#model-name')?.textContent === 'your own');
  await demo.reconstructed('Rocket');

  await demo.pickFile('rocket.dcae', bytes);
  await demo.notice.getByRole('heading', { name: 'This file needs another model' }).waitFor();
  await demo.notice.getByRole('button', { name: 'Load nano' }).click();
  await page.locator('#photo').getByText('rocket.dcae, 256 × 256').waitFor({ state: 'attached' });
  expect(await demo.hashOf('neural')).toBe(picture);
});
