// The page is for everyone: with a keyboard alone, with a screen reader, without a network, from another app's share
// menu.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { demoPage, stoppable, thumb, type DemoPage } from './page.ts';

const { open } = demoPage();
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The faults that axe finds in the page as it is now. */
async function violations({ page }: DemoPage): Promise<string[]> {
  await page.evaluate(axe);
  return await page.evaluate(async () => {
    interface Result {
      readonly id: string;
      readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
    }
    const { axe } = globalThis as typeof globalThis & { axe: { run(): Promise<{ violations: readonly Result[] }> } };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
  });
}

test('axe finds nothing wrong, in light and dark, on a phone and a desk, whatever is open', async () => {
  const demo = await open('?sample=rocket', { reducedMotion: 'reduce' });
  const { page } = demo;
  await demo.reconstructed('Rocket');
  await demo.compared();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 1280, height: 800 });
    expect(await violations(demo), colorScheme).toEqual([]);
    await page.evaluate(() => document.querySelectorAll('details').forEach((details) => (details.open = true)));
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await violations(demo), `${colorScheme}, all open`).toEqual([]);
    await page.screenshot({ path: demo.path(`panels-390-${colorScheme}`), fullPage: true });
  }
  await demo.pick('list.txt', Buffer.from('?'));
  await demo.notice.waitFor();
  expect(await violations(demo), 'a notice').toEqual([]);
  await demo.notice.getByRole('button').click();
  const picture = { name: 'moose.jpg', mimeType: 'image/jpeg', buffer: thumb('moose') };
  await page.locator('#file').setInputFiles([picture, picture]);
  await page.getByText(/^2 files:/).waitFor();
  expect(await violations(demo), 'many pictures').toEqual([]);
});

test('forced colours show the chosen mode', async () => {
  const demo = await open('?sample=rocket', { reducedMotion: 'reduce', forcedColors: 'active' });
  const { page } = demo;
  await demo.reconstructed('Rocket');
  const background = (mode: string) =>
    page
      .locator(`.modes label:has([value="${mode}"]) > span`)
      .evaluate((element) => getComputedStyle(element).backgroundColor);
  expect(await background('split')).not.toBe(await background('neural'));
  await demo.screenshot('forced-colours');
});

test('a keyboard is enough', async () => {
  const demo = await open('?sample=rocket', { reducedMotion: 'reduce' });
  const { page } = demo;
  await demo.reconstructed('Rocket');
  await demo.compared();
  const focused = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.className || '');
  const tabTo = async (wanted: string) => {
    for (let i = 0; i < 60 && (await focused()) !== wanted; i++) await page.keyboard.press('Tab');
    expect(await focused()).toBe(wanted);
  };
  await tabTo('divider');
  await page.keyboard.press('ArrowRight');
  await expect.poll(() => demo.dividedAt()).toBe(52);
  await tabTo('quality');
  await page.evaluate(() => performance.clearMarks('compared'));
  const before = await demo.text('#bytes');
  for (let i = 0; i < 12; i++) await page.keyboard.press('ArrowRight');
  await demo.compared();
  expect(await demo.text('#quality-value')).toBe('27');
  expect(await demo.text('#bytes')).not.toBe(before);
  for (const [key, shown] of [
    ['1', 'left'],
    ['3', 'neural'],
    ['4', 'difference'],
    ['5', 'bits'],
    ['2', 'split'],
  ] as const) {
    await page.keyboard.press(key);
    await expect.poll(() => demo.shown()).toBe(shown);
  }
  await page.keyboard.press('p');
  const squares = page.getByRole('button', { name: 'Pixels as squares' });
  await expect.poll(() => squares.getAttribute('aria-pressed')).toBe('true');
  await tabTo('save');
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
  expect(download.suggestedFilename()).toBe('Rocket.dcae');
});

test('works offline after the first visit, and takes what another app shares', async () => {
  const server = await stoppable();
  const demo = await open('?sample=rocket', {
    serviceWorkers: 'allow',
    server: server.address,
    meant: /ERR_CONNECTION_REFUSED/,
  });
  const { page } = demo;
  const psnr = await demo.reconstructed('Rocket');
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.getByText('Use offline').click();
  await page.getByRole('button', { name: 'Store all samples' }).click();
  await page.getByText('All samples are stored.').waitFor();
  const sent = await page.evaluate(
    async (bytes) => {
      const form = new FormData();
      form.append('file', new File([new Uint8Array(bytes)], 'shared.jpg', { type: 'image/jpeg' }));
      return (await fetch('share', { method: 'POST', body: form, redirect: 'manual' })).type;
    },
    [...thumb('moose')],
  );
  expect(sent).toBe('opaqueredirect');
  server.stop();
  await page.reload();
  expect(await demo.reconstructed('Rocket')).toBe(psnr);
  await page.goto(`${page.url().split('?')[0]}?shared`);
  await demo.reconstructed('shared.jpg');
  await demo.screenshot('offline');
});
