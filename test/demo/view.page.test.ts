// The built page in a real browser under its strict CSP: it opens, shows, and is steered.
import type { Locator } from 'playwright';
import { expect, test } from 'vitest';
import { usesOwnGpu } from '../../scripts/chromium.mjs';
import { demoPage } from './page.ts';

const { open } = demoPage();

const transformOf = (canvas: Locator) => canvas.evaluate((element) => getComputedStyle(element).transform);

test('opens on a sample photograph and reconstructs it', async () => {
  const demo = await open('');
  const { page } = demo;
  const psnr = await demo.reconstructed('Tiger in snow');
  const first = await page.evaluate(() => performance.getEntriesByName('reconstruction')[0]?.startTime);
  console.log(
    `from navigation to the first reconstruction: ${((first ?? NaN) / 1000).toFixed(2)} s ` +
      `(encode ${await demo.text('#encode-time')}, decode ${await demo.text('#decode-time')}) on ${await demo.text('#adapter')}`,
  );

  expect(psnr).toBeGreaterThan(26);
  expect(psnr).toBeLessThan(28);
  const canvases = await demo.canvases();
  expect(canvases.sizes).toEqual([512, 512, 512, 512]);
  expect(canvases.psnr).toBeCloseTo(psnr, 1);

  await demo.compared();
  expect(await demo.text('#photo')).toBe('Tiger in snow (Pexels, CC0), 512 × 512 pixels');
  expect(await demo.text('#bytes')).toMatch(/^[\d.]+ kB$/);
  expect(await demo.text('#share-of')).toMatch(/^[\d.]+ % of 386 kB · [\d.]+ bits per pixel$/);
  expect(await demo.text('#latent')).toBe('64 × 64 × 16, 65,536 numbers');
  expect(await demo.text('#encode-time')).toMatch(/^[\d.]+ m?s, /);
  expect(await demo.text('#decode-time')).toMatch(/^[\d.]+ m?s, /);
  expect(await demo.text('#adapter')).toMatch(/\w{3}/);
  expect(await page.locator('#software').isVisible()).toBe(!usesOwnGpu);
  expect(await demo.text('#status')).toContain(`PSNR ${psnr.toFixed(2)} dB`);
  await expect.poll(() => page.locator('#work').isVisible()).toBe(false);
  await expect.poll(() => demo.notice.isVisible()).toBe(false);

  for (const [width, height] of [
    [390, 844],
    [1280, 800],
    [2560, 1440],
  ] as const) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await demo.screenshot(`${width}x${height}-${colorScheme}`);
    }
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow, `nothing sticks out at ${width}`).toBeLessThanOrEqual(0);
  }
});

test('keys, wheel and pointer steer the view', async () => {
  const demo = await open('?sample=coffee');
  const { page } = demo;
  await demo.reconstructed('Coffee');
  await demo.compared();
  await page.locator('.codecs').getByRole('radio', { name: 'Original' }).check();
  const { divider } = demo;
  const at = () => demo.dividedAt();
  await page.emulateMedia({ reducedMotion: 'reduce' });

  expect(await demo.shown()).toBe('split');
  await divider.focus();
  await page.keyboard.press('ArrowRight');
  await expect.poll(at).toBe(52);
  await page.keyboard.press('Shift+ArrowLeft');
  await expect.poll(at).toBe(42);
  await page.keyboard.press('End');
  await expect.poll(at).toBe(100);
  await page.keyboard.press('Home');
  await expect.poll(at).toBe(0);
  expect(await divider.getAttribute('aria-valuetext')).toBe('0 % left, 100 % reconstruction');

  await page.keyboard.press('1');
  await expect.poll(() => demo.shown()).toBe('left');
  expect(await page.locator('.modes').getByRole('radio', { name: 'Original' }).isChecked()).toBe(true);
  await expect.poll(() => page.getByRole('img', { name: 'Reconstruction: Coffee' }).isVisible()).toBe(false);
  await page.keyboard.press('3');
  await expect.poll(() => demo.shown()).toBe('neural');
  await expect.poll(() => page.getByRole('img', { name: 'Original: Coffee' }).isVisible()).toBe(false);
  await page.getByRole('radio', { name: 'Split' }).check();
  await expect.poll(() => demo.shown()).toBe('split');

  // A drag moves the divider as long as the whole picture is in view.
  await page.keyboard.press('0');
  const frame = (await page.locator('split-view').boundingBox())!;
  const middle = { x: frame.x + frame.width / 2, y: frame.y + frame.height / 2 };
  await page.mouse.move(middle.x, middle.y);
  await page.mouse.down();
  await page.mouse.move(middle.x + 150, middle.y, { steps: 4 });
  await page.mouse.up();
  await expect.poll(at).toBeGreaterThan(10);

  // One zoom and pan for both.
  const canvases = await page.locator('split-view canvas').all();
  const transforms = async () => Promise.all(canvases.map(transformOf));
  const [before] = await transforms();
  await page.mouse.wheel(0, -400); // without Ctrl, over a whole picture, the wheel scrolls the page
  await demo.drawn();
  expect((await transforms())[0]).toBe(before);
  await page.keyboard.down('Control');
  await page.mouse.wheel(0, -400);
  await page.keyboard.up('Control');
  await expect.poll(async () => (await transforms())[0]).not.toBe(before);
  await page.keyboard.press('+');
  await page.mouse.down();
  await page.mouse.move(middle.x + 40, middle.y + 30, { steps: 3 });
  await page.mouse.up();
  const zoomed = async () => new Set(await transforms());
  await expect.poll(async () => (await zoomed()).size).toBe(1);
  const [one] = await zoomed();
  expect(parseInt(await demo.text('#zoom'), 10)).toBeGreaterThan(200);
  await demo.screenshot('zoomed');
  await page.locator('.viewport').focus();
  await page.keyboard.press('ArrowLeft');
  await expect.poll(async () => (await transforms())[0]).not.toBe(one);
  await page.getByRole('button', { name: 'Fit' }).click();
  await expect.poll(async () => (await transforms())[0]).toBe(before);
});

