// `npm run bench:regions`: what computing images region by region costs.
//
//     npm run bench:regions recompute factors, by plans alone; some minutes; writes test/bench/results/regions.md
//     npm run bench:regions -- f32c32-sana     of the networks of that name only, printed
//     npm run bench:regions -- --time the quarter-width network's times, in Chromium on lavapipe (DCAE_ADAPTER=default:
// the machine's own GPU);
//                                              writes test/bench/results/region-times.md; --side 992 --reps 3: 992 is
// the largest that
//                                              runs in one piece where 128 MiB are bound; refused above a load of
// 1.5, unless --busy is given
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../../scripts/setup.mjs';
import { adapterLabel, benchAdapters, benchServer, withPage } from './browser.mjs';
import { checkLoad } from './load.mjs';

const NETWORKS = [
  'dc-ae-f32c32-sana-1.1',
  'dc-ae-f32c32-mix-1.0',
  'dc-ae-lite-f32c32-sana-1.1',
  'dc-ae-f64c128-mix-1.0',
  'dc-ae-f128c512-mix-1.0',
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    time: { type: 'boolean', default: false },
    side: { type: 'string', default: '992' },
    reps: { type: 'string', default: '3' },
    busy: { type: 'boolean', default: false },
  },
});
const wanted = positionals[0] ?? '';
if (values.time) checkLoad({ save: true, busy: values.busy });
const server = await benchServer();

/** @param {string} name @param {string[]} lines */
function keep(name, lines) {
  const text = [...lines, ''].join('\n');
  console.log(text);
  if (wanted !== '') return;
  const folder = join(root, 'test/bench/results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), text);
}

if (values.time) {
  const adapter = (await benchAdapters('')).at(-1) ?? 'swiftshader';
  await server.listen();
  const url = `${server.resolvedUrls?.local[0]}test/bench/index.html`;
  const side = Number(values.side);
  const reps = Number(values.reps);
  /** @type {import('./page.ts').RegionReport} */
  const found = await withPage(adapter, url, (page) =>
    page.evaluate(([side, reps]) => /** @type {any} */ (globalThis).benchRegions(side, reps), [side, reps]),
  );
  keep('region-times.md', [
    '# Regions: what they take',
    '',
    `The quarter-width network at ${side}² in Chromium on ${adapterLabel(adapter, found.adapter)}: ratios to one piece, in brackets by how much they exceed the recompute factor;`,
    `medians of ${reps} turns in which each was run once. On a software adapter read the CPU time, which is that of all of the browser: what else runs on`,
    `the machine hardly shows in it. Made by \`npm run bench:regions -- --time --side ${side} --reps ${reps}\`.`,
    ...found.tables.flatMap((table) => ['', table]),
  ]);
} else {
  /** @type {import('./regions.ts')} */
  const { regionTable } = /** @type {any} */ (await server.ssrLoadModule('/test/bench/regions.ts'));
  const families = NETWORKS.filter((name) => name.includes(wanted)).map((name) => ({
    name,
    config: JSON.parse(readFileSync(join(root, `test/fixtures/configs/${name}.json`), 'utf8')),
  }));
  keep('regions.md', [
    '# Regions: what they cost',
    '',
    'Recompute factor of the default plans on a GPU that binds 2 GiB at a time, and in brackets the number of regions, by memory budget of the',
    'activations in f32. 1.00 (1) is one piece. Made by `npm run bench:regions`.',
    '',
    regionTable(families),
  ]);
}
await server.close();
process.exit(0);
