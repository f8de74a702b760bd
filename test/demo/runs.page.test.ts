// How the network runs: its memory budget, regions, stages and dtype; and a checkpoint dropped as a folder.
import { expect, test } from 'vitest';
import { demoPage, sample, type DemoPage } from './page.ts';

const { open } = demoPage();

/** Gives the budget called 256 MB another size, for every sample picture fits in it, and chooses it. */
async function budgetOf({ page }: DemoPage, bytes: number): Promise<void> {
  await page.locator('#budget option:nth-child(2)').evaluate((option, value) => {
    option.setAttribute('value', String(value));
  }, bytes);
  await page.evaluate(() => performance.clearMarks('reconstruction'));
  await page.getByLabel('Memory budget').selectOption({ label: '256 MB' });
}

test('a budget makes regions of a picture, whose progress shows; one too small is refused in words', async () => {
  const demo = await open('?sample=coffee');
  const { page } = demo;
  await demo.reconstructed('Coffee');
  await demo.compared();
  const picture = await demo.hashOf('neural');
  const panel = page.locator('#runs-on');
  await panel.locator('summary').click();
  const plan = (half: string) => panel.locator(`dt:text-is("${half}: plan") + dd`).textContent();
  expect(await plan('Encode')).toBe('1 region, 1.00 × the work of one piece');
  const choices = await panel.getByLabel('Memory budget').locator('option').allTextContents();
  expect(choices).toEqual(['automatic', '256 MB', '512 MB', '1 GB', '2 GB']);

  await page.evaluate(() => {
    const label = document.querySelector('#work label')!;
    const seen: string[] = [];
    Object.assign(globalThis, { seen });
    new MutationObserver(() => seen.push(label.textContent)).observe(label, { childList: true });
  });
  await budgetOf(demo, 4e6);
  await page.waitForFunction(() => performance.getEntriesByName('reconstruction').length > 0);
  const [, regions, work] = /^(\d+) regions, (\d\.\d\d) × the work of one piece$/.exec((await plan('Decode'))!)!;
  expect(Number(regions)).toBeGreaterThan(1);
  expect(Number(work)).toBeGreaterThanOrEqual(1);
  expect(await demo.hashOf('neural')).toBe(picture);
  const seen = await page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen);
  expect(seen).toContain(`Decoding: region 1 of ${regions}`);
  await panel.getByText('Decode: plan').scrollIntoViewIfNeeded();
  await demo.screenshot('regions');

  await budgetOf(demo, 1000);
  await demo.notice.getByRole('heading', { name: 'This picture needs too much memory' }).waitFor();
  expect(await demo.notice.textContent()).toMatch(/memoryBudget/);
});

test('the stages of a run are timed when asked for', async () => {
  const demo = await open('?sample=coffee', { viewport: { width: 1280, height: 1400 } });
  const { page } = demo;
  await demo.reconstructed('Coffee');
  await page.locator('#runs-on summary').click();
  expect(await page.getByText('Decode: stages').count()).toBe(0);
  await page.getByLabel('Time each stage').check();
  await page.getByText('Decode: stages').waitFor();
  const machine = await demo.text('#machine');
  const timestamps = /Features[^]*timestamp-query[^]*Encode:/.test(machine);
  expect(machine).toContain(timestamps ? 'by timestamp queries' : 'no timestamp-query on this device');
  expect(machine).toMatch(/encoder\.conv_in[\d.]+ m?s/);
  expect(machine).toMatch(/decoder\.conv_out[\d.]+ m?s/);
  await page.locator('#runs-on').scrollIntoViewIfNeeded();
  await demo.screenshot('stages');
});

test('a folder that is dropped is a checkpoint, whose weights can be kept as f16', async () => {
  const demo = await open('?sample=coffee');
  const { page } = demo;
  const exact = await demo.reconstructed('Coffee');
  await page.locator('#model summary').click();
  await page.getByLabel('Store weights as').selectOption('f16');

  // The browser's own drop, of a real folder.
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [sample('../models/nano')], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x: 400, y: 300, data });
  }
  await page.waitForFunction(() => document.querySelector('#model-name')?.textContent === 'your own');
  await page.waitForFunction(() => /in f16\.$/.test(document.querySelector('#weights')?.textContent ?? ''));
  expect(Math.abs((await demo.reconstructed('Coffee')) - exact)).toBeLessThan(0.1);
});
