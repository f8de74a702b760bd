// `npm run bench:regions`: what computing images region by region costs.
//
//     npm run bench:regions                    recompute factors, by plans alone; some minutes; writes test/bench/results/regions.md
//     npm run bench:regions -- f32c32-sana     of the networks of that name only, printed
//     npm run bench:regions -- --time          the quarter-width network's times, on Dawn in Node; writes test/bench/results/region-times.md
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../support/setup.mjs';
import { dawnServer } from './dawn.mjs';

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
    side: { type: 'string', default: '512' },
    reps: { type: 'string', default: '3' },
  },
});
const wanted = positionals[0] ?? '';
const server = await dawnServer();

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
  /** @type {import('./node.ts')} */
  const { timeRegions } = /** @type {any} */ (await server.ssrLoadModule('/test/bench/node.ts'));
  const tables = await timeRegions(Number(values.side), Number(values.reps));
  keep('region-times.md', ['# Regions: what they take', '', 'Made by `npm run bench:regions -- --time`.', '', tables]);
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
process.exit(0); // Dawn in Node keeps the process alive
