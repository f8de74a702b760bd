import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';

/** A page that a site makes up. */
export interface SitePage {
  readonly html: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The content of a site. */
export interface SiteContent {
  /** Folders on the disk by the first folder of the address. */
  readonly folders?: Readonly<Record<string, string>>;
  /** Pages by path, such as `/index.html`. */
  readonly pages?: Readonly<Record<string, SitePage>>;
  /** Whether other origins may read the site. The default is true. */
  readonly cors?: boolean;
}

/** A web server on a port, and therefore an origin, of its own. */
export interface Site {
  /** The origin, such as `http://127.0.0.1:4000`. */
  readonly url: string;
  close(): Promise<void>;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
};

/** Serves folders and pages, as a plain host of files does. */
export async function serveSite(content: SiteContent): Promise<Site> {
  const server = createServer((request, response) => answer(content, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(
  { folders = {}, pages = {}, cors = true }: SiteContent,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (cors) {
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-allow-headers', 'range');
    response.setHeader('access-control-expose-headers', 'content-range, content-length, accept-ranges, etag');
  }
  if (request.method === 'OPTIONS') {
    response.writeHead(204).end();
    return;
  }
  const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://host').pathname));
  const page = pages[path];
  if (page !== undefined) {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...page.headers }).end(page.html);
    return;
  }
  const [, first = '', ...rest] = path.split('/');
  const folder = folders[first];
  const file = folder === undefined ? folders[''] && join(folders[''], path) : join(folder, ...rest);
  if (file === undefined || !existsSync(file) || !statSync(file).isFile()) {
    response.writeHead(404).end();
    return;
  }
  const bytes = readFileSync(file);
  response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
  response.setHeader('accept-ranges', 'bytes');
  response.setHeader('etag', `"${bytes.length}"`);
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  if (from === undefined) {
    response.writeHead(200, { 'content-length': bytes.length }).end(request.method === 'HEAD' ? undefined : bytes);
    return;
  }
  const start = Number(from);
  const end = to ? Math.min(Number(to) + 1, bytes.length) : bytes.length;
  response.writeHead(206, {
    'content-range': `bytes ${start}-${end - 1}/${bytes.length}`,
    'content-length': end - start,
  });
  response.end(bytes.subarray(start, end));
}
