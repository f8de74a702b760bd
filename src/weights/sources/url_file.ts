import { SourceError } from '../../errors.ts';
import { impliedFileSize } from '../format/safetensors.ts';
import { mayBeMissing, TransientError, WebPageError } from './failures.ts';
import { contentLength, contentRange, failedResponse, retryAfterMs, versionOf } from './http.ts';
import { assemble, bodyBytes, drop, firstBytes } from './http_body.ts';
import { isSameVersion, PREFIX_BYTES, type FileVersion } from './remote_source.ts';

/** The means to fetch a file. */
export interface Requester {
  readonly fetch: typeof globalThis.fetch;
  readonly headers: HeadersInit | undefined;
}

/**
 * Keeps the browser's HTTP cache out. It would answer for a server that should be asked for changes, write gigabytes to
 * the disk a second time, and fetch a range again if its cache of partial answers gives up in the middle (Chromium
 * does).
 */
export const UNCACHED = { cache: 'no-store' } as const;

/** Knowledge about a file after an answer. */
interface Entry extends FileVersion {
  /** The file's first bytes, at most `PREFIX_BYTES`. */
  readonly prefix: Uint8Array;
  /** Whether the server answers a request for a range with that range. */
  readonly ranges: boolean;
}

/**
 * One file behind a URL, read with HTTP range requests. A server that ignores `Range` is read from the start, and the
 * surplus is dropped. The file's first bytes are kept for later reads.
 *
 * All methods reject with a SourceError. Its `status` is that of the answer, or `undefined` if the network failed.
 */
export class UrlFile {
  #url: URL;
  #fallback: URL | undefined;
  readonly #requester: Requester;
  readonly #promisedSize: number | undefined;
  #known: Entry | undefined;
  #opening: { readonly limit: number; readonly entry: Promise<Entry> } | undefined;

  /**
   * @param options - `size`: the file's size if it is already known, so that the first request is a read; `fallback`:
   * the address to ask if the file does not exist at `url`
   */
  constructor(url: URL, requester: Requester, { size, fallback }: { size?: number; fallback?: URL | undefined } = {}) {
    this.#url = url;
    this.#fallback = fallback;
    this.#requester = requester;
    this.#promisedSize = size;
  }

  /** Whether a read from the middle costs no more than the bytes it returns; `true` until an answer says otherwise. */
  get seekable(): boolean {
    return this.#known?.ranges ?? true;
  }

  /** Asks for the size and the version; the same request fetches the file's start if that is needed next. */
  async version(startNeeded: boolean, signal: AbortSignal | undefined): Promise<FileVersion> {
    return await this.#entry(startNeeded ? PREFIX_BYTES : 1, signal);
  }

