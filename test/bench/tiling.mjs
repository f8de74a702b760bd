// `npm run bench:tiling`: diffusers' tiling beside regions on a photograph, both against the untiled result; writes
// test/bench/results/tiling.{md,png}.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/setup.mjs';
import { dawnServer } from './dawn.mjs';

const server = await dawnServer();
/** @type {import('./node.ts')} */
const { opener } = /** @type {any} */ (await server.ssrLoadModule('/test/bench/node.ts'));
/** @type {import('./tiling.ts')} */
const { compareTiling } = /** @type {any} */ (await server.ssrLoadModule('/test/bench/tiling.ts'));
const { device } = await opener()();
const { page, picture } = await compareTiling(device, root);
const folder = join(root, 'test/bench/results');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'tiling.md'), page);
writeFileSync(join(folder, 'tiling.png'), picture);
console.log(page);
process.exit(0); // Dawn in Node keeps the process alive
