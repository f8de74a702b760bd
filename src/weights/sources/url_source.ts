import { InputError } from '../../errors.ts';
import type { RemoteSource } from './remote_source.ts';
import { UrlFile } from './url_file.ts';

/** How a URL is read. */
export interface UrlSourceOptions {
  /** Used in place of the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Sent with every request, for instance `{ authorization: 'Bearer …' }`. */
  readonly headers?: HeadersInit | undefined;
}

/**
 * Reads files below a URL with HTTP range requests. A server that ignores `Range` is read from the start and the surplus dropped.
 * Each file's first bytes are kept for later reads.
 *
 * Reads reject with a SourceError: its `status` where the server refused, none where the network failed.
 *
 * @param baseUrl - the folder; a query string stays on every request (signed URLs)
 * @throws InputError where `baseUrl` isn't a URL
 */
export function urlSource(baseUrl: string | URL, options: UrlSourceOptions = {}): RemoteSource {
  const base = folderUrl(baseUrl);
  const requester = { fetch: options.fetch ?? globalFetch, headers: options.headers };
  const files = new Map<string, UrlFile>();
  const urlOf = (path: string): URL => {
    const url = new URL(path.split('/').map(encodeURIComponent).join('/'), base);
    url.search = base.search;
    return url;
  };
  const file = (path: string): UrlFile => {
    const known = files.get(path) ?? new UrlFile(urlOf(path), requester);
    files.set(path, known);
    return known;
  };
  return {
    label: base.href,
    address(path) {
      const { href } = urlOf(path);
      return { id: href, origin: href, fixed: false };
    },
    version: (path, startNeeded, signal) => file(path).version(startNeeded, signal),
    async size(path, signal) {
      return (await file(path).version(true, signal)).size;
    },
    read: (path, start, end, signal) => file(path).read(start, end, signal),
    seekable: (path) => file(path).seekable,
  };
}

/** Looked up at each call: a test or a service may have put another in its place. */
export const globalFetch: typeof fetch = (input, init) => globalThis.fetch(input, init);

/** `input` as a URL, resolved against the page where it is relative; `undefined` where it is none. */
export function parseUrl(input: string | URL): URL | undefined {
  try {
    // A worker's location is its script's; `location` doesn't exist outside browsers.
    return new URL(input, typeof location === 'undefined' ? undefined : location.href);
  } catch {
    return undefined;
  }
}

/** The URL with a slash at its end. */
function folderUrl(input: string | URL): URL {
  const url = parseUrl(input);
  if (url === undefined) {
    throw new InputError(
      `source ${JSON.stringify(String(input))} isn't a URL. Give the folder's full address, such as https://example.com/model/.`,
    );
  }
  if (/\.(json|safetensors)$/.test(url.pathname)) {
    throw new InputError(
      `source "${String(input)}" is a file's address. Give the folder's: "${new URL('.', url).href}".`,
    );
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}
