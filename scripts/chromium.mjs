// Which Chromium the tests run in, and with which flags.
import { accessSync, constants, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';

/** Flags for every test browser. The last four keep it from calling home. */
const flags = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** @param {string} path */
function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Looks for a program in the folders of PATH.
 *
 * @param {readonly string[]} names - of the program, the preferred one first
 * @returns {string | undefined} its path; undefined if there is none
 */
export function findExecutable(names) {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(executable);
}

/**
 * The browser named by CHROMIUM or CHROME_PATH, else one that the machine has, else Playwright's own.
 *
 * @returns {string | undefined} its path; undefined where there is none
 */
export function chromiumPath() {
  const named = process.env['CHROMIUM'] || process.env['CHROME_PATH'];
  if (named) return named;
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const mac = [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ];
  return findExecutable(names) ?? [...mac, ...playwrightChromium()].find(executable);
}

/** Where Playwright keeps, or would keep, the Chromium that it downloads. Nowhere before dependencies are installed. */
function playwrightChromium() {
  try {
    return [createRequire(import.meta.url)('playwright').chromium.executablePath()];
  } catch {
    return [];
  }
}

/** Whether DCAE_ADAPTER=default asks for the machine's own GPU rather than the two software adapters. */
export const usesOwnGpu = process.env['DCAE_ADAPTER'] === 'default';

/** The folder that setup-lavapipe.sh filled, or would fill. */
export const lavapipeFolder = process.env['LAVAPIPE_DIR'] ?? join(import.meta.dirname, '..', '.cache', 'lavapipe');

/** Whether lavapipe has been set up. */
export function hasLavapipe() {
  return existsSync(join(lavapipeFolder, 'lvp_shim.so')) && existsSync(join(lavapipeFolder, 'libvulkan_lvp.so'));
}

/**
 * The fastest adapter that this machine can offer.
 *
 * @returns {'swiftshader' | 'lavapipe' | 'default'}
 */
export function fastestAdapter() {
  if (usesOwnGpu) return 'default';
  return hasLavapipe() ? 'lavapipe' : 'swiftshader';
}

/**
 * Playwright's launch options for one adapter.
 *
 * - `swiftshader`: the software adapter that Chromium brings along: f32 only, subgroups of 4.
 * - `lavapipe`: Mesa's software adapter, put in SwiftShader's place: shader-f16, subgroups of 8, faster.
 * - `default`: whatever GPU the machine has.
 *
 * @param {'swiftshader' | 'lavapipe' | 'default'} adapter
 */
export function launchOptions(adapter) {
  const executablePath = chromiumPath();
  const software = adapter === 'default' ? [] : ['--use-webgpu-adapter=swiftshader'];
  const environment = /** @type {Record<string, string>} */ ({ ...process.env });
  if (adapter === 'lavapipe') {
    environment['LD_PRELOAD'] = join(lavapipeFolder, 'lvp_shim.so');
    environment['LVP_LIB'] = join(lavapipeFolder, 'libvulkan_lvp.so');
    environment['XDG_RUNTIME_DIR'] ??= '/tmp';
  }
  return { ...(executablePath && { executablePath }), args: [...flags, ...software], env: environment };
}
