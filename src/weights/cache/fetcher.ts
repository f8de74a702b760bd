import type { RemoteSource } from '../sources/remote_source.ts';
import type { BorrowedBuffer, BufferPool } from '../read/buffer_pool.ts';
import { bytesOf } from '../read/read.ts';
import { windowBytes } from '../read/stream.ts';
import type { CachedFile } from './cached_file.ts';
import { isQuotaError, isTimeout } from './disk.ts';
import { fetchLock, tryLock, waitForLock, type Release } from './locks.ts';
import { withTimeout } from './timeout.ts';
import { Quota } from './quota.ts';
import { Staging } from './staging.ts';
import type { CacheStore } from './store.ts';

/** Files are stored in cells of this many bytes, and fetched in streaming's windows: two tabs that load one model ask for the same ones and take turns. */
const cellBytes = windowBytes / 2;

/** How long another tab may take for a window before we fetch it ourselves, in milliseconds. */
const patience = 40_000;
/** Cells in memory: those on their way in, and those on their way to the disk. */
const stagedCells = 3;

/** How long a cell may take to be written, in milliseconds; after that the cache is done without. */
const writePatience = 10_000;

/** Failures of a write, other than for lack of room, until the cache is done without. */
const writeTries = 3;

/** One past the last byte of the cell that this byte lies in. */
function endOfCell(position: number): number {
  return (Math.floor(position / cellBytes) + 1) * cellBytes;
}

/** What to fetch. */
export interface Gap {
  readonly start: number;
  readonly end: number;
  /** Whether to fetch it even if it is in the copy: reading it there failed. */
  readonly force: boolean;
}

/** Brings bytes over the network and stores them on the way. */
export class Fetcher {
  readonly #remote: RemoteSource;
  readonly #pieces: BufferPool;
  readonly #room: Quota;
  readonly #staging = new Staging(stagedCells, cellBytes);
  readonly #onTrouble: (message: string) => void;
  readonly #writes = new Set<Promise<void>>();
  #keeps = true;

  constructor(remote: RemoteSource, store: CacheStore, pieces: BufferPool, onTrouble: (message: string) => void) {
    this.#remote = remote;
    this.#pieces = pieces;
    this.#room = new Quota(store);
    this.#onTrouble = onTrouble;
  }

  /**
   * The bytes `[start, end)`, none of which are in the copy; fewer where another tab has stored some in the meantime. What has come
   * is stored even if reading ends early.
   */
  async *fetch(
    path: string,
    copy: CachedFile,
    gap: Gap,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { start, end } = gap;
    const release = await this.#turn(copy, gap, signal);
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
      for await (const bytes of bytesOf(await this.#remote.read(path, start, end, signal), this.#pieces)) {
        for (let at = 0; at < bytes.length;) {
          const cellEnd = Math.min(end, endOfCell(position));
          if (cell === undefined && this.#keeps) cell = { start: position, lent: await this.#staging.take() };
          const part = bytes.subarray(at, at + cellEnd - position);
          if (cell !== undefined) new Uint8Array(cell.lent.buffer).set(part, position - cell.start);
          at += part.length;
          position += part.length;
          if (position === cellEnd) store();
        }
        yield bytes;
      }
    } finally {
      store();
      Promise.all(writes).then(release, release); // nobody waits for it
    }
  }

  /** Waits until all that was fetched is stored. */
  async settled(): Promise<void> {
    while (this.#writes.size > 0) await Promise.all(this.#writes);
  }

  /** Our turn to fetch; `undefined` if another tab has done it for us. */
  async #turn(
    copy: CachedFile,
    { start, end, force }: Gap,
    signal: AbortSignal | undefined,
  ): Promise<Release | undefined> {
    const name = fetchLock(copy.key, Math.floor(start / windowBytes));
    const free = await tryLock(name);
    const release = free ?? (await waitForLock(name, patience, signal)) ?? (() => undefined);
    if (force) return release;
    try {
      if (free === undefined) await copy.refresh();
      if (copy.coveredUntil(start) === undefined && !(await copy.appeared(start, Math.min(end, endOfCell(start)))))
        return release;
    } catch {
      return release; // the disk can't be asked: fetch
    }
    release();
    return undefined;
  }

  /** Stores a cell, and gives its buffer back. Never rejects. */
  #store(copy: CachedFile, start: number, lent: BorrowedBuffer, length: number): Promise<void> {
    const write = this.#write(copy, start, lent, length).finally(() => {
      this.#staging.put(lent);
      this.#writes.delete(write);
    });
    this.#writes.add(write);
    return write;
  }

  async #write(copy: CachedFile, start: number, lent: BorrowedBuffer, length: number): Promise<void> {
    for (let failures = 0; this.#keeps && length > 0;) {
      const { evictions } = this.#room;
      try {
        if (await this.#room.take(length)) await withTimeout(copy.write(start, lent, length), writePatience);
        else this.#stop('the browser grants no more storage to this page');
        return;
      } catch (error) {
        if (isTimeout(error)) lent.buffer = new ArrayBuffer(0); // whoever has it may still read it
        // Chromium may say of a full disk first that a pipe broke, and only the next time what it is.
        const mayWork = isQuotaError(error)
          ? await this.#room.refused(length, evictions).catch(() => false)
          : ++failures < writeTries;
        if (!mayWork || lent.buffer.byteLength === 0)
          this.#stop(error instanceof Error ? error.message : String(error));
      }
    }
  }

  /** Goes on without the cache. */
  #stop(why: string): void {
    if (!this.#keeps) return;
    this.#keeps = false;
    this.#onTrouble(
      `The weights could not be kept for the next visit: ${why}. Free some room (checkpointCache.list() and .remove() show what is kept), ` +
        'or load with `cache: false`.',
    );
  }
}