  /** Reads the bytes `[start, end)`. */
  async read(
    start: number,
    end: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array | ReadableStream<Uint8Array>> {
    const known = this.#known;
    const startMissing = start < PREFIX_BYTES && start >= (known?.prefix.length ?? 0);
    // If the size is known, bytes beyond the prefix can be read at once.
    const entry =
      startMissing || (known === undefined && this.#promisedSize === undefined)
        ? await this.#entry(PREFIX_BYTES, signal)
        : known;
    const prefix = entry?.prefix ?? new Uint8Array(0);
    if (end <= prefix.length) return prefix.subarray(start, end);
    const from = Math.max(start, prefix.length);
    const response = await this.#get(from, end, signal);
    const range = contentRange(response);
    const size = entry?.size ?? this.#promisedSize ?? end;
    const now = versionOf(response, range?.size ?? size);
    if (now.size !== size || (entry !== undefined && !isSameVersion(entry, now)) || response.status === 416) {
      await drop(response);
      throw this.#changed(response, entry, now);
    }
    if (response.status === 206 && range !== undefined && (range.start !== from || range.end > end)) {
      await drop(response);
      throw this.#wrongRange(from, end, response);
    }
    // The first answer decides which version all others must have.
    this.#known ??= { ...now, prefix: new Uint8Array(0), ranges: response.status === 206 };
    // An answer that holds exactly the range is passed on as it is: a byte stream reads into its reader's buffers.
    if (from === start && range?.end === end && response.body !== null) return response.body;
    const skip = response.status === 206 ? 0 : from;
    return assemble(prefix.subarray(Math.min(start, prefix.length)), response, skip, end - from);
  }

  /** Shares one first request among all callers. A failed one is forgotten. */
  async #entry(limit: number, signal: AbortSignal | undefined): Promise<Entry> {
    const known = this.#known;
    if (known !== undefined && known.prefix.length >= Math.min(limit, known.size)) return known;
    const shared = this.#opening;
    if (shared !== undefined && shared.limit >= limit) {
      try {
        return await shared.entry;
      } catch {
        signal?.throwIfAborted();
        return await this.#entry(limit, signal); // the other caller's request failed, perhaps by its own abort
      }
    }
    const opening = { limit, entry: this.#open(limit, signal) };
    this.#opening = opening;
    try {
      const entry = await opening.entry;
      if (known !== undefined && !isSameVersion(known, entry)) throw this.#changed(undefined, known, entry);
      this.#known = entry;
      return entry;
    } finally {
      if (this.#opening === opening) this.#opening = undefined;
    }
  }

  async #open(limit: number, signal: AbortSignal | undefined): Promise<Entry> {
    let response: Response;
    try {
      response = await this.#get(0, limit, signal);
    } catch (error) {
      if (this.#fallback === undefined || !mayBeMissing(error)) throw error;
      this.#url = this.#fallback;
      this.#fallback = undefined;
      return await this.#open(limit, signal);
    }
    if (response.status === 416) {
      await drop(response); // only an empty file has no first byte
      return { ...versionOf(response, 0), prefix: new Uint8Array(0), ranges: true };
    }
    const range = contentRange(response);
    // More bytes than asked for do no harm: sirv, which Vite and many hosts use, takes `bytes=0-0` for the whole file.
    if (range !== undefined && range.start !== 0) {
      await drop(response);
      throw this.#wrongRange(0, limit, response);
    }
    const { bytes, ended } = await firstBytes(response, limit, this.#url, signal);
    const ranges = response.status === 206;
    const isWhole = ended && (!ranges || bytes.length < limit);
    const told = range?.size ?? (isWhole ? bytes.length : ranges ? undefined : contentLength(response));
    if (told !== undefined && this.#promisedSize !== undefined && told !== this.#promisedSize)
      throw this.#changed(response);
    if (told === undefined && !ranges && limit < PREFIX_BYTES) return await this.#open(PREFIX_BYTES, signal);
    const size = told ?? this.#promisedSize ?? (await this.#untoldSize(bytes, ranges, signal));
    const wanted = Math.min(size, limit);
    if (bytes.length < wanted) {
      throw new TransientError(
        `${this.#url.href} ended after ${bytes.length} of ${wanted} bytes. The connection broke; load again.`,
      );
    }
    return { ...versionOf(response, size), prefix: bytes, ranges };
  }

  /** Finds the size of a file if the server's first answer does not tell it. */
  async #untoldSize(start: Uint8Array, ranges: boolean, signal: AbortSignal | undefined): Promise<number> {
    if (ranges) {
      // CORS hides Content-Range unless the server exposes it; it never hides Content-Length.
      const head = await this.#send({ method: 'HEAD', headers: new Headers(this.#requester.headers) }, signal);
      const length = head.ok ? contentLength(head) : undefined;
      if (length !== undefined) return length;
    }
    const implied = impliedFileSize(start);
    if (implied !== undefined) return implied;
    // Not weights, or with a very long header: the bytes are counted.
    const response = await this.#send({ headers: new Headers(this.#requester.headers) }, signal);
    if (response.ok) return await bodyBytes(response, this.#url, signal);
    await drop(response);
    throw failedResponse(this.#url.href, response.status, retryAfterMs(response));
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
    throw failedResponse(this.#url.href, response.status, retryAfterMs(response));
  }

  async #send(init: RequestInit, signal: AbortSignal | undefined): Promise<Response> {
    try {
      return await this.#requester.fetch(this.#url, { ...UNCACHED, ...init, signal: signal ?? null });
    } catch (cause) {
      signal?.throwIfAborted();
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw new TransientError(
        `${this.#url.href} could not be fetched (${detail}). Check the connection; a server on another ` +
          'origin must also allow ' +
          'this page (CORS: Access-Control-Allow-Origin).',
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
      `${this.#url.href}: asked for bytes ${start}-${end - 1}, got Content-Range "${got}". The server or a ` +
        'proxy before it ' +
        'handles ranges wrongly; serve the files from elsewhere.',
      { status: response.status },
    );
  }

  /** The error for two answers of different versions. */
  #changed(response?: Response, before?: FileVersion, now?: FileVersion): SourceError {
    const status = response === undefined ? {} : { status: response.status };
    const isOnlyTag = before?.size === now?.size && before?.tag !== undefined && before.lastModified === undefined;
    if (isOnlyTag && response?.status !== 416) {
      return new SourceError(
        `${this.#url.href} has another ETag than a moment ago, ${now?.tag} instead of ${before.tag}. If the ` +
          'file changed, load ' +
          'again. If it did not, the ETags are those of several servers: let them send Last-Modified too, or pass a ' +
          '`fetch` of your own that removes the ETag.',
        status,
      );
    }
    return new SourceError(
      `${this.#url.href} changed on the server while it was being read. Load again to get the new version.`,
      status,
    );
  }
}
