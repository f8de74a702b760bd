/** The parts of HTTP answers that range reading needs. */
import { SourceError } from '../../errors.ts';
import { TransientError } from './failures.ts';
import type { FileVersion } from './remote_source.ts';

/** The byte range `[start, end)` of a 206 answer, and the file's size if the server tells it. */
export interface ContentRange {
  readonly start: number;
  readonly end: number;
  readonly size: number | undefined;
}

/** Reads `Content-Range: bytes 0-99/1234`; `undefined` if it is absent, hidden by CORS, or in another unit. */
export function contentRange(response: Response): ContentRange | undefined {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
  if (match === null) return undefined;
  const [, first, last, size] = match;
  return { start: Number(first), end: Number(last) + 1, size: size === '*' ? undefined : Number(size) };
}

/** Reads the body's length from Content-Length; `undefined` if it is absent, or counts compressed bytes. */
export function contentLength(response: Response): number | undefined {
  const length = response.headers.get('content-length');
  const encoding = response.headers.get('content-encoding');
  if (length === null || !/^\d+$/.test(length) || (encoding !== null && encoding !== 'identity')) return undefined;
  return Number(length);
}

/**
 * Reads the headers that tell versions of a file apart. CORS hides the ETag unless the server exposes it. Servers that
 * compress on the way mark the tag as weak; the version is the quoted text.
 */
export function versionOf(response: Response, size: number): FileVersion {
  const etag = response.headers
    .get('etag')
    ?.replace(/^W\//, '')
    .replace(/-gzip"$/, '"');
  const lastModified = response.headers.get('last-modified') ?? undefined;
  return { size, tag: etag ?? lastModified, lastModified };
}

/**
 * Reads the pause that Retry-After asks for, in milliseconds; `undefined` if there is none. A time is compared with the
 * server's own clock if the answer tells it, because this machine's clock may be wrong.
 */
export function retryAfterMs({ headers }: Response): number | undefined {
  const value = headers.get('retry-after');
  if (value === null) return undefined;
  const serverTime = Date.parse(headers.get('date') ?? '');
  const now = Number.isNaN(serverTime) ? Date.now() : serverTime;
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
}

/** The error for an answer that is not the file. */
export function failedResponse(url: string, status: number, pauseMs: number | undefined): SourceError {
  const error = (remedy: string): SourceError => new SourceError(`${url} answered ${status}. ${remedy}`, { status });
  if (status === 401 || status === 403) {
    return error(
      'Either the file does not exist there, or reading it needs permission: check the address, or pass an ' +
        'access token ' +
        '(`accessToken` for the hub; for other servers, a `fetch` of your own that sends one).',
    );
  }
  if (status === 404 || status === 410)
    return error('The file does not exist there: check the address, and that the folder holds a checkpoint.');
  if (status === 429 || status === 408 || status >= 500) {
    const message = `${url} answered ${status}. The server is busy or broken: wait a little and load again.`;
    return new TransientError(message, { status, ...(pauseMs === undefined ? {} : { retryAfterMs: pauseMs }) });
  }
  return error('Check the address; opening it in a browser tab may tell more.');
}
