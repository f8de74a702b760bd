// AMD's compiler for the test of registers and for `npm run bench:isa`.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lavapipeFolder } from '../chromium.mjs';

/** The folder that setup-gpu-compiler.sh fills. */
export const compilerFolder =
  process.env['GPU_COMPILER_DIR'] ?? join(import.meta.dirname, '..', '..', '.cache', 'gpu-compiler');

/** Whether the compiler has been set up. */
export function hasGpuCompiler() {
  return existsSync(join(compilerFolder, 'icd.json')) && existsSync(join(compilerFolder, 'radv_null.so'));
}

/**
 * Statistics of one pipeline.
 *
 * @typedef {object} Statistics
 * @property {string | undefined} refused - why the pipeline was not compiled
 * @property {number} vgprs - vector registers
 * @property {number} spilled - spilled registers
 * @property {number} scratch - bytes of scratch memory
 * @property {number} lds - bytes of workgroup memory
 * @property {number} waves - waves that fit a SIMD
 * @property {number} instructions
 * @property {number} inverseThroughput - cycles, estimated; compare only variants of one kernel
 */

/**
 * Compiles pipelines for an AMD GPU.
 *
 * @param {string} family - RADV's name of the GPU, for example navi31
 * @param {readonly { code: string, constants: Readonly<Record<string, number>>, bindings: readonly string[] }[]}
 *   pipelines
 * @returns {Promise<Statistics[]>} one entry for each pipeline
 */
export async function compileFor(family, pipelines) {
  const folder = mkdtempSync(join(tmpdir(), 'dc-ae-isa-'));
  const file = join(folder, 'pipelines.json');
  try {
    writeFileSync(file, JSON.stringify(pipelines));
    const text = await outputOf(family, file);
    const parts = text.split('@@ ').slice(2); // before: the driver's warnings and the adapter
    if (parts.length !== pipelines.length) {
      throw new Error(
        `The compiler for ${family} stopped after ${parts.length} of ${pipelines.length} pipelines:\n${text.slice(-2000)}`,
      );
    }
    return parts.map(statistics);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param {string} family @param {string} file @returns {Promise<string>} */
function outputOf(family, file) {
  const architecture = process.arch === 'x64' ? 'x86_64' : 'aarch64';
  const own = join(compilerFolder, 'root/usr/lib', `${architecture}-linux-gnu`);
  const mesa = join(lavapipeFolder, 'root/usr/lib', `${architecture}-linux-gnu`);
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'compile.mjs'), file], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        LD_LIBRARY_PATH: `${mesa}:${own}`,
        RADV_LIB: join(mesa, 'libvulkan_radeon.so'),
        VK_ICD_FILENAMES: join(compilerFolder, 'icd.json'),
        RADV_FORCE_FAMILY: family,
        RADV_DEBUG: 'shaderstats',
        MESA_SHADER_CACHE_DISABLE: 'true',
        XDG_RUNTIME_DIR: process.env['XDG_RUNTIME_DIR'] ?? tmpdir(),
      },
    });
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ chunk) => (text += chunk));
    child.on('error', fail);
    child.on('close', () => done(text));
  });
}

/** @param {string} text @returns {Statistics} */
function statistics(text) {
  const number = (/** @type {string} */ name) => Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(text)?.[1] ?? NaN);
  return {
    refused: /^refused: (.*)$/m.exec(text)?.[1],
    vgprs: number('VGPRs'),
    spilled: number('Spilled VGPRs') + number('Spilled SGPRs'),
    scratch: number('Scratch size'),
    lds: number('LDS size'),
    waves: number('Subgroups per SIMD'),
    instructions: number('Instructions'),
    inverseThroughput: number('Inverse Throughput'),
  };
}
