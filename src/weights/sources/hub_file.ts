import type { FileDownloadInfoOutput } from '@huggingface/hub';
import { SourceError } from '../../errors.ts';
import type { Bytes } from './byte_source.ts';
import { NoRepositoryError, TransientError } from './failures.ts';
import { hubLibrary } from './hub_library.ts';
import { failedResponse, retryAfter } from './http.ts';
import { drop, inXetChunks } from './http_body.ts';
import { prefixBytes, type FileVersion } from './remote_source.ts';
import { unkept, UrlFile } from './url_file.ts';
import { parseUrl } from './url_source.ts';

/** A repository of a hub, and how to ask for it. */
export interface Hub {
  readonly hubUrl: string;
  readonly repo: string;
  readonly revision: string;
  readonly fetch: typeof globalThis.fetch;
  readonly accessToken: string | undefined;
}

/** Failures in a row after which Xet is left alone: every file of the hub can be had by ranges as well. */
const xetTries = 2;

/** What the hub said of a file, and the way to its bytes by ranges. */
interface Found {
  readonly info: FileDownloadInfoOutput;
  readonly plain: UrlFile;
}

/** One file of a repository. The hub is asked once where it lies; its first bytes are kept for later reads. */
export class HubFile {
  readonly #hub: Hub;
  readonly #path: string;
  #found: Promise<Found> | undefined;
  #xetPrefix: Promise<Uint8Array> | undefined;
  #xetFailures = 0;
  #seekable = true;

  constructor(hub: Hub, path: string) {
    this.#hub = hub;
    this.#path = path;
  }

  /** Whether a read from the middle costs no more than what it reads. */
  get seekable(): boolean {
    return this.#seekable;
  }

  /** The size and ETag; rejects with status 404 where there is no such file. */
  async version(signal: AbortSignal | undefined): Promise<FileVersion> {
    const { info } = await this.#find(signal);
    return { size: info.size, tag: info.etag };
  }

  /** The bytes `[start, end)`, as they come. */
  async read(start: number, end: number, signal: AbortSignal | undefined): Promise<Bytes> {
    const { info, plain } = await this.#find(signal);
    if (info.xet === undefined || this.#xetFailures >= xetTries) {
      const bytes = await plain.read(start, end, signal);
      this.#seekable = plain.seekable;
      return bytes;
    }
    const length = Math.min(prefixBytes, info.size);
    if (end > length) return this.#xet(info, start, end, signal);
    return (await this.#prefix(info, length, signal)).subarray(start, end);
  }

  async #find(signal: AbortSignal | undefined): Promise<Found> {
    const shared = this.#found;
    if (shared === undefined) {
      const finding = this.#ask(signal);
      this.#found = finding;
      finding.catch(() => {
        if (this.#found === finding) this.#found = undefined;
      });
      return await finding;
    }
    try {
      return await shared;
    } catch {
      signal?.throwIfAborted();
      return await this.#ask(signal); // theirs failed, perhaps because they gave up; ours may not
    }
  }

  async #ask(signal: AbortSignal | undefined): Promise<Found> {
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
        `${hubUrl} did not answer for ${name} as a hub does (${detail}). Check options.hubUrl; for a plain file server give the folder's URL.`,
        { cause },
      );
    }
    if (info === null) {
      throw new SourceError(
        `${name} isn't in revision "${revision}" of the repository. Check subfolder and variant, or look at ${hubUrl}/${repo}/tree/${revision}.`,
        { status: 404 },
      );
    }
    const headers = accessToken === undefined ? undefined : { authorization: `Bearer ${accessToken}` };
    return { info, plain: new UrlFile(new URL(info.url), { fetch: this.#hub.fetch, headers }, info.size) };
  }

  async #prefix(info: FileDownloadInfoOutput, length: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const read = async (): Promise<Uint8Array> => {
      const bytes = new Uint8Array(length);
      let at = 0;
      for await (const chunk of this.#xet(info, 0, length, signal)) {
        bytes.set(chunk, at);
        at += chunk.length;
      }
      if (at === length) return bytes;
      throw new TransientError(`${this.#path} ended after ${at} of ${length} bytes. The connection broke; load again.`);
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

  /** Reads from Xet storage: the library asks which chunks hold the range, fetches them and unpacks them. */
  async *#xet(
    info: FileDownloadInfoOutput,
    start: number,
    end: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { downloadFile } = await hubLibrary();
    // The library's stream passes only the message on of what broke it.
    let failure: unknown;
    const stop = new AbortController();
    const stopped = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    const blob = await downloadFile({
      repo: { type: 'model', name: this.#hub.repo },
      path: this.#path,
      hubUrl: this.#hub.hubUrl,
      downloadInfo: info,
      // It would hold 64 MB and more; we have a few requests in flight ourselves.
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
        const part = await reader?.read();
        if (part?.value === undefined) break;
        yield part.value;
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
      return await this.#hub.fetch(input, { ...unkept, ...init, signal: signal ?? null });
    } catch (cause) {
      signal?.throwIfAborted();
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw new TransientError(
        `${addressOf(input)} could not be fetched (${detail}). Check the connection, and that nothing (an ad blocker, a firewall) keeps this page from it.`,
        { cause },
      );
    }
  }

  /** Turns what the hub refuses into words; 404 for a single file is the library's to tell. */
  async #checkRefusal(response: Response): Promise<Response> {
    const { hubUrl, repo, revision, accessToken } = this.#hub;
    const code = response.headers.get('x-error-code');
    const { status } = response;
    if (response.ok || (status === 404 && code === 'EntryNotFound')) return response;
    await drop(response);
    if (code === 'GatedRepo') {
      throw new SourceError(
        `${hubUrl}/${repo} is gated: accept its terms on that page, then pass \`accessToken\` of the account that did.`,
        { status },
      );
    }
    if (code === 'RepoNotFound' || ((status === 401 || status === 403) && code === null)) {
      const remedy =
        accessToken === undefined
          ? 'Check the spelling; for a private one pass `accessToken`.'
          : 'Check the spelling, and that the access token may read it.';
      throw new NoRepositoryError(`There is no repository "${repo}" on ${hubUrl}, or it is private. ${remedy}`, {
        status,
      });
    }
    if (code === 'RevisionNotFound') {
      throw new NoRepositoryError(
        `${hubUrl}/${repo} has no revision "${revision}". Give a branch, a tag or a commit.`,
        {
          status,
        },
      );
    }
    throw failedResponse(addressOf(response.url), status, retryAfter(response));
  }

  /** Only what another try may mend is decided here; an expired address (403) the library renews. */
  async #checkBusy(response: Response): Promise<Response> {
    if (response.status !== 429 && response.status !== 408 && response.status < 500) return response;
    await drop(response);
    throw failedResponse(addressOf(response.url), response.status, retryAfter(response));
  }
}

/** For messages: signed addresses carry secrets in their query. */
function addressOf(input: RequestInfo | URL): string {
  const url = parseUrl(typeof input === 'object' && 'url' in input ? input.url : input);
  return url === undefined ? 'The hub' : `${url.origin}${url.pathname}`;
}
