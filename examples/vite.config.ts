// `npm run examples` serves the examples. They use the package's source, and the small checkpoint as their model.
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import vue from '@vitejs/plugin-vue';
import { defineConfig, type Connect, type Plugin } from 'vite';
import { weslStatic } from '../.config/wesl.ts';

const here = (path: string) => resolve(import.meta.dirname, path);
const shaders = () => weslStatic(here('../shaders'));

/** The pages, by the name of their folder. The one that uses a CDN needs no build. */
const pages = readdirSync(import.meta.dirname).filter((name) => existsSync(here(`${name}/index.html`)));

/** Serves the small checkpoint as the folder `vae` of a pipeline, as SANA's on the hub: `/model/vae/`. */
function model(): Plugin {
  const serve: Connect.NextHandleFunction = (request, response, next) => {
    const [, name = ''] = /^\/model\/vae\/([\w.]+)$/.exec(request.url ?? '') ?? [];
    const path = here(`../demo/models/nano/${name}`);
    if (name === '' || !existsSync(path)) return next();
    const { size } = statSync(path);
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const [start, end] = [Number(first ?? 0), Math.min(size - 1, Number(last || size - 1))];
    response.setHeader('content-length', end - start + 1);
    if (first !== undefined) response.setHeader('content-range', `bytes ${start}-${end}/${size}`);
    response.statusCode = first === undefined ? 200 : 206;
    createReadStream(path, { start, end }).pipe(response);
  };
  return {
    name: 'model',
    configureServer: ({ middlewares }) => void middlewares.use(serve),
    configurePreviewServer: ({ middlewares }) => void middlewares.use(serve),
  };
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [vue(), shaders(), model()],
  resolve: { alias: { 'dc-ae-webgpu/codec': here('../src/codec/index.ts'), 'dc-ae-webgpu': here('../src/index.ts') } },
  server: { fs: { allow: [here('..')] }, open: '/decode_latents/' },
  worker: { format: 'es', plugins: () => [shaders()] },
  build: {
    outDir: here('../.cache/examples'),
    emptyOutDir: true,
    target: 'es2022',
    rolldownOptions: {
      input: Object.fromEntries(pages.map((name) => [name, here(`${name}/index.html`)])),
      external: [/^https:/],
    },
  },
});
