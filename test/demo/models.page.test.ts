// Choosing another model: the present one stays until the new one is ready.
import { expect, test } from 'vitest';
import { demoPage, type DemoPage } from './page.ts';

const { open } = demoPage();

async function chooseAddress({ page }: DemoPage, address: string): Promise<void> {
  await page.getByLabel('Model', { exact: true }).selectOption('custom');
  await page.getByLabel('Repository or address').fill(address);
  await page.locator('#model').getByRole('button', { name: 'Load', exact: true }).click();
}

/** Compresses once more, which needs the model. */
async function expectWorking(demo: DemoPage, quality: number): Promise<void> {
  expect(await demo.text('#model-name')).toBe('nano');
  await demo.setQuality(quality);
  expect(await demo.psnr()).toBeGreaterThan(20);
}

test('a download above 100 MB begins only after a question, and No keeps the present model', async () => {
  const demo = await open('?sample=rocket');
  const { page } = demo;
  await demo.reconstructed('Rocket');
  await page.locator('#model summary').click();
  const released = page.locator('#checkpoint option[value*="/"]').first();
  await page.getByLabel('Model', { exact: true }).selectOption((await released.getAttribute('value'))!);
  await page.locator('#model').getByRole('button', { name: 'Load', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Download this model?' });
  await dialog.getByText(/is a download of [\d.]+ [MG]B/).waitFor();
  await demo.screenshot('question');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  await expectWorking(demo, 30);
});

test('a cancelled load returns to the present model', async () => {
  const demo = await open('?sample=rocket', {
    prepare: (page) => page.route('**/models/slow/**', () => undefined), // never answers
  });
  const { page } = demo;
  await demo.reconstructed('Rocket');
  await demo.compared();
  await page.locator('#model summary').click();
  await chooseAddress(demo, 'models/slow/');
  await page.locator('#model-name').getByText('…').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.locator('#model-name').getByText('nano').waitFor();
  await expectWorking(demo, 30);
});

test('the photo model, which comes with the page, takes the place of nano', async () => {
  const demo = await open('?sample=rocket');
  const { page } = demo;
  await demo.reconstructed('Rocket');
  await page.locator('#model summary').click();
  await page.getByLabel('Model', { exact: true }).selectOption('photo');
  await page.locator('#model').getByRole('button', { name: 'Load', exact: true }).click();
  await page.waitForFunction(() => document.querySelector('#model-name')?.textContent === 'photo');
  expect(await demo.reconstructed('Rocket')).toBeGreaterThan(20);
  await demo.screenshot('photo-model');
});
