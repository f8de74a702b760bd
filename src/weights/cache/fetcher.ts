import { WINDOW_BYTES } from '../read/stream.ts';
import { bytesOf } from '../read/read.ts';
import type { BorrowedBuffer, BufferPool } from '../sources/buffer_pool.ts';
import type { RemoteSource } from '../sources/remote_source.ts';
import type { CachedFile } from './cached_file.ts';
import { isQuotaError, isTimeout } from './disk.ts';
import { withDiskTimeout } from './disk_timeout.ts';
import { fetchLock, tryLock, waitForLock, type Release } from './locks.ts';
import { Quota } from './quota.ts';
import { Staging } from './staging.ts';
import type { CacheStore } from './store.ts';

/**
 * The bytes of a cell, the unit in which files are stored. Files are fetched in windows of streaming: two tabs that
 * load the same model request the same windows and take turns.
 */
const CELL_BYTES = WINDOW_BYTES / 2;

/** The time that another tab may take to fetch a window, before this tab fetches it, too. */
const OTHER_TAB_TIMEOUT_MS = 40_000;
/** Cells in memory: those that are arriving, and those that are being written. */
const STAGED_CELLS = 3;
/** The time that writing a cell may take, before the cache is no longer written. */
const WRITE_TIMEOUT_MS = 10_000;
/** Failed writes, other than for lack of storage, after which the cache is no longer written. */
const MAX_WRITE_FAILURES = 3;

/** A range to fetch. */
export interface Gap {
  readonly start: number;
  readonly end: number;
  /** Whether to fetch it even if it is stored, because reading it has failed. */
  readonly force: boolean;
}

/** Fetches bytes over the network and stores them on the way. */
export class Fetcher {
  readonly #remote: RemoteSource;
  readonly #pool: BufferPool;
  readonly #quota: Quota;
  readonly #staging = new Staging(STAGED_CELLS, CELL_BYTES);
  readonly #onTrouble: (message: string) => void;
  readonly #writes = new Set<Promise<void>>();
  #isStoring = true;

  constructor(remote: RemoteSource, store: CacheStore, pool: BufferPool, onTrouble: (message: string) => void) {
    this.#remote = remote;
    this.#pool = pool;
    this.#quota = new Quota(store);
    this.#onTrouble = onTrouble;
  }

  /**
   * Fetches the bytes `[start, end)`, none of which are stored. Returns fewer if another tab has stored some in the
   * meantime. Arrived bytes are stored even if reading ends early.
   */
  async *fetch(
    path: string,
    copy: CachedFile,
    gap: Gap,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { start, end } = gap;
    const release = await this.#takeTurn(copy, gap, signal);
    if (release === undefined) return;
    const writes: Promise<void>[] = [];
    let position = start;
    let cell: { readonly start: number; readonly lent: BorrowedBuffer } | undefined;
    const store = (): void => {
      if (cell === undefined) return;
      writes.push(this.#store(copy, cell.start, cell.lent, position - cell.start));
      cell = undefined;
    };
    try {
      for await (const bytes of bytesOf(await this.#remote.read(path, start, end, signal), this.#pool)) {
        for (let at = 0; at < bytes.length;) {
          const cellEnd = Math.min(end, endOfCell(position));
          if (cell === undefined && this.#isStoring) cell = { start: position, lent: await this.#staging.take() };
          const inCell = bytes.subarray(at, at + cellEnd - position);
          if (cell !== undefined) new Uint8Array(cell.lent.buffer).set(inCell, position - cell.start);
          at += inCell.length;
          position += inCell.length;
          if (position === cellEnd) store();
        }
        yield bytes;
      }
    } finally {
      store();
      Promise.all(writes).then(release, release); // in the background
    }
  }

  /** Waits until all fetched bytes are stored. */
  async settled(): Promise<void> {
    while (this.#writes.size > 0) await Promise.all(this.#writes);
  }

  /** Waits for this tab's turn to fetch; `undefined` if another tab has fetched the bytes. */
  async #takeTurn(
    copy: CachedFile,
    { start, end, force }: Gap,
    signal: AbortSignal | undefined,
  ): Promise<Release | undefined> {
    const name = fetchLock(copy.key, Math.floor(start / WINDOW_BYTES));
    const free = await tryLock(name);
    const release = free ?? (await waitForLock(name, OTHER_TAB_TIMEOUT_MS, signal)) ?? (() => undefined);
    if (force) return release;
    try {
      if (free === undefined) await copy.refresh();
      const isStored = copy.coveredUntil(start) !== undefined;
      if (!isStored && !(await copy.hasAppeared(start, Math.min(end, endOfCell(start))))) return release;
    } catch {
      return release; // the disk cannot be read: fetch
    }
    release();
    return undefined;
  }

  /** Stores a cell, and returns its buffer. Never rejects. */
  #store(copy: CachedFile, start: number, lent: BorrowedBuffer, length: number): Promise<void> {
    const write = this.#write(copy, start, lent, length).finally(() => {
      this.#staging.put(lent);
      this.#writes.delete(write);
    });
    this.#writes.add(write);
    return write;
  }

  async #write(copy: CachedFile, start: number, lent: BorrowedBuffer, length: number): Promise<void> {
    for (let failures = 0; this.#isStoring && length > 0;) {
      const { evictions } = this.#quota;
      try {
        if (await this.#quota.reserve(length)) await withDiskTimeout(copy.write(start, lent, length), WRITE_TIMEOUT_MS);
        else this.#stop('the browser grants this page no more storage');
        return;
      } catch (error) {
        if (isTimeout(error)) lent.buffer = new ArrayBuffer(0); // the writer may still be reading the old one
        // Chromium may report a full disk as a broken pipe first, and by its true name only the next time.
        const mayWork = isQuotaError(error)
          ? await this.#quota.evictAfterRefusal(length, evictions).catch(() => false)
          : ++failures < MAX_WRITE_FAILURES;
        if (!mayWork || lent.buffer.byteLength === 0)
          this.#stop(error instanceof Error ? error.message : String(error));
      }
    }
  }

  /** Continues without storing. */
  #stop(why: string): void {
    if (!this.#isStoring) return;
    this.#isStoring = false;
    this.#onTrouble(
      `The weights could not be stored for the next visit: ${why}. Free some storage (checkpointCache.list() ` +
        'and .remove()), ' +
        'or load with `cache: false`.',
    );
  }
}

/** One past the last byte of the cell that holds this byte. */
function endOfCell(position: number): number {
  return (Math.floor(position / CELL_BYTES) + 1) * CELL_BYTES;
}
