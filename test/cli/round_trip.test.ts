// The built command, as users run it: a picture becomes a file and a picture again, on Dawn in Node.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasLavapipe, lavapipeFolder, usesOwnGpu } from '../../scripts/chromium.mjs';
import { psnr } from '../support/picture_quality.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PHOTO = 'chelsea_256';
/** With VITEST set, vite.config.ts would configure tests. */
const withoutVitest: NodeJS.ProcessEnv = { ...process.env, VITEST: undefined };
let folder: string;

/** Builds the package into a folder of its own below the repository, where it finds its dependencies. */
beforeAll(async () => {
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  folder = mkdtempSync(join(ROOT, '.cache', 'cli-'));
  copyFileSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(ROOT, 'demo'), join(folder, 'demo'));
  const vite = join(ROOT, 'node_modules/vite/bin/vite.js');
  const built = await node([vite, 'build', '--outDir', join(folder, 'dist')], { cwd: ROOT, env: withoutVitest });
  expect(built.status, built.stderr).toBe(0);
  writeFileSync(
    join(folder, 'lavapipe.json'),
    JSON.stringify({
      file_format_version: '1.0.0',
      ICD: { library_path: join(lavapipeFolder, 'libvulkan_lvp.so'), api_version: '1.4.305' },
    }),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the command in the folder, on the driver that a Vulkan manifest in the folder names. */
function command(args: readonly string[], manifest = 'lavapipe.json'): Promise<Outcome> {
  const env = { ...withoutVitest };
  if (!usesOwnGpu && (hasLavapipe() || manifest !== 'lavapipe.json')) env['VK_ICD_FILENAMES'] = join(folder, manifest);
  return node([join(folder, 'dist/cli.js'), ...args], { cwd: folder, env });
}

function node(args: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<Outcome> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, args, options);
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (text) => (output.stdout += String(text)));
    child.stderr.on('data', (text) => (output.stderr += String(text)));
    child.on('error', fail);
    child.on('close', (status) => done({ status, ...output }));
  });
}

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

test('compress, inspect and decompress give the picture of the library’s own files', async () => {
  copyFileSync(join(ROOT, 'demo/samples', `${PHOTO}.png`), join(folder, `${PHOTO}.png`));
  const turned = await sharp(join(folder, `${PHOTO}.png`))
    .extract({ left: 0, top: 0, width: 100, height: 60 })
    .withMetadata({ orientation: 6, exif: { IFD0: { Copyright: 'A. Photographer' } } })
    .jpeg({ quality: 95 })
    .toBuffer();
  writeFileSync(join(folder, 'turned.JPG'), turned);

  const compressed = await command([
    'compress',
    `${PHOTO}.png`,
    'turned.JPG',
    'missing.png',
    '-q',
    '40',
    '--keep-exif',
  ]);
  expect(compressed.stderr).toContain('There is no file missing.png');
  expect(compressed.stderr).toContain('1 of 3 files failed');
  expect(compressed.status).toBe(1);
  expect(compressed.stdout).toContain(`[1/3] ${PHOTO}.png → ${PHOTO}.dcae`);

  const inspected = await command(['inspect', `${PHOTO}.dcae`, 'turned.dcae', '--json']);
  expect(inspected.status).toBe(0);
  const [whole, upright] = inspected.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(whole).toMatchObject({ image: { width: 256, height: 256 }, quantiser: { quality: 40 } });
  expect(upright).toMatchObject({
    image: { width: 60, height: 100 },
    metadata: { orientationApplied: 6, exif: { copyright: 'A. Photographer', orientation: 1 } },
  });

  const decompressed = await command(['decompress', `${PHOTO}.dcae`, '-o', 'back.png']);
  expect(decompressed.status).toBe(0);
  const pixels = async (path: string) => {
    const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height, bytes: 3 };
  };
  const back = await pixels(join(folder, 'back.png'));
  const reference = await pixels(join(ROOT, `test/fixtures/codec/${PHOTO}.q40.png`));
  expect(psnr(back, reference)).toBeGreaterThan(50);
  expect(psnr(back, await pixels(join(folder, `${PHOTO}.png`)))).toBeGreaterThan(28);

  const before = readFileSync(join(folder, 'back.png'));
  const again = await command(['decompress', `${PHOTO}.dcae`, '-o', 'back.png']);
  expect([again.status, again.stderr.includes('--force')]).toEqual([1, true]);
  expect(readFileSync(join(folder, 'back.png'))).toEqual(before);
});

// Elsewhere, Dawn does not ask the Vulkan loader.
if (process.platform === 'linux' && !usesOwnGpu) {
  test('without an adapter, the command fails with status 1 and says what to install', async () => {
    const { status, stderr } = await command(['compress', 'x.png'], 'none.json');
    expect(status).toBe(1);
    expect(stderr).toContain('WebGPU found no adapter');
  });
}
