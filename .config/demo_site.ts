// Makes a static site of the demo: files that are fetched by name, the service worker's list, and response headers.
import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import type { Plugin } from 'vite';

const strict = "default-src 'none'; script-src 'self'; connect-src 'self'";

/**
 * The policy of each file that runs code. The page also carries its own in a <meta>, so that it holds on hosts that
 * send no headers. A worker has the policy of its own script's response: the model's worker and the download worker may
 * ask other hosts, the AVIF worker may compile WebAssembly, and no other script may do either.
 */
const policies: readonly (readonly [pattern: RegExp, path: string, policy: string])[] = [
  [
    /^\/(index\.html)?$/,
    '/',
    `${strict}; worker-src 'self'; style-src 'self'; img-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  ],
  [/\/worker-[^/]*\.js$/, '/assets/worker-*', `${strict} https:; worker-src 'self'`],
  [/\/download_worker-[^/]*\.js$/, '/assets/download_worker-*', `${strict} https:`],
  [/\/picture_worker-[^/]*\.js$/, '/assets/picture_worker-*', `${strict}; worker-src 'self'`],
  [/\/avif_worker-[^/]*\.js$/, '/assets/avif_worker-*', strict.replace("script-src 'self'", "$& 'wasm-unsafe-eval'")],
  [/\/disk_worker-[^/]*\.js$/, '/assets/disk_worker-*', strict],
  [/\/service_worker\.js$/, '/service_worker.js', strict],
];

/** Files that the page asks for by name, so that they keep it. */
const named = ['models', 'samples', 'icons', 'manifest.webmanifest'];

/**
 * Files that the service worker does not keep: itself, weights (the library keeps them), the AVIF encoder, and all
 * samples but the first, which the page opens with. The page stores the others when the user asks for it.
 */
const unkept =
  /^(service_worker\.js|models\/|_headers|samples\/(?!thumbs\/|pexels-photo-302304_512\.png$))|\.(wasm|md)$|avif_worker/;

/** Finishes the site after Vite has built it, and serves it with its headers in `vite preview`. */
export function demoSite(folder: string): Plugin {
  let outDir = '';
  return {
    name: 'demo-site',
    configResolved(config) {
      outDir = config.build.outDir;
    },
    closeBundle() {
      for (const name of named) cpSync(resolve(folder, name), resolve(outDir, name), { recursive: true });
      fillServiceWorker(outDir);
      const rules = policies.map(([, path, policy]) => `${path}\n  Content-Security-Policy: ${policy}\n`);
      writeFileSync(resolve(outDir, '_headers'), rules.join(''));
    },
    configurePreviewServer(server) {
      server.middlewares.use((request, response, next) => {
        const path = new URL(request.url ?? '/', 'http://host').pathname;
        const policy = policies.find(([pattern]) => pattern.test(path))?.[2];
        if (policy) response.setHeader('Content-Security-Policy', policy);
        next();
      });
    },
  };
}

/** Tells the service worker which files are this version's. */
function fillServiceWorker(outDir: string): void {
  const files = readdirSync(outDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(outDir, resolve(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((name) => !unkept.test(name))
    .sort();
  const hash = createHash('sha256');
  for (const name of files) hash.update(name).update(readFileSync(resolve(outDir, name)));
  const list = {
    version: hash.digest('hex').slice(0, 12),
    files: files.map((name) => name.replace(/^index\.html$/, './')),
  };
  const script = resolve(outDir, 'service_worker.js');
  writeFileSync(script, readFileSync(script, 'utf8').replace('__PRECACHE__', JSON.stringify(list)));
}
