import type { FileDownloadInfoOutput } from '@huggingface/hub';
import { SourceError } from '../../errors.ts';
import type { Bytes } from './byte_source.ts';
import { RepoError, TransientError } from './failures.ts';
import { hubLibrary } from './hub_library.ts';
import { failedResponse, retryAfterMs } from './http.ts';
import { drop, inXetChunks } from './http_body.ts';
import { PREFIX_BYTES, type FileVersion } from './remote_source.ts';
import { UNCACHED, UrlFile } from './url_file.ts';

/** A repository of a hub, and the means to read it. */
export interface Hub {
  readonly hubUrl: string;
  readonly repo: string;
  readonly revision: string;
  readonly fetch: typeof globalThis.fetch;
  readonly accessToken: string | undefined;
}

/**
 * Failures in a row after which Xet storage is no longer used: every file of the hub can also be read by HTTP ranges.
 */
const MAX_XET_FAILURES = 2;

/** The hub's answer about a file, and the same file for reading by HTTP ranges. */
interface Located {
  readonly info: FileDownloadInfoOutput;
  readonly plain: UrlFile;
}

/** One file of a repository. The hub is asked once for its location; its first bytes are kept for later reads. */
export class HubFile {
  readonly #hub: Hub;
  readonly #path: string;
  #located: Promise<Located> | undefined;
  #xetPrefix: Promise<Uint8Array> | undefined;
  #xetFailures = 0;
  #seekable = true;

  constructor(hub: Hub, path: string) {
    this.#hub = hub;
    this.#path = path;
  }

  /** Whether a read from the middle costs no more than the bytes it returns. */
  get seekable(): boolean {
    return this.#seekable;
  }

  /** Asks for the size and the ETag. Rejects with status 404 if the file does not exist. */
  async version(signal: AbortSignal | undefined): Promise<FileVersion> {
    const { info } = await this.#locate(signal);
    return { size: info.size, tag: info.etag };
  }

