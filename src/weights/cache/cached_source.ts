/** A remote source whose bytes are kept: read from the cache where they are there, fetched and stored where not. */
import { SourceError } from '../../errors.ts';
import type { Bytes, ByteSource } from '../sources/byte_source.ts';
import { isMissing, isTransient, WebPageError } from '../sources/failures.ts';
import type { BufferPool } from '../read/buffer_pool.ts';
import { prefixBytes, type FileVersion, type RemoteSource } from '../sources/remote_source.ts';
import type { CachedFile } from './cached_file.ts';
import { Fetcher } from './fetcher.ts';
import { shareLock, useLock, type Release } from './locks.ts';
import { withTimeout } from './timeout.ts';
import type { CacheStore, Ref } from './store.ts';

/** A file that was opened: which version, and the copy of it. */
interface OpenedFile extends FileVersion {
  readonly copy: CachedFile | undefined;
  /** Whether the server has been asked in this session; until then the cache's word is taken for it. */
  checked: boolean;
}

/** Silence after which a server that should only confirm what we have counts as out of reach, in milliseconds. */
const patience = 5000;

/** How long the file system may take to open a file of the cache, in milliseconds. */
const diskPatience = 5000;

/** A source that remembers. `close()` it when all is read. */
export class CachedSource implements ByteSource {
  readonly label: string;
  readonly #remote: RemoteSource;
  readonly #store: CacheStore;
  readonly #pieces: BufferPool;
  readonly #fetcher: Fetcher;
  readonly #files = new Map<string, Promise<OpenedFile>>();
  readonly #releases: Release[] = [];
  /** Runs of bytes that came from the cache, by path. */
  readonly #hits = new Map<string, { readonly start: number; end: number }[]>();

  /**
   * @param pieces - buffers to read into: whoever reads from here releases what comes
   * @param onTrouble - told once, in words, if bytes can't be kept
   */
  constructor(remote: RemoteSource, store: CacheStore, pieces: BufferPool, onTrouble: (message: string) => void) {
    this.#pieces = pieces;
    this.label = remote.label ?? 'the source';
    this.#remote = remote;
    this.#store = store;
    this.#fetcher = new Fetcher(remote, store, pieces, onTrouble);
    store.disk.start();
  }

