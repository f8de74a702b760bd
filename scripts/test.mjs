// `npm test`: installs what is missing, checks types, lint and format, runs the tests, and prints `N passed, N failed`.
//
//     npm test                                         all projects, each with the variants that it needs
//     npm test -- test/kernels/winograd.gpu.test.ts    the tests only, with Vitest's own options
//     npm test -- --project lavapipe                   one of unit, lavapipe, swiftshader, firefox, demo, loading
//     npm run test:full                                every variant on every adapter, networks at full size: hours
//
// CHROMIUM=/path names a browser. DCAE_ADAPTER=default uses the machine's own GPU.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { usesOwnGpu } from './chromium.mjs';
import {
  ask,
  ensureChromium,
  ensureFirefox,
  ensureGpuCompiler,
  ensureLavapipe,
  installDependencies,
  packageBin,
  root,
  run,
} from './setup.mjs';

const args = process.argv.slice(2);
const full = args[0] === '--full';
if (full) args.shift();
const only = args.length > 0;

let passed = 0;
let failed = 0;
/** @type {string[]} lines before the last one */
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

/** @param {string} name @param {number} seconds */
function time(name, seconds) {
  return `${name.padEnd(12)} ${seconds.toFixed(0).padStart(5)} s`;
}

async function staticChecks() {
  const started = performance.now();
  const inTurn = async () => {
    await tool('types: src, demo', packageBin('typescript', 'tsc'));
    await tool('types: test', packageBin('typescript', 'tsc'), '-p', 'test');
    await tool('format', packageBin('prettier'), '--check', '--log-level=warn', '.');
  };
  await Promise.all([inTurn(), tool('lint', packageBin('eslint'), '--config', '.config/eslint.config.js', '.')]);
  notes.push(time('checks', (performance.now() - started) / 1000));
}

async function tests() {
  const summary = join(root, '.cache', `summary-${process.pid}.json`);
  mkdirSync(join(root, '.cache'), { recursive: true });
  const status = await run(process.execPath, [packageBin('vitest'), 'run', ...args], {
    DCAE_SUMMARY: summary,
    ...(full && { DCAE_FULL: '1' }),
  });
  if (!existsSync(summary)) return check('vitest ran', false);
  const counts = JSON.parse(readFileSync(summary, 'utf8'));
  rmSync(summary);
  passed += counts.passed;
  failed += counts.failed + counts.problems;
  if (counts.passed + counts.failed + counts.problems === 0) check('a test was found', false);
  for (const [project, seconds] of Object.entries(counts.seconds)) notes.push(time(project, seconds));
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
    const noFirefox = await ensureFirefox();
    if (noFirefox) notes.push(`Firefox was not tested: ${noFirefox}`);
    const wantsCompiler = !only || full || args.some((arg) => /registers|unit/.test(arg));
    const compilerProblem = wantsCompiler ? await ensureGpuCompiler() : undefined;
    if (compilerProblem) notes.push(`Registers on AMD GPUs were not tested: ${compilerProblem}`);
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
