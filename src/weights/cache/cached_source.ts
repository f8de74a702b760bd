/** A remote source with a cache: stored bytes are read from the disk, others are fetched and stored. */
import { SourceError } from '../../errors.ts';
import type { BufferPool } from '../sources/buffer_pool.ts';
import type { Bytes, ByteSource } from '../sources/byte_source.ts';
import { isTransient, mayBeMissing, WebPageError } from '../sources/failures.ts';
import { isSameVersion, PREFIX_BYTES, type FileVersion, type RemoteSource } from '../sources/remote_source.ts';
import type { CachedFile } from './cached_file.ts';
import { withDiskTimeout } from './disk_timeout.ts';
import { Fetcher } from './fetcher.ts';
import { shareLock, useLock, type Release } from './locks.ts';
import type { CacheStore, Ref } from './store.ts';

type FileRef = Ref & { readonly missing?: false };

/** An opened file: its version, and the stored copy of it. */
interface OpenedFile extends FileVersion {
  readonly copy: CachedFile | undefined;
  /** Whether the server has confirmed the version during this load. */
  isConfirmed: boolean;
}

/** The silence after which a server that only has to confirm a stored version counts as unreachable. */
const CONFIRM_TIMEOUT_MS = 5000;

/** A remote source with a cache. Call `close()` when everything is read. */
export class CachedSource implements ByteSource {
  readonly label: string;
  readonly #remote: RemoteSource;
  readonly #store: CacheStore;
  readonly #pool: BufferPool;
  readonly #fetcher: Fetcher;
  readonly #files = new Map<string, Promise<OpenedFile>>();
  readonly #releases: Release[] = [];
  /** The runs of bytes that came from the cache, by path. */
  readonly #hits = new Map<string, { readonly start: number; end: number }[]>();

  /**
   * @param pool - buffers to read into; readers of this source release the chunks to it
   * @param onTrouble - called once, with a message, if bytes cannot be stored
   */
  constructor(remote: RemoteSource, store: CacheStore, pool: BufferPool, onTrouble: (message: string) => void) {
    this.#pool = pool;
    this.label = remote.label ?? 'the source';
    this.#remote = remote;
    this.#store = store;
    this.#fetcher = new Fetcher(remote, store, pool, onTrouble);
    store.disk.start();
  }

