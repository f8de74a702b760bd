// The packed package in a minimal app of each tool: built and served, on the page and in a worker.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runProgram } from '../support/run_program.ts';
import { lavapipeFolder, usesOwnGpu } from '../../scripts/chromium.mjs';
import { buildApp, freePort, installApp, installedVersion, packPackage, startDevServer } from './apps.ts';
import { expectPicture, goldenBench } from './golden.ts';
import { serveSite } from './site.ts';
import { TOOLS, type Tool } from './tools.ts';

const here = (path: string): string => resolve(import.meta.dirname, '../..', path);
const bench = goldenBench();
const rows: string[] = [];
let tarball = '';

beforeAll(() => {
  tarball = packPackage();
});

afterAll(() => {
  if (rows.length < TOOLS.length + 2) return; // only some tools were asked for
  const head = '| tool | version | built | development server | line that the worker needs |\n|---|---|---|---|---|\n';
  const text = `# The package in each tool

A test of \`npm run test:full\` wrote this page (\`test/tools/tools.full.page.test.ts\`). It installs the packed package, and a
minimal app decodes a latent on the page and in a worker. Chromium on lavapipe, Node ${process.version}.\n\n`;
  writeFileSync(here('test/tools/results.md'), `${text}${head}${rows.join('\n')}\n`);
});

/** Decodes on the page and in a worker. */
async function expectPictures(url: string): Promise<void> {
  expectPicture(await bench.decode(url, 'page'));
  expectPicture(await bench.decode(url, 'worker'));
}

async function tryBuilt(app: string, tool: Tool): Promise<void> {
  const site = await serveSite({ folders: { '': buildApp(app, tool) } });
  try {
    await expectPictures(`${site.url}/index.html`);
  } finally {
    await site.close();
  }
}

async function tryServed(app: string, { dev }: Tool): Promise<void> {
  if (dev === undefined) return;
  const port = await freePort();
  const server = await startDevServer(app, dev(port), port);
  try {
    await expectPictures(server.url);
  } finally {
    await server.close();
  }
}

describe('the packed package', () => {
  test.each(TOOLS)('works in $name', async (tool) => {
    const app = installApp(tool, tarball);
    const outcome = async (work: Promise<void>): Promise<unknown> =>
      await work.then(
        () => undefined,
        (error: unknown) => error,
      );
    const built = await outcome(tryBuilt(app, tool));
    const served = await outcome(tryServed(app, tool));
    const word = (error: unknown): string => (error === undefined ? 'page, worker' : 'fails');
    const version = installedVersion(app, tool.packages[0] ?? '');
    const dev = tool.dev === undefined ? '–' : word(served);
    rows.push(`| ${tool.name} | ${version} | ${word(built)} | ${dev} | ${tool.line ?? '–'} |`);
    expect(built).toBeUndefined();
    expect(served).toBeUndefined();
  });

  test.each(['node', 'deno'])('decodes in %s', (runtime) => {
    const app = installApp({ name: runtime, packages: ['webgpu', ...(runtime === 'deno' ? ['deno'] : [])] }, tarball);
    const [command, ...args] =
      runtime === 'node' ? [process.execPath] : [join(app, 'node_modules/.bin/deno'), 'run', '-A'];
    const icd = join(app, 'lavapipe.json');
    const ICD = { library_path: join(lavapipeFolder, 'libvulkan_lvp.so'), api_version: '1.4.305' };
    writeFileSync(icd, JSON.stringify({ file_format_version: '1.0.0', ICD }));
    const driver = usesOwnGpu ? {} : { VK_ICD_FILENAMES: icd };
    const program = [...args, 'node.mjs', `${here('demo/models/nano')}/`, here('test/fixtures/nano')];
    const found = Number(runProgram(command ?? '', program, app, driver));
    const version = runtime === 'node' ? process.version.slice(1) : installedVersion(app, 'deno');
    rows.push(`| ${runtime === 'node' ? 'Node' : 'Deno'} with webgpu | ${version} | decodes | – | – |`);
    expectPicture(found);
  });
});