  /** Reads the bytes `[start, end)`. */
  async read(start: number, end: number, signal: AbortSignal | undefined): Promise<Bytes> {
    const { info, plain } = await this.#locate(signal);
    if (info.xet === undefined || this.#xetFailures >= MAX_XET_FAILURES) {
      const bytes = await plain.read(start, end, signal);
      this.#seekable = plain.seekable;
      return bytes;
    }
    const length = Math.min(PREFIX_BYTES, info.size);
    if (end > length) return this.#xet(info, start, end, signal);
    return (await this.#prefix(info, length, signal)).subarray(start, end);
  }

  async #locate(signal: AbortSignal | undefined): Promise<Located> {
    const shared = this.#located;
    if (shared === undefined) {
      const asking = this.#ask(signal);
      this.#located = asking;
      asking.catch(() => {
        if (this.#located === asking) this.#located = undefined;
      });
      return await asking;
    }
    try {
      return await shared;
    } catch {
      signal?.throwIfAborted();
      return await this.#ask(signal); // the other caller's request failed, perhaps by its own abort
    }
  }

  async #ask(signal: AbortSignal | undefined): Promise<Located> {
    const { hubUrl, repo, revision, accessToken } = this.#hub;
    const { fileDownloadInfo } = await hubLibrary();
    const name = `${repo}/${this.#path}`;
    let info: FileDownloadInfoOutput | null;
    try {
      info = await fileDownloadInfo({
        repo: { type: 'model', name: repo },
        path: this.#path.split('/').map(encodeURIComponent).join('/'),
        revision,
        hubUrl,
        fetch: async (input, init) => await this.#checkRefusal(await this.#send(input, init, signal)),
        ...(accessToken !== undefined && { accessToken }),
      });
    } catch (cause) {
      signal?.throwIfAborted();
      if (cause instanceof SourceError) throw cause;
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw new SourceError(
        `${hubUrl} did not answer for ${name} as a hub does (${detail}). Check options.hubUrl; for a plain ` +
          'file server give the URL of ' +
          'the folder.',
        { cause },
      );
    }
    if (info === null) {
      throw new SourceError(
        `${name} does not exist in revision "${revision}". Check subfolder and variant, or look at ` +
          `${hubUrl}/${repo}/tree/${revision}.`,
        { status: 404 },
      );
    }
    const headers = accessToken === undefined ? undefined : { authorization: `Bearer ${accessToken}` };
    return { info, plain: new UrlFile(new URL(info.url), { fetch: this.#hub.fetch, headers }, { size: info.size }) };
  }

  async #prefix(info: FileDownloadInfoOutput, length: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const read = async (): Promise<Uint8Array> => {
      const bytes = new Uint8Array(length);
      let position = 0;
      for await (const chunk of this.#xet(info, 0, length, signal)) {
        bytes.set(chunk, position);
        position += chunk.length;
      }
      if (position === length) return bytes;
      throw new TransientError(
        `${this.#path} ended after ${position} of ${length} bytes. The connection broke; load again.`,
      );
    };
    const shared = this.#xetPrefix;
    if (shared === undefined) {
      const reading = read();
      this.#xetPrefix = reading;
      reading.catch(() => {
        if (this.#xetPrefix === reading) this.#xetPrefix = undefined;
      });
      return await reading;
    }
    try {
      return await shared;
    } catch {
      signal?.throwIfAborted();
      return await read();
    }
  }

  /** Reads from Xet storage. The library finds the chunks that hold the range, fetches them and unpacks them. */
  async *#xet(
    info: FileDownloadInfoOutput,
    start: number,
    end: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { downloadFile } = await hubLibrary();
    // The library's stream passes on only the message of the error that broke it.
    let failure: unknown;
    const stop = new AbortController();
    const stopped = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    const blob = await downloadFile({
      repo: { type: 'model', name: this.#hub.repo },
      path: this.#path,
      hubUrl: this.#hub.hubUrl,
      downloadInfo: info,
      // It would hold 64 MB and more; the stream that reads this has several requests in flight anyway.
      parallelDownloads: false,
      fetch: async (input, init) => {
        try {
          return inXetChunks(await this.#checkBusy(await this.#send(input, init, stopped)));
        } catch (error) {
          failure = error;
          throw error;
        }
      },
      ...(this.#hub.accessToken !== undefined && { accessToken: this.#hub.accessToken }),
    });
    const reader = blob?.slice(start, end).stream().getReader();
    try {
      for (;;) {
        const chunk = await reader?.read();
        if (chunk?.value === undefined) break;
        yield chunk.value;
      }
      this.#xetFailures = 0;
    } catch (cause) {
      signal?.throwIfAborted();
      this.#xetFailures++;
      if (failure instanceof TransientError) throw failure;
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw new TransientError(`${this.#path} could not be read from Xet storage (${detail}). Load again.`, { cause });
    } finally {
      stop.abort();
      reader?.cancel().catch(() => undefined);
    }
  }

  async #send(input: RequestInfo | URL, init?: RequestInit, signal?: AbortSignal): Promise<Response> {
    try {
      return await this.#hub.fetch(input, { ...UNCACHED, ...init, signal: signal ?? null });
    } catch (cause) {
      signal?.throwIfAborted();
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw new TransientError(
        `${addressOf(input)} could not be fetched (${detail}). Check the connection, and that nothing (an ad ` +
          'blocker, a firewall) ' +
          'keeps this page from it.',
        { cause },
      );
    }
  }

  /** Throws if the hub refuses. The library itself handles 404 for a single file. */
  async #checkRefusal(response: Response): Promise<Response> {
    const { hubUrl, repo, revision, accessToken } = this.#hub;
    const code = response.headers.get('x-error-code');
    const { status } = response;
    if (response.ok || (status === 404 && code === 'EntryNotFound')) return response;
    await drop(response);
    if (code === 'GatedRepo') {
      throw new RepoError(
        `${hubUrl}/${repo} is gated: accept its terms on that page, then pass an \`accessToken\` of the ` +
          'account that did.',
        { status },
      );
    }
    if (code === 'RepoNotFound' || ((status === 401 || status === 403) && code === null)) {
      const remedy =
        accessToken === undefined
          ? 'Check the spelling; for a private one, pass `accessToken`.'
          : 'Check the spelling, and that the access token may read it.';
      throw new RepoError(`There is no repository "${repo}" on ${hubUrl}, or it is private. ${remedy}`, {
        status,
      });
    }
    if (code === 'RevisionNotFound') {
      throw new RepoError(`${hubUrl}/${repo} has no revision "${revision}". Give a branch, a tag or a commit.`, {
        status,
      });
    }
    throw failedResponse(addressOf(response.url), status, retryAfterMs(response));
  }

  /** Throws if another try may help. The library itself renews an expired address (403). */
  async #checkBusy(response: Response): Promise<Response> {
    if (response.status !== 429 && response.status !== 408 && response.status < 500) return response;
    await drop(response);
    throw failedResponse(addressOf(response.url), response.status, retryAfterMs(response));
  }
}

/** An address for messages, without its query: signed addresses carry secrets there. */
function addressOf(input: RequestInfo | URL): string {
  const address = String(typeof input === 'object' && 'url' in input ? input.url : input);
  return URL.canParse(address) ? address.replace(/[?#].*$/, '') : 'The hub';
}
