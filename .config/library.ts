// `vite build`: the package. Types come from tsc.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { build, type Plugin, type UserConfig } from 'vite';
import { weslStatic } from './wesl.ts';

const here = (path: string) => resolve(import.meta.dirname, '..', path);
const shared = { publicDir: false } as const;
const output = { outDir: 'dist', target: 'es2022', minify: false, sourcemap: true } as const;

/** The entry points as ES modules. The hub's library is a lazy chunk, and shaders are strings. */
export const library: UserConfig = {
  ...shared,
  plugins: [weslStatic(here('shaders')), hubParts(), workerFiles(new Set()), hubLicense()],
  build: {
    ...output,
    lib: {
      // The engine has a file of its own, so that apps that only start a worker drop it.
      entry: {
        index: here('src/index.ts'),
        codec: here('src/codec/index.ts'),
        client: here('src/worker/client.ts'),
        engine: here('src/runtime/autoencoder_dc.ts'),
        cli: here('cli/main.ts'),
      },
      formats: ['es'],
    },
    rolldownOptions: {
      // The command line imports the package by its own name, and the packages that only it needs are optional.
      external: [/^node:/, /^(dc-ae-webgpu|sharp|webgpu)(\/|$)/],
      output: { chunkFileNames: '[name]-[hash].js', sourcemapExcludeSources: true },
    },
  },
};

/**
 * Builds each `new Worker(new URL('./name.ts', import.meta.url))` as one file `name.js` that imports nothing. The
 * expression stays in the package with that name: bundlers look for this form. Vite 5 to 7 cannot build a worker that
 * has chunks.
 */
function workerFiles(built: Set<string>): Plugin {
  const pattern = /new URL\(\s*'\.\/(\w+)\.ts',\s*import\.meta\.url,?\s*\)/g;
  const placeholder = /__WORKER_FILE_(\w+?)__/g;
  const entries = new Map<string, string>();
  return {
    name: 'worker-files',
    apply: 'build',
    enforce: 'pre',
    transform(code, id) {
      if (!code.includes('new Worker(')) return null;
      for (const [, name = ''] of code.matchAll(pattern)) entries.set(name, resolve(dirname(id), `${name}.ts`));
      return { code: code.replace(pattern, '__WORKER_FILE_$1__'), map: null };
    },
    renderChunk(code) {
      if (!code.includes('__WORKER_FILE_')) return null;
      return { code: code.replace(placeholder, "new URL('./$1.js', import.meta.url)"), map: null };
    },
    async writeBundle({ dir }) {
      for (const [name, entry] of entries) {
        if (built.has(name)) continue;
        built.add(name);
        await build({
          ...shared,
          configFile: false,
          logLevel: 'warn',
          plugins: [weslStatic(here('shaders')), hubParts(), workerFiles(built)],
          build: {
            ...output,
            outDir: dir ?? output.outDir,
            emptyOutDir: false,
            lib: { entry: { [name]: entry }, formats: ['es'] },
            rolldownOptions: { external: [/^node:/], output: { codeSplitting: false, sourcemapExcludeSources: true } },
          },
        });
      }
    },
  };
}

/**
 * Puts the hub's build for browsers into the package, so that no bundler meets its code for Node. Only the functions
 * that are used come along: a worker, which is one file, would otherwise contain the whole library.
 */
function hubParts(): Plugin {
  const id = '\0hub';
  const library = here('node_modules/@huggingface/hub/dist/browser/index.mjs');
  return {
    name: 'hub-parts',
    apply: 'build',
    enforce: 'pre',
    resolveId: (source) => (source === '@huggingface/hub' ? id : null),
    load: (loaded) =>
      loaded === id ? `export { downloadFile, fileDownloadInfo, listFiles } from ${JSON.stringify(library)};` : null,
  };
}

/** Adds the license of the hub's library, which the package contains. */
function hubLicense(): Plugin {
  return {
    name: 'hub-license',
    apply: 'build',
    generateBundle() {
      const text = readFileSync(here('node_modules/@huggingface/hub/LICENSE'), 'utf8');
      const source = `This package contains parts of @huggingface/hub, under this license:\n\n${text}`;
      this.emitFile({ type: 'asset', fileName: 'THIRD_PARTY_LICENSES.txt', source });
    },
  };
}
