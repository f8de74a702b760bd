/** The few things about HTTP answers that range reading has to know. */
import { SourceError } from '../../errors.ts';
import { TransientError } from './failures.ts';

/** The half-open byte range `[start, end)` of a 206 answer, and the file's whole size where the server tells it. */
export interface ContentRange {
  readonly start: number;
  readonly end: number;
  readonly size: number | undefined;
}

/** Reads `Content-Range: bytes 0-99/1234`; `undefined` where it is missing, hidden by CORS, or of another unit. */
export function contentRange(response: Response): ContentRange | undefined {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
  if (match === null) return undefined;
  const [, first, last, size] = match;
  return { start: Number(first), end: Number(last) + 1, size: size === '*' ? undefined : Number(size) };
}

/** The body's length by Content-Length; `undefined` where it isn't told, or counts compressed bytes. */
export function wholeLength(response: Response): number | undefined {
  const length = response.headers.get('content-length');
  const encoding = response.headers.get('content-encoding');
  if (length === null || !/^\d+$/.test(length) || (encoding !== null && encoding !== 'identity')) return undefined;
  return Number(length);
}

/**
 * What the server says to tell versions of a file by: its ETag, else (CORS hides that one from us unless the server exposes it) its
 * time of change. Some servers compress on the way and mark the tag as weak; the version is what stands between the quotes.
 */
export function versionTag(response: Response): string | undefined {
  const etag = response.headers.get('etag');
  if (etag !== null) return etag.replace(/^W\//, '').replace(/-gzip"$/, '"');
  return response.headers.get('last-modified') ?? undefined;
}

/** How long Retry-After asks us to wait, in milliseconds; `undefined` where it says nothing. */
export function retryAfter(response: Response): number | undefined {
  const value = response.headers.get('retry-after');
  if (value === null) return undefined;
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
}

/** The error for an answer that isn't the file, with what to do about it. */
export function failedResponse(url: string, status: number, wait: number | undefined): SourceError {
  const error = (remedy: string): SourceError => new SourceError(`${url} answered ${status}. ${remedy}`, { status });
  if (status === 401 || status === 403) {
    return error(
      'It asks for permission: pass an access token (`accessToken` for the hub; a `fetch` of yours that sends one for other servers), or check that ' +
        'the address is right.',
    );
  }
  if (status === 404 || status === 410)
    return error('The file is not there: check the address, and that the folder holds a checkpoint.');
  if (status === 429 || status === 408 || status >= 500) {
    const message = `${url} answered ${status}. The server is busy or broken: wait a little and load again.`;
    return new TransientError(message, { status, ...(wait === undefined ? {} : { retryAfter: wait }) });
  }
  return error('Check the address; opening it in a browser tab may tell more.');
}
