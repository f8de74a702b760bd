/** Sources behind URLs. The URL that was given is the URL that is asked: its escapes and its query stay as they are. */
import { InputError } from '../../errors.ts';
import { parseUrl } from './reference.ts';
import type { RemoteSource } from './remote_source.ts';
import { decodedSegment } from './repo_reference.ts';
import { UrlFile } from './url_file.ts';

/** Options for reading URLs. */
export interface UrlSourceOptions {
  /** Used in place of the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Sent with every request, for instance `{ authorization: 'Bearer …' }`. */
  readonly headers?: HeadersInit | undefined;
}

/**
 * Reads files in a folder with HTTP range requests. A server that ignores `Range` is read from the start, and the
 * surplus is dropped. Each file's first bytes are kept for later reads.
 *
 * Reads reject with a SourceError. Its `status` is that of the answer, or `undefined` if the network failed.
 *
 * @param folder - the folder's URL; a query string is sent with every request (signed URLs)
 * @throws InputError if `folder` is not the URL of a folder
 */
export function urlFolderSource(folder: string | URL, options: UrlSourceOptions = {}): RemoteSource {
  const base = folderUrl(folder);
  return sourceOf(base.href, (path) => inFolder(base, path), options);
}

/** A source that holds a single file, and the name of that file. */
export interface UrlFileSource {
  readonly source: RemoteSource;
  readonly file: string;
}

/**
 * Reads a single file the same way. Files that it names, such as the shards of an index, are read from beside it.
 *
 * @throws InputError if the URL is that of a folder
 */
export function urlFileSource(url: URL, options: UrlSourceOptions = {}): UrlFileSource {
  const [, folder = '', name = ''] = LAST_SEGMENT.exec(url.pathname) ?? [];
  if (name === '') {
    throw new InputError(
      `"${url.href}" is the address of a folder. Give that of a file of weights, or load the folder with ` +
        'AutoencoderDC.fromPretrained().',
    );
  }
  const file = decodedSegment(name);
  const base = new URL(url);
  base.pathname = folder;
  const source = sourceOf(url.href, (path) => (path === file ? url : inFolder(base, path)), options);
  return { source, file };
}

/** A path up to its last separator, and the rest. Storage servers escape slashes within their keys. */
const LAST_SEGMENT = /^(.*(?:\/|%2F))?(.*)$/i;

function sourceOf(label: string, urlOf: (path: string) => URL, options: UrlSourceOptions): RemoteSource {
  const requester = { fetch: options.fetch ?? globalFetch, headers: options.headers };
  const files = new Map<string, UrlFile>();
  const file = (path: string): UrlFile => {
    const known = files.get(path) ?? new UrlFile(urlOf(path), requester, { fallback: resolvedPage(urlOf(path)) });
    files.set(path, known);
    return known;
  };
  return {
    label,
    address(path) {
      const { href } = urlOf(path);
      return { id: href, origin: href, isImmutable: false };
    },
    version: (path, startNeeded, signal) => file(path).version(startNeeded, signal),
    async size(path, signal) {
      return (await file(path).version(true, signal)).size;
    },
    read: (path, start, end, signal) => file(path).read(start, end, signal),
    seekable: (path) => file(path).seekable,
  };
}

/** Calls the global `fetch`, looked up at each call: tests and service workers replace it. */
export const globalFetch: typeof fetch = (input, init) => globalThis.fetch(input, init);

/** The URL of a path below a folder. */
export function inFolder(folder: URL, path: string): URL {
  const url = new URL(folder);
  const separator = /%2F$/i.test(folder.pathname) ? '%2F' : '/';
  url.pathname = folder.pathname + path.split('/').map(encodeURIComponent).join(separator);
  return url;
}

/**
 * The URL with a separator at its end.
 *
 * @throws InputError if it is not the URL of a folder
 */
export function folderUrl(input: string | URL): URL {
  const url = parseUrl(input);
  if (url === undefined) {
    throw new InputError(
      `source ${JSON.stringify(String(input))} is not a URL. Give the folder's full address, such as ` +
        'https://example.com/model/.',
    );
  }
  if (url.protocol === 'blob:' || url.protocol === 'data:') {
    throw new InputError(
      `source is a ${url.protocol} URL, which holds a single file. Load it with AutoencoderDC.fromSingleFile().`,
    );
  }
  const [, folder = '', name = ''] = LAST_SEGMENT.exec(url.pathname) ?? [];
  if (/\.(json|safetensors)$/.test(name)) {
    const parent = new URL(url);
    parent.pathname = folder;
    throw new InputError(
      `source "${String(input)}" is the address of a file. Give that of its folder, "${parent.href}", or ` +
        'load the file with ' +
        'AutoencoderDC.fromSingleFile().',
    );
  }
  if (name !== '') url.pathname += /%2F$/i.test(folder) ? '%2F' : '/';
  return url;
}

/** The file of a page on an unknown hub or mirror, `/owner/name/blob/…`; `undefined` for other addresses. */
function resolvedPage(url: URL): URL | undefined {
  if (!/^\/[^/]+\/[^/]+\/blob\/./.test(url.pathname)) return undefined;
  const file = new URL(url);
  file.pathname = url.pathname.replace('/blob/', '/resolve/');
  return file;
}
