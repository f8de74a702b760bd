// `npm run bench:peers`: this package beside ONNX Runtime Web and TF.js on the same works, weights and inputs, in one
// browser, on one adapter; their outputs are compared. The peers are installed at the first call, into .cache/peers.
//
//     npm run bench:peers SwiftShader and lavapipe (DCAE_ADAPTER=default: the machine's own GPU)
//     npm run bench:peers -- --works 'conv|ResBlock' --peers 'WebGPU' --adapter lavapipe --reps 5 --budget 60000
//     npm run bench:peers -- --save                           into test/bench/results; else into test-output
//     (--save is refused above a load of 1.5, unless --busy is given)
import { copyFileSync, createReadStream, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { parseArgs } from 'node:util';
import { ask, root } from '../../../scripts/setup.mjs';
import { adapterLabel, benchAdapters, benchServer, withPage } from '../browser.mjs';
import { checkLoad } from '../load.mjs';

const { values } = parseArgs({
  options: {
    save: { type: 'boolean', default: false },
    busy: { type: 'boolean', default: false },
    adapter: { type: 'string', default: '' },
    works: { type: 'string', default: '' },
    peers: { type: 'string', default: '' },
    reps: { type: 'string', default: '5' },
    budget: { type: 'string', default: '30000' },
  },
});
checkLoad(values);
const FOLDER = '/peer-packages';
const packages = join(root, '.cache', 'peers');

/** Installs what package-lock.json names, unless it is there. */
async function install() {
  const lock = readFileSync(join(import.meta.dirname, 'package-lock.json'), 'utf8');
  const stamp = join(packages, 'node_modules', '.installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  mkdirSync(packages, { recursive: true });
  for (const name of ['package.json', 'package-lock.json'])
    copyFileSync(join(import.meta.dirname, name), join(packages, name));
  console.log('Installing ONNX Runtime Web and TF.js (npm ci, some 200 MB)');
  const { status, output } = await ask('npm', [
    'ci',
    '--prefix',
    packages,
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
  ]);
  if (status !== 0) throw new Error(`npm ci of the peers failed:\n${output}`);
  writeFileSync(stamp, lock);
}

/** @type {Record<string, string>} */
const TYPES = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };

/**
 * Serves the peers' packages as they are: Vite would rewrite their imports.
 *
 * @returns {import('vite').Plugin}
 */
function servePackages() {
  return {
    name: 'peer-packages',
    configureServer(server) {
      server.middlewares.use(FOLDER, (request, response, next) => {
        const path = normalize((request.url ?? '').replace(/\?.*/, ''));
        const file = join(packages, 'node_modules', path);
        if (!existsSync(file) || !statSync(file).isFile()) return next();
        response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
        response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
        response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
        createReadStream(file).pipe(response);
      });
    },
  };
}

await install();
const server = await benchServer([servePackages()]);
try {
  await server.listen();
  const { peerTable } = await server.ssrLoadModule('/test/bench/peers/table.ts');
  const { slug } = await server.ssrLoadModule('/test/bench/files.ts');
  const folder = join(root, values.save ? 'test/bench/results' : 'test-output');
  mkdirSync(folder, { recursive: true });
  const options = {
    works: values.works,
    peers: values.peers,
    reps: +values.reps,
    budget: +values.budget,
    folder: FOLDER,
  };
  for (const adapter of await benchAdapters(values.adapter)) {
    const url = `${server.resolvedUrls?.local[0]}test/bench/peers/index.html`;
    const found = await withPage(adapter, url, (page) =>
      page.evaluate((given) => /** @type {any} */ (globalThis).peersPage(given), options),
    );
    const report = { ...found, adapter: adapterLabel(adapter, found.adapter) };
    const name = join(folder, `${slug(report.adapter)}-peers`);
    writeFileSync(`${name}.json`, `${JSON.stringify(report, null, 1)}\n`);
    writeFileSync(`${name}.md`, peerTable(report));
    console.log(`\n${peerTable(report)}`);
  }
} finally {
  await server.close();
}
