// `npm run bench:regions`: what computing images region by region costs; writes test/bench/results/regions.md. Plans only, no GPU; it takes some
// minutes. `npm run bench:regions -- f32c32-sana` looks at the networks of that name only, and prints.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer } from 'vite';
import { root } from '../support/setup.mjs';

const NETWORKS = [
  'dc-ae-f32c32-sana-1.1',
  'dc-ae-f32c32-mix-1.0',
  'dc-ae-lite-f32c32-sana-1.1',
  'dc-ae-f64c128-mix-1.0',
  'dc-ae-f128c512-mix-1.0',
];

const server = await createServer({
  root,
  mode: 'bench',
  logLevel: 'error',
  server: { middlewareMode: true, hmr: false },
});
try {
  /** @type {import('./regions.ts')} */
  const { regionTable } = /** @type {any} */ (await server.ssrLoadModule('/test/bench/regions.ts'));
  const wanted = process.argv[2] ?? '';
  const families = NETWORKS.filter((name) => name.includes(wanted)).map((name) => ({
    name,
    config: JSON.parse(readFileSync(join(root, `test/fixtures/configs/${name}.json`), 'utf8')),
  }));
  const text = [
    '# Regions: what they cost',
    '',
    'Recompute factor of the default plans on a GPU that binds 2 GiB at a time, and in brackets the number of regions, by memory budget of the',
    'activations in f32. 1.00 (1) is one piece. Made by `npm run bench:regions`.',
    '',
    regionTable(families),
    '',
  ].join('\n');
  if (wanted === '') {
    const folder = join(root, 'test/bench/results');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'regions.md'), text);
  }
  console.log(text);
} finally {
  await server.close();
}