test('the address follows sample and settings, Back returns, and settings are remembered', async () => {
  const demo = await open('?sample=rocket');
  const { page } = demo;
  await demo.reconstructed('Rocket');
  await page.waitForURL('**/?sample=rocket&quality=15&beside=jpeg');
  await demo.setQuality(40);
  await page.waitForURL('**/?sample=rocket&quality=40&beside=jpeg');
  await page.getByRole('button', { name: 'Coffee' }).click();
  await demo.reconstructed('Coffee');
  await page.waitForURL('**/?sample=coffee&quality=40&beside=jpeg');
  await page.goBack();
  await demo.reconstructed('Rocket');
  const psnr = await demo.psnr();
  await page.goto(page.url().split('?')[0]!);
  await demo.reconstructed('Tiger in snow');
  expect(await demo.text('#quality-value')).toBe('40');
  await page.goto(`${page.url().split('?')[0]}?sample=rocket&quality=40`);
  expect(await demo.reconstructed('Rocket')).toBe(psnr);
});

test('fingers: a drag moves the divider, a pinch zooms', async () => {
  const demo = await open('?sample=rocket', {
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
    reducedMotion: 'reduce',
  });
  const { page } = demo;
  await demo.reconstructed('Rocket');
  const frame = (await page.locator('split-view').boundingBox())!;
  const point = (x: number, y: number, id: number) => ({ x: frame.x + x, y: frame.y + y, id });
  const session = await page.context().newCDPSession(page);
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...touchPoints: ReturnType<typeof point>[]) =>
    session.send('Input.dispatchTouchEvent', { type, touchPoints });

  await touch('touchStart', point(100, 100, 1));
  for (const x of [120, 150, 180]) await touch('touchMove', point(x, 100, 1));
  await touch('touchEnd');
  await expect.poll(() => demo.dividedAt()).toBe(71);

  const zoom = await demo.text('#zoom');
  await touch('touchStart', point(150, 150, 1), point(200, 200, 2));
  for (const far of [20, 50, 90])
    await touch('touchMove', point(150 - far, 150 - far, 1), point(200 + far, 200 + far, 2));
  await touch('touchEnd');
  await expect.poll(async () => parseInt(await demo.text('#zoom'), 10)).toBeGreaterThan(2 * parseInt(zoom, 10));
});

test('lets nothing leave: the page’s own policy forbids it', async () => {
  const demo = await open('?sample=rocket', { meant: /Content Security Policy|elsewhere\.example/ });
  const { page } = demo;
  await demo.reconstructed('Rocket');
  const violated = await page.evaluate(async () => {
    const seen = new Promise<string>((done) =>
      document.addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective)),
    );
    const answer = await fetch('https://elsewhere.example/', { method: 'POST', body: 'x' }).then(
      () => 'went',
      () => 'stayed',
    );
    return [await seen, answer];
  });
  expect(violated).toEqual(['connect-src', 'stayed']);
  expect(await page.locator('meta[http-equiv="Content-Security-Policy"]').count()).toBe(1);
});
