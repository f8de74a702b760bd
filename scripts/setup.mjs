// Installs the needs of `npm start` and `npm test` on a machine with only Node and npm. Imports Node's own modules
// only.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { chromiumPath, hasLavapipe, lavapipeFolder } from './chromium.mjs';
import { firefoxPath } from './firefox.mjs';
import { compilerFolder, hasGpuCompiler } from './gpu-compiler/compile_for.mjs';

/** The top of the repository. */
export const root = resolve(import.meta.dirname, '..');

const windows = process.platform === 'win32';

/**
 * Runs a command in the repository and gives its exit status; its output goes where ours goes.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Record<string, string>} [env]
 * @returns {Promise<number>}
 */
export function run(command, args, env = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env },
      shell: windows,
    });
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      done(127);
    });
    child.on('close', (status) => done(status ?? 1));
  });
}

/**
 * Runs a command and gives what it said, for one that is asked rather than watched.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Promise<{ status: number, output: string }>}
 */
export function ask(command, args) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], shell: windows });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    child.on('error', (error) => done({ status: 127, output: error.message }));
    child.on('close', (status) => done({ status: status ?? 1, output: output.trim() }));
  });
}

/**
 * The JavaScript file behind a package's command, so that it runs under this very Node.
 *
 * @param {string} name - the package, and its command of the same name
 * @param {string} [command]
 */
export function packageBin(name, command = name) {
  const folder = join(root, 'node_modules', name);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[command]);
}

/** Installs the dependencies when there are none, or others than package-lock.json names. */
export async function installDependencies() {
  const stamp = join(root, 'node_modules', '.dc-ae-webgpu-lock');
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return true;
  console.log('Installing dependencies (npm ci)');
  if ((await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])) !== 0) return false;
  writeFileSync(stamp, lock);
  return true;
}

/**
 * How to become root without asking anybody: we are, or a CI machine lets us. Undefined on anyone's own machine.
 *
 * @returns {Promise<string[] | undefined>} what to put before a command
 */
async function asRoot() {
  if (process.getuid?.() === 0) return [];
  const sudo = process.env['CI'] && (await ask('sudo', ['-n', 'true'])).status === 0;
  return sudo ? ['sudo', '-n'] : undefined;
}

/**
 * Installs Debian or Ubuntu packages.
 *
 * @param {readonly string[]} packages
 * @returns {Promise<string | undefined>} why that was not possible; undefined where it was
 */
export async function aptInstall(packages) {
  const sudo = await asRoot();
  if (!existsSync('/usr/bin/apt-get')) return 'there is no apt-get';
  if (!sudo) return `apt-get needs root: apt-get install ${packages.join(' ')}`;
  const apt = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', '-o', 'Dpkg::Use-Pty=0'];
  const call = (/** @type {readonly string[]} */ args) =>
    ask(/** @type {string} */ (apt[0]), [...apt.slice(1), ...args]);
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  if ((await call(install)).status === 0) return undefined;
  await call(['update']); // the lists are missing or old
  const { status, output } = await call(install);
  return status === 0 ? undefined : `apt-get install ${packages.join(' ')} failed: ${reason(output)}`;
}

/** @param {string} text */
function lastLine(text) {
  return text.split('\n').filter(Boolean).at(-1) ?? '';
}

/**
 * The line of a command's output that says what went wrong.
 *
 * @param {string} output
 */
function reason(output) {
  return output.split('\n').find((line) => /^(E|.*error|.*failure): /i.test(line)) ?? lastLine(output);
}

/**
 * Makes sure that there is a Chromium, and says in a line which, or what was done to get one.
 *
 * @returns {Promise<boolean>} whether there is one
 */
export async function ensureChromium() {
  const found = chromiumPath();
  if (found) {
    console.log(`Chromium: ${found}`);
    return true;
  }
  // Debian's own comes with the libraries that it needs; Playwright's may not find them. Ubuntu's is an empty package.
  const debian = existsSync('/etc/debian_version') && !readFileSync('/etc/os-release', 'utf8').includes('ID=ubuntu');
  const fromDebian = async () => {
    const problem = await aptInstall(['chromium']);
    if (!problem && chromiumPath()) return 'installed with apt-get install chromium';
    console.log(`Chromium: ${problem ?? 'the Debian package brought no chromium'}`);
    return undefined;
  };
  const fromPlaywright = async () => {
    const { status, output } = await ask(process.execPath, [
      packageBin('playwright'),
      'install',
      '--no-shell',
      'chromium',
    ]);
    if (status === 0 && chromiumPath()) return 'installed with npx playwright install chromium';
    console.log(`Chromium: npx playwright install chromium failed: ${reason(output)}`);
    return undefined;
  };
  const done = debian
    ? ((await fromDebian()) ?? (await fromPlaywright()))
    : ((await fromPlaywright()) ?? (await fromDebian()));
  if (done) console.log(`Chromium: ${done}`);
  else console.log('Chromium: none. Install one, or name it in CHROMIUM, and run the tests again.');
  return done !== undefined;
}

/**
 * Sets up Mesa's software adapter, the one with shader-f16.
 *
 * @returns {Promise<string | undefined>} why there is none; undefined where there is
 */
export async function ensureLavapipe() {
  if (hasLavapipe()) return undefined;
  if (process.platform !== 'linux') return 'lavapipe is set up on Linux only';
  const missing = (await ask('sh', ['-c', 'command -v gcc'])).status !== 0 ? ['gcc', 'libc6-dev'] : [];
  const setup = () => ask('sh', [join(root, 'scripts/lavapipe/setup-lavapipe.sh'), lavapipeFolder]);
  if (missing.length) {
    const problem = await aptInstall(missing);
    if (problem) return problem;
  }
  let result = await setup();
  // Status 3: unpacked, but it lacks libraries; its last line names their packages.
  if (result.status === 3) {
    const problem = await aptInstall(lastLine(result.output).split(' '));
    if (problem) return problem;
    result = await setup();
  }
  if (result.status !== 0 || !hasLavapipe()) return lastLine(result.output) || 'setup-lavapipe.sh failed';
  console.log('lavapipe: set up');
  return undefined;
}

/**
 * Installs Firefox on Debian. It runs on lavapipe, which must be set up.
 *
 * @returns {Promise<string | undefined>} why there is none; undefined if there is one
 */
export async function ensureFirefox() {
  if (firefoxPath()) return undefined;
  if (!hasLavapipe()) return 'it needs lavapipe';
  const problem = await aptInstall(['firefox-esr', 'libvulkan1']);
  if (problem) return problem;
  console.log('Firefox: installed with apt-get install firefox-esr');
  return undefined;
}

/**
 * Sets up AMD's shader compiler, which reports registers and scratch memory of every pipeline. It needs lavapipe's
 * package.
 *
 * @returns {Promise<string | undefined>} the reason if it cannot be set up
 */
export async function ensureGpuCompiler() {
  if (hasGpuCompiler()) return undefined;
  const problem = await ensureLavapipe();
  if (problem) return problem;
  const setup = () =>
    ask('sh', [join(root, 'scripts/gpu-compiler/setup-gpu-compiler.sh'), lavapipeFolder, compilerFolder]);
  let result = await setup();
  // Status 3: packages are missing; the last line names them.
  if (result.status === 3) {
    const failure = await aptInstall(lastLine(result.output).split(' '));
    if (failure) return failure;
    result = await setup();
  }
  if (result.status !== 0 || !hasGpuCompiler()) return lastLine(result.output) || 'setup-gpu-compiler.sh failed';
  console.log('AMD shader compiler: set up');
  return undefined;
}