  /** As `ByteSource.size`; where the server can't be reached, what it said last time. */
  async size(path: string, signal?: AbortSignal): Promise<number> {
    return (await this.#open(path, signal)).size;
  }

  /** As `ByteSource.read`. */
  async read(path: string, start: number, end: number, signal?: AbortSignal): Promise<Bytes> {
    const file = await this.#open(path, signal);
    if (file.copy === undefined) return await this.#remote.read(path, start, end, signal);
    return this.#chunks(path, file, file.copy, start, end, signal);
  }

  /** As `ByteSource.seekable`. */
  seekable(path: string): boolean {
    return this.#remote.seekable?.(path) ?? true;
  }

  /** How many of the bytes `[start, end)` came from the cache. */
  cachedBytes(path: string, start: number, end: number): number {
    const hits = this.#hits.get(path) ?? [];
    const bytes = hits.reduce((sum, hit) => sum + Math.max(0, Math.min(end, hit.end) - Math.max(start, hit.start)), 0);
    return Math.min(bytes, end - start); // what was read twice counts once
  }

  /** Removes what is kept of a file: it was found to be damaged. */
  async forget(path: string): Promise<void> {
    const file = await this.#files.get(path)?.catch(() => undefined);
    await this.#fetcher.settled();
    await file?.copy?.clear();
  }

  /** Waits until all that was fetched is stored, and lets others remove it. */
  async close(): Promise<void> {
    await this.#fetcher.settled();
    this.#store.disk.close();
    for (const release of this.#releases.splice(0)) release();
  }

  /** Opens each file once, however many ask; a failed opening is forgotten. */
  async #open(path: string, signal: AbortSignal | undefined): Promise<OpenedFile> {
    const shared = this.#files.get(path);
    if (shared !== undefined) {
      try {
        return await shared;
      } catch {
        signal?.throwIfAborted();
        return await this.#open(path, signal); // theirs failed, perhaps because they gave up; ours may not
      }
    }
    const opening = this.#find(path, signal);
    this.#files.set(path, opening);
    try {
      return await opening;
    } catch (error) {
      if (this.#files.get(path) === opening) this.#files.delete(path);
      throw error;
    }
  }

  async #find(path: string, signal: AbortSignal | undefined): Promise<OpenedFile> {
    const { id, origin, fixed } = this.#remote.address(path);
    const ref = await withTimeout(this.#store.readRef(id), diskPatience).catch(() => undefined);
    if (ref !== undefined && (fixed || isOffline())) return await this.#fromRef(ref, path);
    let version: FileVersion;
    try {
      version = await this.#remote.version(path, ref === undefined, ref === undefined ? signal : limited(signal));
    } catch (error) {
      signal?.throwIfAborted();
      // Out of reach, or busy, or a hotel's login page: what it said last time will do.
      if (ref !== undefined && (isTransient(error) || error instanceof WebPageError)) {
        return await this.#fromRef(ref, path);
      }
      if (isMissing(error))
        await withTimeout(this.#store.writeRef({ id, missing: true }), diskPatience).catch(() => undefined);
      throw error;
    }
    const { size, tag } = version;
    if (tag === undefined) return { size, tag, copy: undefined, checked: true };
    const now: Ref = { id, key: await this.#store.keyOf(origin, tag, size), size, tag };
    return { size, tag, copy: await this.#copy(now), checked: true };
  }

  /** The file as it was last time. */
  async #fromRef(ref: Ref, path: string): Promise<OpenedFile> {
    if (ref.missing === true) {
      throw new SourceError(`${path} was not in ${this.label} when it was last looked at.`, {
        status: 404,
      });
    }
    return { size: ref.size, tag: ref.tag, copy: await this.#copy(ref), checked: false };
  }

  /** The copy of a version, ours to use until `close()`; `undefined` where the disk doesn't let us. */
  async #copy(ref: Ref & { readonly missing?: false }): Promise<CachedFile | undefined> {
    try {
      return await withTimeout(this.#claim(ref), diskPatience);
    } catch {
      return undefined;
    }
  }

  async #claim(ref: Ref & { readonly missing?: false }): Promise<CachedFile> {
    this.#releases.push(await shareLock(useLock(ref.key)));
    const copy = await this.#store.file(ref);
    await this.#store.writeRef(ref);
    return copy;
  }

  async *#chunks(
    path: string,
    file: OpenedFile,
    copy: CachedFile,
    start: number,
    end: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let unreadable = false;
    for (let position = start; position < end;) {
      signal?.throwIfAborted();
      const covered: number | undefined = unreadable ? undefined : copy.coveredUntil(position);
      if (covered !== undefined) {
        const isHit = !copy.isFresh(position);
        const until = Math.min(covered, end);
        for await (const bytes of copy.read(position, until, this.#pieces)) {
          if (isHit) this.#note(path, position, position + bytes.length);
          position += bytes.length;
          yield bytes;
        }
        unreadable = position < until;
        if (unreadable) copy.giveUp(position);
        continue;
      }
      await this.#check(path, file, signal);
      // The file's start is fetched as a whole: the first 8 bytes tell how much of it is the header.
      const wanted = position < prefixBytes ? Math.max(end, Math.min(file.size, prefixBytes)) : end;
      const limit = Math.min(wanted, copy.nextCovered(position) ?? wanted);
      for await (const bytes of this.#fetcher.fetch(
        path,
        copy,
        { start: position, end: limit, force: unreadable },
        signal,
      )) {
        const part = bytes.subarray(0, Math.max(0, end - position));
        position += bytes.length;
        if (part.length > 0) yield part;
      }
      unreadable = false;
    }
  }

  /** Before bytes of a server are put beside those of the cache, both must be of one version. */
  async #check(path: string, file: OpenedFile, signal: AbortSignal | undefined): Promise<void> {
    if (file.checked) return;
    const { size, tag } = await this.#remote.version(path, false, signal);
    if (size !== file.size || (tag !== undefined && tag !== file.tag)) {
      throw new SourceError(
        `${path} in ${this.label} is another version than the one in the cache. Load again to get the new one.`,
      );
    }
    file.checked = true;
  }

  #note(path: string, start: number, end: number): void {
    const hits = this.#hits.get(path) ?? [];
    this.#hits.set(path, hits);
    const before = hits.find((hit) => hit.end === start);
    if (before === undefined) hits.push({ start, end });
    else before.end = end;
  }
}

function isOffline(): boolean {
  return typeof navigator !== 'undefined' && navigator.onLine === false;
}

function limited(signal: AbortSignal | undefined): AbortSignal {
  const limit = AbortSignal.timeout(patience);
  return signal === undefined ? limit : AbortSignal.any([signal, limit]);
}
