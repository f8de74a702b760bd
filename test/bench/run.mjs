// `npm run bench`: times the works of works.ts and writes what it found as JSON, a table and a roofline picture.
//
//     npm run bench in Chromium, on SwiftShader and lavapipe (DCAE_ADAPTER=default: the machine's own GPU)
//     npm run bench -- --node Dawn in Node on lavapipe, or on the Vulkan driver that VK_ICD_FILENAMES names
//     npm run bench -- --only 'conv|decoder' --dtype f32,f16 --reps 9 --adapter lavapipe
//     npm run bench -- --only 'decoder' --dtype f16 --kernels registers,subgroups,workgroup,f16,f16-matrix forms of the
// convolutions, in turn
//     npm run bench -- --save                into test/bench/results, under the adapter's name; else into test-output
//     (--save is refused above a load of 1.5, unless --busy is given)
//     npm run bench -- --bundle FOLDER a folder that runs the Node bench on a bare Linux machine with Node and a GPU:
// see README.md there
//
// Reads the peak of the adapter around each row, so that other load on the machine cancels out of the percentages.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../../scripts/setup.mjs';
import { adapterLabel, benchAdapters, benchServer, withPage } from './browser.mjs';
import { bundle } from './bundle.mjs';
import { chooseDriver } from './dawn.mjs';
import { checkLoad } from './load.mjs';

const { values } = parseArgs({
  options: {
    node: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    busy: { type: 'boolean', default: false },
    bundle: { type: 'string' },
    adapter: { type: 'string', default: '' },
    only: { type: 'string', default: '' },
    dtype: { type: 'string', default: 'f32' },
    kernels: { type: 'string', default: '' },
    reps: { type: 'string', default: '7' },
  },
});
/** @type {import('./bench.ts').Options} */
const options = {
  only: values.only,
  dtypes: values.dtype.split(',').map((dtype) => (dtype === 'f16' ? 'f16' : 'f32')),
  kernels: values.kernels.split(',').filter(Boolean),
  reps: Number(values.reps),
};

checkLoad(values);
const server = await benchServer();
try {
  const { reportFiles } = await server.ssrLoadModule('/test/bench/files.ts');
  const folder = join(root, values.save ? 'test/bench/results' : 'test-output');
  mkdirSync(folder, { recursive: true });
  /** @param {'Chromium' | 'Node'} where @param {import('./bench.ts').Report} report */
  const keep = (where, report) => {
    for (const { name, text } of reportFiles(report, where)) {
      writeFileSync(join(folder, name), text);
      if (name.endsWith('.md')) console.log(`\n${text}`);
    }
  };
  if (values.bundle) {
    await bundle(server, values.bundle);
  } else if (values.node) {
    await chooseDriver();
    process.env['MESA_SHADER_CACHE_DISABLE'] = 'true'; // every compile is a cold one
    const { benchNode } = await server.ssrLoadModule('/test/bench/node.ts');
    keep('Node', await benchNode(options));
  } else {
    await server.listen();
    const url = `${server.resolvedUrls?.local[0]}test/bench/index.html`;
    for (const adapter of await benchAdapters(values.adapter)) {
      const found = await withPage(adapter, url, (page) =>
        page.evaluate((given) => /** @type {any} */ (globalThis).benchPage(given), options),
      );
      keep('Chromium', { ...found, adapter: adapterLabel(adapter, found.adapter) });
    }
  }
} finally {
  await server.close();
}
process.exit(0); // Dawn in Node keeps the process alive
