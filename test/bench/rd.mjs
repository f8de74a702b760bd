// `npm run bench:rd`: rate and distortion of .dcae files beside JPEG, WebP and AVIF; writes
// test/bench/results/rate-distortion.md.
//
//     npm run bench:rd Dawn in Node, on the Vulkan driver that VK_ICD_FILENAMES names (lavapipe where none is named)
//     npm run bench:rd -- --fixtures    writes the files of test/fixtures/codec anew, too
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/setup.mjs';
import { dawnServer } from './dawn.mjs';

const server = await dawnServer();
/** @type {import('./node.ts')} */
const { opener } = /** @type {any} */ (await server.ssrLoadModule('/test/bench/node.ts'));
/** @type {import('./rd.ts')} */
const { measure, report } = /** @type {any} */ (await server.ssrLoadModule('/test/bench/rd.ts'));
const { device } = await opener()();
/** @type {import('./rd.ts').Files} */
const files = new Map();
const rows = await measure(device, root, files, console.log);
const page = report(rows);
mkdirSync(join(root, 'test/bench/results'), { recursive: true });
writeFileSync(join(root, 'test/bench/results/rate-distortion.md'), page);
console.log(page);
if (process.argv.includes('--fixtures')) {
  mkdirSync(join(root, 'test/fixtures/codec'), { recursive: true });
  for (const [name, bytes] of files) {
    if (/\.q(20|30|40)\./.test(name)) writeFileSync(join(root, 'test/fixtures/codec', name), bytes);
  }
}
process.exit(0); // Dawn in Node keeps the process alive
