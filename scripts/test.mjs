// `npm test`: gets what is missing, checks types, lint and format, runs the tests, and ends in `N passed, N failed`.
//
//     npm test                                  everything
//     npm test -- test/gpu/conv.test.ts         the rest of the line goes to Vitest, and the checks are left out
//     npm test -- --project lavapipe            one adapter: swiftshader or lavapipe; `unit` and `e2e` are projects, too
//     npm run test:full                         the full-size models, which take long
//
// CHROMIUM=/path names a browser, DCAE_ADAPTER=default uses the machine's own GPU.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { usesOwnGpu } from './chromium.mjs';
import { ask, ensureChromium, ensureLavapipe, installDependencies, packageBin, root, run } from './setup.mjs';

const args = process.argv.slice(2);
const full = args[0] === '--full';
if (full) args.shift();
const only = args.length > 0 || full;

let passed = 0;
let failed = 0;
/** @type {string[]} what the reader should know before the last line */
const notes = [];

/** @param {string} name @param {boolean} ok */
function check(name, ok) {
  if (ok) passed++;
  else failed++;
  console.log(`${ok ? '✓' : '✗'} ${name}`);
}

/** @param {string} name @param {readonly string[]} command */
async function tool(name, ...command) {
  const [bin = '', ...rest] = command;
  const { status, output } = await ask(process.execPath, [bin, ...rest]);
  if (output) console.log(output);
  check(name, status === 0);
}

async function staticChecks() {
  const tsc = packageBin('typescript', 'tsc');
  const types = async () => {
    await tool('types: src, demo', tsc);
    await tool('types: test', tsc, '-p', 'test');
  };
  await Promise.all([types(), tool('lint', packageBin('eslint'), '--config', '.config/eslint.config.js', '.')]);
  await tool('format', packageBin('prettier'), '--check', '--log-level=warn', '.');
}

async function tests() {
  const summary = join(root, '.cache', `summary-${process.pid}.json`);
  mkdirSync(join(root, '.cache'), { recursive: true });
  const filters = full ? ['--project', 'full*'] : [];
  const status = await run(process.execPath, [packageBin('vitest'), 'run', ...filters, ...args], {
    DCAE_SUMMARY: summary,
    ...(full && { DCAE_FULL: '1' }),
  });
  if (!existsSync(summary)) return check('vitest ran', false);
  const counts = JSON.parse(readFileSync(summary, 'utf8'));
  rmSync(summary);
  passed += counts.passed;
  failed += counts.failed + counts.problems;
  if (counts.passed + counts.failed + counts.problems === 0) check('a test was found', false);
  if (counts.skipped) notes.push(`${counts.skipped} skipped`);
  if (status !== 0 && counts.failed + counts.problems === 0) check(`vitest ended with status ${status}`, false);
}

async function main() {
  if (!(await installDependencies())) return check('dependencies installed', false);
  const chromium = await ensureChromium();
  if (!chromium) check('a Chromium is there', false);
  if (usesOwnGpu) notes.push("Tested on the machine's own GPU, not on SwiftShader and lavapipe.");
  else {
    const problem = await ensureLavapipe();
    if (problem) notes.push(`f16 was not tested, for lack of lavapipe: ${problem}`);
    if (problem && process.env['CI']) check('lavapipe is there', false);
  }
  if (!only) await staticChecks();
  if (chromium) await tests();
}

try {
  await main();
} catch (error) {
  console.error(error);
  failed++;
}
process.exitCode = failed ? 1 : 0;
for (const note of notes) console.log(note);
console.log(`${passed} passed, ${failed} failed`);