  /**
   * Returns the size of a file, as `ByteSource.size`. If the server is unreachable, this is the size of the stored
   * version.
   */
  async size(path: string, signal?: AbortSignal): Promise<number> {
    return (await this.#open(path, signal)).size;
  }

  /** Reads a range of a file, as `ByteSource.read`. */
  async read(path: string, start: number, end: number, signal?: AbortSignal): Promise<Bytes> {
    const file = await this.#open(path, signal);
    if (file.copy === undefined) return await this.#remote.read(path, start, end, signal);
    return this.#chunks(path, file, file.copy, start, end, signal);
  }

  /** Whether a file can be read from the middle, as `ByteSource.seekable`. */
  seekable(path: string): boolean {
    return this.#remote.seekable?.(path) ?? true;
  }

  /** Counts the bytes of `[start, end)` that came from the cache. */
  cachedBytes(path: string, start: number, end: number): number {
    const hits = this.#hits.get(path) ?? [];
    const bytes = hits.reduce((sum, hit) => sum + Math.max(0, Math.min(end, hit.end) - Math.max(start, hit.start)), 0);
    return Math.min(bytes, end - start); // bytes that were read twice count once
  }

  /** Removes the stored copy of a file, because it is damaged. */
  async forget(path: string): Promise<void> {
    const file = await this.#files.get(path)?.catch(() => undefined);
    await this.#fetcher.settled();
    await file?.copy?.clear();
  }

  /** Waits until all fetched bytes are stored, and lets other tabs remove the files. */
  async close(): Promise<void> {
    await this.#fetcher.settled();
    this.#store.disk.close();
    for (const release of this.#releases.splice(0)) release();
  }

  /** Opens each file once for all callers. A failed opening is forgotten. */
  async #open(path: string, signal: AbortSignal | undefined): Promise<OpenedFile> {
    const shared = this.#files.get(path);
    if (shared !== undefined) {
      try {
        return await shared;
      } catch {
        signal?.throwIfAborted();
        return await this.#open(path, signal); // the other caller's opening failed, perhaps by its own abort
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
    const { id, origin, isImmutable } = this.#remote.address(path);
    const ref = await withDiskTimeout(this.#store.readRef(id)).catch(() => undefined);
    if (ref !== undefined && (isImmutable || isOffline())) return await this.#fromRef(ref, path);
    let version: FileVersion;
    try {
      version = await this.#remote.version(path, ref === undefined, ref === undefined ? signal : confirmSignal(signal));
    } catch (error) {
      signal?.throwIfAborted();
      // The server is unreachable or busy, or a hotel's login page answers: the stored version will do.
      if (ref !== undefined && (isTransient(error) || error instanceof WebPageError)) {
        return await this.#fromRef(ref, path);
      }
      if (mayBeMissing(error))
        await withDiskTimeout(this.#store.writeRef({ id, missing: true })).catch(() => undefined);
      throw error;
    }
    const { tag } = version;
    if (tag === undefined) return { ...version, copy: undefined, isConfirmed: true };
    // Servers behind one address may send different tags for one version: the first one names the copy.
    const isStored = ref !== undefined && ref.missing !== true && isSameVersion(ref, version);
    const now: FileRef = isStored
      ? ref
      : { id, key: await this.#store.keyOf(origin, tag, version.size), ...version, tag };
    return { ...version, copy: await this.#copy(now), isConfirmed: true };
  }

  /** Opens the version last seen. */
  async #fromRef(ref: Ref, path: string): Promise<OpenedFile> {
    if (ref.missing === true) {
      throw new SourceError(`${path} did not exist in ${this.label} when it was last looked for.`, { status: 404 });
    }
    const { size, tag, lastModified } = ref;
    return { size, tag, lastModified, copy: await this.#copy(ref), isConfirmed: false };
  }

  /** Opens the copy of a version until `close()`; `undefined` if the disk fails. */
  async #copy(ref: FileRef): Promise<CachedFile | undefined> {
    try {
      return await withDiskTimeout(this.#claim(ref));
    } catch {
      return undefined;
    }
  }

  async #claim(ref: FileRef): Promise<CachedFile> {
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
    let isUnreadable = false;
    for (let position = start; position < end;) {
      signal?.throwIfAborted();
      const covered: number | undefined = isUnreadable ? undefined : copy.coveredUntil(position);
      if (covered !== undefined) {
        const isHit = !copy.isFresh(position);
        const until = Math.min(covered, end);
        for await (const bytes of copy.read(position, until, this.#pool)) {
          if (isHit) this.#recordHit(path, position, position + bytes.length);
          position += bytes.length;
          yield bytes;
        }
        isUnreadable = position < until;
        if (isUnreadable) copy.ignore(position);
        continue;
      }
      await this.#confirm(path, file, signal);
      // The file's start is fetched as a whole: its first 8 bytes tell how much of it is the header.
      const wanted = position < PREFIX_BYTES ? Math.max(end, Math.min(file.size, PREFIX_BYTES)) : end;
      const limit = Math.min(wanted, copy.nextCovered(position) ?? wanted);
      const gap = { start: position, end: limit, force: isUnreadable };
      for await (const bytes of this.#fetcher.fetch(path, copy, gap, signal)) {
        const needed = bytes.subarray(0, Math.max(0, end - position));
        position += bytes.length;
        if (needed.length > 0) yield needed;
      }
      isUnreadable = false;
    }
  }

  /** Checks that the server still has the stored version, before bytes of both are mixed. */
  async #confirm(path: string, file: OpenedFile, signal: AbortSignal | undefined): Promise<void> {
    if (file.isConfirmed) return;
    const version = await this.#remote.version(path, false, signal);
    if (!isSameVersion(version, file)) {
      throw new SourceError(
        `${path} in ${this.label} is another version than the one in the cache. Load again to get the new one.`,
      );
    }
    file.isConfirmed = true;
  }

  #recordHit(path: string, start: number, end: number): void {
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

function confirmSignal(signal: AbortSignal | undefined): AbortSignal {
  const limit = AbortSignal.timeout(CONFIRM_TIMEOUT_MS);
  return signal === undefined ? limit : AbortSignal.any([signal, limit]);
}
