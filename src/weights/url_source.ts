import { InputError, SourceError } from '../errors.ts';
import { contentRange, failedResponse, retryAfter, wholeLength } from './http.ts';
import { TransientError, WebPageError } from './failures.ts';
import type { ByteSource } from './byte_source.ts';

/** How a URL is read. */
export interface UrlSourceOptions {
  /** Used in place of the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Sent with every request, for instance `{ authorization: 'Bearer …' }`. */
  readonly headers?: HeadersInit | undefined;
}

/**
 * The first request for a file asks for this many bytes: enough for any header that we know of (f128c512's has 68 kB) and for any
 * config.json, so that most files give their size and all that is wanted first in a single round trip.
 */
const prefixBytes = 128 * 1024;

/** What is known of a file after its first answer. */
interface Entry {
  readonly size: number;
  /** The file's first bytes, `prefixBytes` or fewer. */
  readonly prefix: Uint8Array;
  /** The version that the server says this is, to notice when it changes between two requests. */
  readonly etag: string | null;
  /** Whether the server answers a range with that range. */
  readonly ranges: boolean;
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
export function urlSource(baseUrl: string | URL, options: UrlSourceOptions = {}): ByteSource {
  const base = folderUrl(baseUrl);
  const request = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  const entries = new Map<string, Promise<Entry>>();
  const known = new Map<string, Entry>();
  const urlOf = (path: string): URL => {
    const url = new URL(path.split('/').map(encodeURIComponent).join('/'), base);
    url.search = base.search;
    return url;
  };

  const send = async (url: URL, init: RequestInit, signal: AbortSignal | undefined): Promise<Response> => {
    try {
      return await request(url, { ...init, signal: signal ?? null });
    } catch (cause) {
      signal?.throwIfAborted();
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw new TransientError(
        `${url.href} could not be fetched (${detail}). Check the connection; a server on another origin must also allow this page (CORS: ` +
          'Access-Control-Allow-Origin).',
        { cause },
      );
    }
  };

  const get = async (url: URL, start: number, end: number, signal: AbortSignal | undefined): Promise<Response> => {
    const headers = new Headers(options.headers);
    headers.set('range', `bytes=${start}-${end - 1}`);
    const response = await send(url, { headers }, signal);
    if (response.status === 416 || response.ok) {
      if (response.ok && isWebPage(response, url)) {
        await drop(response);
        throw new WebPageError(url.href, { status: response.status });
      }
      return response;
    }
    await drop(response);
    throw failedResponse(url.href, response.status, retryAfter(response));
  };

  const open = async (path: string, signal: AbortSignal | undefined): Promise<Entry> => {
    const url = urlOf(path);
    const response = await get(url, 0, prefixBytes, signal);
    const etag = response.headers.get('etag');
    if (response.status === 416) {
      await drop(response); // only an empty file has no first byte
      return { size: 0, prefix: new Uint8Array(0), etag, ranges: true };
    }
    const range = contentRange(response);
    if (range !== undefined && (range.start !== 0 || range.end > prefixBytes)) {
      await drop(response);
      throw wrongRange(url, 0, prefixBytes, response);
    }
    const { bytes, ended } = await firstBytes(response, prefixBytes, url, signal);
    const ranges = response.status === 206;
    // A file that ended within the prefix has told its size; a longer one tells it in a header.
    let size =
      range?.size ??
      (ended && (!ranges || bytes.length < prefixBytes) ? bytes.length : ranges ? undefined : wholeLength(response));
    if (size === undefined && ranges) {
      // Content-Range is hidden from us unless the other origin exposes it; Content-Length never is.
      const head = await send(url, { method: 'HEAD', headers: new Headers(options.headers) }, signal);
      size = head.ok ? wholeLength(head) : undefined;
    }
    if (size === undefined) {
      throw new SourceError(
        `${url.href}: the server doesn't say how long the file is. Let it answer range requests (206 with Content-Range, and ` +
          'Access-Control-Expose-Headers: Content-Range, ETag), or send Content-Length.',
        { status: response.status },
      );
    }
    if (bytes.length < Math.min(size, prefixBytes)) throw cutShort(url, bytes.length, Math.min(size, prefixBytes));
    return { size, prefix: bytes, etag, ranges };
  };

  /** One first request for each file, however many ask; a failed one is forgotten. */
  const entry = async (path: string, signal: AbortSignal | undefined): Promise<Entry> => {
    const shared = entries.get(path);
    if (shared !== undefined) {
      try {
        return await shared;
      } catch {
        signal?.throwIfAborted();
        return entry(path, signal); // theirs failed, perhaps because they gave up; ours may not
      }
    }
    const opened = open(path, signal);
    entries.set(path, opened);
    try {
      const result = await opened;
      known.set(path, result);
      return result;
    } catch (error) {
      entries.delete(path);
      throw error;
    }
  };

  return {
    label: base.href,
    async size(path, signal) {
      return (await entry(path, signal)).size;
    },
    async read(path, start, end, signal) {
      const { size, prefix, etag } = await entry(path, signal);
      if (end <= prefix.length) return prefix.subarray(start, end);
      const url = urlOf(path);
      const from = Math.max(start, prefix.length);
      const response = await get(url, from, end, signal);
      const range = contentRange(response);
      const changed =
        (range?.size !== undefined && range.size !== size) || isOtherVersion(etag, response.headers.get('etag'));
      if (changed || response.status === 416) {
        await drop(response);
        throw new SourceError(
          `${url.href} changed on the server while it was being read. Load again to get the new version.`,
          {
            status: response.status,
          },
        );
      }
      if (response.status === 206 && range !== undefined && (range.start !== from || range.end > end)) {
        await drop(response);
        throw wrongRange(url, from, end, response);
      }
      const skip = response.status === 206 ? 0 : from;
      return assemble(prefix.subarray(Math.min(start, prefix.length)), response, skip, end - from);
    },
    seekable: (path) => known.get(path)?.ranges ?? true,
  };
}

/** The URL with a slash at its end, resolved against the page where it is relative. */
function folderUrl(input: string | URL): URL {
  let url: URL;
  try {
    // A worker's location is its script's; `location` doesn't exist outside browsers.
    url = new URL(input, typeof location === 'undefined' ? undefined : location.href);
  } catch (cause) {
    throw new InputError(
      `source ${JSON.stringify(String(input))} isn't a URL. Give the folder's full address, such as https://example.com/model/.`,
      {
        cause,
      },
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

/** Some servers compress on the way and mark the tag as weak; the version is what stands between the quotes. */
function isOtherVersion(before: string | null, now: string | null): boolean {
  const bare = (etag: string): string => etag.replace(/^W\//, '').replace(/-gzip"$/, '"');
  return before !== null && now !== null && bare(before) !== bare(now);
}

function isWebPage(response: Response, url: URL): boolean {
  return (response.headers.get('content-type') ?? '').includes('text/html') && !/\.html?$/.test(url.pathname);
}

/** Lets a response go without reading it. */
async function drop(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

function wrongRange(url: URL, start: number, end: number, response: Response): SourceError {
  const got = response.headers.get('content-range') ?? 'none';
  return new SourceError(
    `${url.href}: asked for bytes ${start}-${end - 1}, got Content-Range "${got}". The server or a proxy before it handles ranges wrongly; ` +
      'serve the files from elsewhere.',
    { status: response.status },
  );
}

function cutShort(url: URL, got: number, wanted: number): TransientError {
  return new TransientError(`${url.href} ended after ${got} of ${wanted} bytes. The connection broke; load again.`);
}

/** Up to `limit` bytes of the body, then lets go of it. */
async function firstBytes(
  response: Response,
  limit: number,
  url: URL,
  signal: AbortSignal | undefined,
): Promise<{ bytes: Uint8Array; ended: boolean }> {
  const reader = response.body?.getReader();
  if (reader === undefined) return { bytes: new Uint8Array(0), ended: true };
  const bytes = new Uint8Array(limit);
  let length = 0;
  try {
    while (length < limit) {
      const { done, value } = await reader.read();
      if (done) return { bytes: bytes.slice(0, length), ended: true };
      const part = value.subarray(0, limit - length);
      bytes.set(part, length);
      length += part.length;
      if (part.length < value.length) return { bytes, ended: false };
    }
    return { bytes, ended: false };
  } catch (cause) {
    signal?.throwIfAborted();
    throw new TransientError(`${url.href}: the connection broke. Check it and load again.`, { cause });
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** `head`, then `length` bytes of the body after its first `skip`, as they come; the rest of the body is cancelled. */
function assemble(head: Uint8Array, response: Response, skip: number, length: number): ReadableStream<Uint8Array> {
  const reader = response.body?.getReader();
  let toSkip = skip;
  let left = length;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (head.length > 0) controller.enqueue(head);
      },
      async pull(controller) {
        while (left > 0) {
          const part = await reader?.read();
          if (part?.value === undefined) break;
          const wanted = part.value.subarray(Math.min(toSkip, part.value.length)).subarray(0, left);
          toSkip = Math.max(0, toSkip - part.value.length);
          left -= wanted.length;
          if (wanted.length > 0 && left > 0) {
            controller.enqueue(wanted);
            return;
          }
          if (wanted.length > 0) controller.enqueue(wanted);
        }
        controller.close();
        await reader?.cancel().catch(() => undefined);
      },
      async cancel(reason) {
        await reader?.cancel(reason).catch(() => undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
