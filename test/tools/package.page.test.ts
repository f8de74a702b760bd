// The package as apps get it: its metadata, types, sizes and side effects, and a bundle of it.
import { beforeAll, describe, expect, test } from 'vitest';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { build } from 'esbuild';
import { cpSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { publint } from 'publint';
import ts from 'typescript';
import { committedSizes, measureSizes } from '../../scripts/sizes.mjs';
import { installPackage, type InstalledPackage } from '../support/installed_package.ts';
import { runProgram } from '../support/run_program.ts';
import { expectPicture, goldenBench } from './golden.ts';
import { serveSite } from './site.ts';

const here = (path: string): string => resolve(import.meta.dirname, '../..', path);
let installed: InstalledPackage;

beforeAll(() => {
  installed = installPackage();
});

describe('package.json', () => {
  test('has nothing for publint to report', async () => {
    const { messages } = await publint({ pkgDir: installed.folder, pack: false, strict: true });
    expect(messages).toEqual([]);
  });

  test('gives every module system that the package supports its types', async () => {
    const [packed] = JSON.parse(
      runProgram('npm', ['pack', '--json', '--pack-destination', installed.app], installed.folder),
    ) as { filename: string }[];
    const tarball = readFileSync(join(installed.app, packed?.filename ?? ''));
    const analysis = await checkPackage(createPackageFromTarballData(tarball));
    if (!analysis.types) throw new Error('the package has no types');
    // The package is ES modules only: node10 knows no `exports`, and node16-cjs must import() it.
    const isSupported = (problem: object): boolean =>
      !('resolutionKind' in problem) || !['node10', 'node16-cjs'].includes(String(problem.resolutionKind));
    expect(analysis.problems.filter(isSupported)).toEqual([]);
  });
});

test.each(['bundler', 'node16', 'nodenext'] as const)(
  'the types are clean with skipLibCheck false and moduleResolution %s, and need no other types',
  (resolution) => {
    const file = join(installed.app, 'app.ts');
    cpSync(here('test/tools/types.ts.txt'), file);
    const { ModuleKind, ModuleResolutionKind } = ts;
    const [module, moduleResolution] = {
      bundler: [ModuleKind.ESNext, ModuleResolutionKind.Bundler] as const,
      node16: [ModuleKind.Node16, ModuleResolutionKind.Node16] as const,
      nodenext: [ModuleKind.NodeNext, ModuleResolutionKind.NodeNext] as const,
    }[resolution];
    const program = ts.createProgram([file], {
      module,
      moduleResolution,
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
      types: [],
      strict: true,
      skipLibCheck: false,
      noEmit: true,
    });
    const messages = ts.getPreEmitDiagnostics(program).map(({ messageText, file: at }) => {
      return `${at?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
    expect(messages).toEqual([]);
  },
);

test('the sizes are those of test/tools/sizes.json, to 3 % (npm run sizes writes them)', async () => {
  const sizes = await measureSizes(installed.app);
  console.table(sizes);
  const committed = committedSizes();
  expect(Object.keys(sizes)).toEqual(Object.keys(committed));
  for (const [name, { min, gz, br }] of Object.entries(sizes)) {
    const known = committed[name] ?? { min: 0, gz: 0, br: 0 };
    for (const [found, expected] of [
      [min, known.min],
      [gz, known.gz],
      [br, known.br],
    ] as const) {
      expect(Math.abs(found / expected - 1), `${name}: ${found} bytes, not ${expected}`).toBeLessThan(0.03);
    }
  }
});

test('importing the package allocates nothing and touches no global; the codec allocates its tables only', () => {
  const program = `
    let used = [];
    const tables = ['ArrayBuffer', 'SharedArrayBuffer', 'Float32Array', 'Float64Array', 'Int32Array', 'Uint8Array',
      'Uint16Array', 'Uint32Array'];
    const services = ['AbortController', 'Blob', 'BroadcastChannel', 'MessageChannel', 'Worker', 'fetch', 'queueMicrotask',
      'setInterval', 'setTimeout'];
    for (const name of [...tables, ...services]) {
      const value = globalThis[name];
      if (value === undefined) continue;
      const note = (call) => (target, ...rest) => (used.push(name), Reflect[call](target, ...rest));
      globalThis[name] = new Proxy(value, { construct: note('construct'), apply: note('apply') });
    }
    const keys = () => [globalThis, Object.prototype, Array.prototype, Promise].map((object) => Reflect.ownKeys(object).map(String));
    const before = JSON.stringify(keys());
    await import('dc-ae-webgpu');
    const main = used;
    used = [];
    await import('dc-ae-webgpu/codec');
    const codec = used.filter((name) => services.includes(name));
    console.log(JSON.stringify({ main, codec, isChanged: JSON.stringify(keys()) !== before }));
  `;
  const output = runProgram(process.execPath, ['--input-type=module', '-e', program], installed.app);
  expect(JSON.parse(output)).toEqual({ main: [], codec: [], isChanged: false });
});

describe('an app that esbuild bundles', () => {
  const bench = goldenBench();

  test('decodes on the page and in a worker', async () => {
    const outdir = join(installed.app, 'out');
    await build({
      absWorkingDir: installed.app,
      stdin: { contents: readFileSync(here('test/tools/app/main.js'), 'utf8'), resolveDir: installed.app },
      bundle: true,
      minify: true,
      format: 'esm',
      outfile: join(outdir, 'main.js'),
      tsconfigRaw: {},
    });
    for (const file of ['worker.js', 'disk_worker.js'])
      cpSync(join(installed.folder, 'dist', file), join(outdir, file));
    cpSync(here('test/tools/app/index.html'), join(outdir, 'index.html'));
    const site = await serveSite({ folders: { '': outdir } });
    try {
      expectPicture(await bench.decode(`${site.url}/index.html`, 'page'));
      expectPicture(await bench.decode(`${site.url}/index.html`, 'worker'));
    } finally {
      await site.close();
    }
  });
});
