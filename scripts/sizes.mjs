// `npm run sizes`: builds the package and writes test/tools/sizes.json, the bytes that an app downloads for each entry
// point. A test compares them, so that a change of the package's size is a change of that file.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { root, run } from './setup.mjs';

/** The committed sizes. */
export const SIZES_FILE = join(root, 'test/tools/sizes.json');

/** Imports that an app may make. */
const ENTRIES = {
  createWorkerClient: "export { createWorkerClient } from 'dc-ae-webgpu';",
  AutoencoderDC: "export { AutoencoderDC } from 'dc-ae-webgpu';",
  codec: "export * from 'dc-ae-webgpu/codec';",
  'worker.js': "import 'dc-ae-webgpu/worker';",
};

/**
 * The bytes of each entry point, bundled and minified by esbuild, without chunks that load on demand.
 *
 * @param {string} folder - a folder whose node_modules contain the package
 * @returns {Promise<Record<string, { min: number, gz: number, br: number }>>}
 */
export async function measureSizes(folder) {
  const sizes = Object.entries(ENTRIES).map(async ([name, contents]) => {
    const { outputFiles, metafile } = await build({
      stdin: { contents, resolveDir: folder },
      absWorkingDir: folder,
      bundle: true,
      format: 'esm',
      minify: true,
      splitting: true,
      outdir: join(folder, 'sizes'),
      write: false,
      metafile: true,
      external: ['node:*'],
      tsconfigRaw: {},
      logLevel: 'error',
    });
    const { outputs } = metafile;
    const loaded = new Set(Object.keys(outputs).filter((path) => outputs[path]?.entryPoint === '<stdin>'));
    for (const path of loaded) {
      for (const { kind, path: file } of outputs[path]?.imports ?? []) {
        if (kind === 'import-statement' && outputs[file]) loaded.add(file);
      }
    }
    const names = [...loaded].map((path) => basename(path));
    const files = outputFiles.filter(({ path }) => names.includes(basename(path)));
    const text = files.map((file) => file.text).join('');
    const size = { min: text.length, gz: gzipSync(text, { level: 9 }).length, br: brotliCompressSync(text).length };
    return /** @type {const} */ ([name, size]);
  });
  return Object.fromEntries(await Promise.all(sizes));
}

/** @returns {Record<string, { min: number, gz: number, br: number }>} */
export function committedSizes() {
  return JSON.parse(readFileSync(SIZES_FILE, 'utf8'));
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await run('npm', ['run', 'build']);
  // A package may import itself by its own name.
  const sizes = await measureSizes(root);
  writeFileSync(SIZES_FILE, `${JSON.stringify(sizes, undefined, 2)}\n`);
  console.table(sizes);
}
