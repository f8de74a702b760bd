import { SourceError } from '../../errors.ts';
import { TransientError, WebPageError } from './failures.ts';
import { assemble, drop, firstBytes } from './http_body.ts';
import { contentRange, failedResponse, retryAfter, versionTag, wholeLength } from './http.ts';
import { prefixBytes, type FileVersion } from './remote_source.ts';

/** What a file is fetched with. */
export interface Requester {
  readonly fetch: typeof globalThis.fetch;
  readonly headers: HeadersInit | undefined;
}

/**
 * The browser's own HTTP cache stays out of it: it would answer for a server that should be asked what is new, write gigabytes to the
 * disk a second time, and fetch a range again where its cache of partial answers gives up in the middle (Chromium does).
 */
export const unkept = { cache: 'no-store' } as const;

/** What is known of a file after an answer. */
interface Entry extends FileVersion {
  /** The file's first bytes, `prefixBytes` or fewer. */
  readonly prefix: Uint8Array;
  /** Whether the server answers a range with that range. */
  readonly ranges: boolean;
}

/**
 * One file behind a URL, read with HTTP range requests. A server that ignores `Range` is read from the start and the surplus
 * dropped. The file's first bytes are kept for later reads.
 *
 * All methods reject with a SourceError: its `status` where the server refused, none where the network failed.
 */
export class UrlFile {
  readonly #url: URL;
  readonly #requester: Requester;
  readonly #promisedSize: number | undefined;
  #known: Entry | undefined;
  #opening: { readonly limit: number; readonly entry: Promise<Entry> } | undefined;

  /** @param size - where somebody else has told it already: then nothing is asked before the first read */
  constructor(url: URL, requester: Requester, size?: number) {
    this.#url = url;
    this.#requester = requester;
    this.#promisedSize = size;
  }

  /** Whether a read from the middle costs no more than what it reads; `true` until the first answer says otherwise. */
  get seekable(): boolean {
    return this.#known?.ranges ?? true;
  }

  /** The size and the version, with the file's start if that is wanted next. */
  async version(startNeeded: boolean, signal: AbortSignal | undefined): Promise<FileVersion> {
    return await this.#entry(startNeeded ? prefixBytes : 1, signal);
  }

