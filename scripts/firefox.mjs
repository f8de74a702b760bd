// The Firefox that tests run in, and how it starts.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findExecutable, lavapipeFolder } from './chromium.mjs';

/**
 * The browser that FIREFOX names, or else the machine's own.
 *
 * @returns {string | undefined} its path; undefined if there is none
 */
export function firefoxPath() {
  return process.env['FIREFOX'] || findExecutable(['firefox-esr', 'firefox']);
}

/**
 * Starts Firefox on lavapipe, which must be set up.
 *
 * @returns {Promise<import('puppeteer-core').Browser>}
 */
export async function launchFirefox() {
  const { launch } = await import('puppeteer-core');
  const executablePath = firefoxPath();
  if (!executablePath) throw new Error('There is no Firefox. Install one, or name it in FIREFOX.');
  // The Vulkan loader reads the driver's path from a file; the path is relative to that file.
  const driver = join(lavapipeFolder, 'firefox_icd.json');
  const ICD = { library_path: './libvulkan_lvp.so', api_version: '1.4.305' };
  writeFileSync(driver, JSON.stringify({ file_format_version: '1.0.0', ICD }));
  return await launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    env: { ...process.env, VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver },
    // Firefox for Linux offers WebGPU, and a software adapter, only on request.
    extraPrefsFirefox: { 'dom.webgpu.enabled': true, 'gfx.webgpu.ignore-blocklist': true },
  });
}
