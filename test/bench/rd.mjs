// `npm run bench:rd`: rate and distortion of .dcae files beside JPEG, WebP and AVIF, at equal bytes and at equal PSNR.
//
//     npm run bench:rd                        on demo/samples; writes test/bench/results/rate-distortion.md
//     npm run bench:rd -- --photos FOLDER     on your own, such as Kodak's 24; only prints
//     npm run bench:rd -- --models photo      one of nano and photo
//     npm run bench:rd -- --fixtures          also writes the files of test/fixtures/codec
//
// Runs on Dawn in Node, on the Vulkan driver that VK_ICD_FILENAMES names, or on lavapipe.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../../scripts/setup.mjs';
import { dawnServer } from './dawn.mjs';

const { values: options } = parseArgs({
  options: {
    photos: { type: 'string' },
    models: { type: 'string', default: 'nano,photo' },
    fixtures: { type: 'boolean', default: false },
  },
});
const server = await dawnServer();
/** @type {import('./node.ts')} */
const { opener } = /** @type {any} */ (await server.ssrLoadModule('/test/bench/node.ts'));
/** @type {import('./rd.ts')} */
const { measure } = /** @type {any} */ (await server.ssrLoadModule('/test/bench/rd.ts'));
/** @type {import('./rd_report.ts')} */
const { report } = /** @type {any} */ (await server.ssrLoadModule('/test/bench/rd_report.ts'));

const { device } = await opener()();
const models = Object.fromEntries(options.models.split(',').map((name) => [name, join(root, 'demo/models', name)]));
const fixtures = join(root, 'test/fixtures/codec');
const measured = await measure({
  device,
  models,
  photos: options.photos === undefined ? join(root, 'demo/samples') : resolve(options.photos),
  progress: console.log,
  onFile: (model, name, bytes) => {
    if (options.fixtures && model === 'nano' && /\.q(20|30|40)\./.test(name))
      writeFileSync(join(fixtures, name), bytes);
  },
});
const page = report(measured, options.photos ?? 'demo/samples');
console.log(page);
if (options.photos === undefined && options.models === 'nano,photo') {
  mkdirSync(join(root, 'test/bench/results'), { recursive: true });
  writeFileSync(join(root, 'test/bench/results/rate-distortion.md'), page);
}
process.exit(0); // Dawn in Node keeps the process alive