  /** The bytes `[start, end)`, as they come. */
  async read(
    start: number,
    end: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array | ReadableStream<Uint8Array>> {
    const known = this.#known;
    const startMissing = start < prefixBytes && start >= (known?.prefix.length ?? 0);
    // What lies beyond the prefix can be read at once where the size was told.
    const entry =
      startMissing || (known === undefined && this.#promisedSize === undefined)
        ? await this.#entry(prefixBytes, signal)
        : known;
    const prefix = entry?.prefix ?? new Uint8Array(0);
    if (end <= prefix.length) return prefix.subarray(start, end);
    const from = Math.max(start, prefix.length);
    const response = await this.#get(from, end, signal);
    const range = contentRange(response);
    const size = entry?.size ?? this.#promisedSize;
    const changed =
      (range?.size !== undefined && range.size !== size) || isOtherVersion(entry?.tag, versionTag(response));
    if (changed || response.status === 416) {
      await drop(response);
      throw this.#changed(response);
    }
    if (response.status === 206 && range !== undefined && (range.start !== from || range.end > end)) {
      await drop(response);
      throw this.#wrongRange(from, end, response);
    }
    // The first answer says which version all others must be of.
    this.#known ??= {
      size: size ?? end,
      tag: versionTag(response),
      prefix: new Uint8Array(0),
      ranges: response.status === 206,
    };
    // What holds nothing but what was asked for goes on as it is: the browser's own stream reads into buffers that its reader gives.
    if (from === start && range?.end === end && response.body !== null) return response.body;
    const skip = response.status === 206 ? 0 : from;
    return assemble(prefix.subarray(Math.min(start, prefix.length)), response, skip, end - from);
  }

  /** One first request, however many ask; a failed one is forgotten. */
  async #entry(limit: number, signal: AbortSignal | undefined): Promise<Entry> {
    const known = this.#known;
    if (known !== undefined && known.prefix.length >= Math.min(limit, known.size)) return known;
    const shared = this.#opening;
    if (shared !== undefined && shared.limit >= limit) {
      try {
        return await shared.entry;
      } catch {
        signal?.throwIfAborted();
        return await this.#entry(limit, signal); // theirs failed, perhaps because they gave up; ours may not
      }
    }
    const opening = { limit, entry: this.#open(limit, signal) };
    this.#opening = opening;
    try {
      const entry = await opening.entry;
      if (known !== undefined && (known.size !== entry.size || isOtherVersion(known.tag, entry.tag)))
        throw this.#changed();
      this.#known = entry;
      return entry;
    } finally {
      if (this.#opening === opening) this.#opening = undefined;
    }
  }

  async #open(limit: number, signal: AbortSignal | undefined): Promise<Entry> {
    const response = await this.#get(0, limit, signal);
    const tag = versionTag(response);
    if (response.status === 416) {
      await drop(response); // only an empty file has no first byte
      return { size: 0, prefix: new Uint8Array(0), tag, ranges: true };
    }
    const range = contentRange(response);
    // More than was asked for is no harm: sirv, which Vite and many hosts serve with, takes `bytes=0-0` for the whole file.
    if (range !== undefined && range.start !== 0) {
      await drop(response);
      throw this.#wrongRange(0, limit, response);
    }
    const { bytes, ended } = await firstBytes(response, limit, this.#url, signal);
    const ranges = response.status === 206;
    // A file that ended within the prefix has told its size; a longer one tells it in a header.
    let size =
      range?.size ??
      this.#promisedSize ??
      (ended && (!ranges || bytes.length < limit) ? bytes.length : ranges ? undefined : wholeLength(response));
    if (size === undefined && ranges) {
      // Content-Range is hidden from us unless the other origin exposes it; Content-Length never is.
      const head = await this.#send({ method: 'HEAD', headers: new Headers(this.#requester.headers) }, signal);
      size = head.ok ? wholeLength(head) : undefined;
    }
    if (size === undefined) {
      throw new SourceError(
        `${this.#url.href}: the server doesn't say how long the file is. Let it answer range requests (206 with Content-Range, and ` +
          'Access-Control-Expose-Headers: Content-Range, ETag), or send Content-Length.',
        { status: response.status },
      );
    }
    if (this.#promisedSize !== undefined && size !== this.#promisedSize) throw this.#changed(response);
    const wanted = Math.min(size, limit);
    if (bytes.length < wanted) {
      throw new TransientError(
        `${this.#url.href} ended after ${bytes.length} of ${wanted} bytes. The connection broke; load again.`,
      );
    }
    return { size, prefix: bytes, tag, ranges };
  }

  async #get(start: number, end: number, signal: AbortSignal | undefined): Promise<Response> {
    const headers = new Headers(this.#requester.headers);
    headers.set('range', `bytes=${start}-${end - 1}`);
    const response = await this.#send({ headers }, signal);
    if (response.status === 416 || response.ok) {
      if (response.ok && this.#isWebPage(response)) {
        await drop(response);
        throw new WebPageError(this.#url.href, { status: response.status });
      }
      return response;
    }
    await drop(response);
    throw failedResponse(this.#url.href, response.status, retryAfter(response));
  }

  async #send(init: RequestInit, signal: AbortSignal | undefined): Promise<Response> {
    try {
      return await this.#requester.fetch(this.#url, { ...unkept, ...init, signal: signal ?? null });
    } catch (cause) {
      signal?.throwIfAborted();
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw new TransientError(
        `${this.#url.href} could not be fetched (${detail}). Check the connection; a server on another origin must also allow this page (CORS: ` +
          'Access-Control-Allow-Origin).',
        { cause },
      );
    }
  }

  #isWebPage(response: Response): boolean {
    return (response.headers.get('content-type') ?? '').includes('text/html') && !/\.html?$/.test(this.#url.pathname);
  }

  #wrongRange(start: number, end: number, response: Response): SourceError {
    const got = response.headers.get('content-range') ?? 'none';
    return new SourceError(
      `${this.#url.href}: asked for bytes ${start}-${end - 1}, got Content-Range "${got}". The server or a proxy before it handles ranges wrongly; ` +
        'serve the files from elsewhere.',
      { status: response.status },
    );
  }

  #changed(response?: Response): SourceError {
    return new SourceError(
      `${this.#url.href} changed on the server while it was being read. Load again to get the new version.`,
      response === undefined ? {} : { status: response.status },
    );
  }
}

function isOtherVersion(before: string | undefined, now: string | undefined): boolean {
  return before !== undefined && now !== undefined && before !== now;
}
