import type { BorrowedBuffer, BufferPool } from '../sources/buffer_pool.ts';
import { isLocked, type Disk } from './disk.ts';

/** A run of bytes that the cache stores as one file. */
interface Chunk {
  readonly start: number;
  readonly end: number;
  /** Whether this load fetched and stored it. */
  readonly fresh?: boolean;
}

/** The stored bytes of one version of a file, in chunks. Each chunk is a file of its own, complete or ignored. */
export class CachedFile {
  readonly key: string;
  readonly #folder: FileSystemDirectoryHandle;
  readonly #disk: Disk;
  /** Sorted by first byte. Chunks may overlap. */
  #chunks: Chunk[];

  private constructor(folder: FileSystemDirectoryHandle, disk: Disk, key: string, chunks: Chunk[]) {
    this.#folder = folder;
    this.#disk = disk;
    this.key = key;
    this.#chunks = chunks;
  }

  /** Opens the folder of a version and lists its chunks. */
  static async open(folder: FileSystemDirectoryHandle, disk: Disk, key: string): Promise<CachedFile> {
    const file = new CachedFile(folder, disk, key, []);
    await file.refresh();
    return file;
  }

  /** Lists the chunks again, for those that other tabs have added. */
  async refresh(): Promise<void> {
    const chunks = this.#chunks.filter(({ fresh }) => fresh === true);
    for await (const name of this.#folder.keys()) {
      const [, start, end] = /^(\d+)-(\d+)$/.exec(name) ?? [];
      const chunk = { start: Number(start), end: Number(end) };
      if (chunk.start < chunk.end && !chunks.some((known) => isSame(known, chunk))) chunks.push(chunk);
    }
    this.#chunks = chunks.sort((a, b) => a.start - b.start || a.end - b.end);
  }

  /** The number of stored bytes. */
  get stored(): number {
    let stored = 0;
    let position = 0;
    for (const { start, end } of this.#chunks) {
      stored += Math.max(0, end - Math.max(start, position));
      position = Math.max(position, end);
    }
    return stored;
  }

  /** The end of the chunk that holds `position`; `undefined` if that byte is not stored. */
  coveredUntil(position: number): number | undefined {
    return this.#at(position)?.end;
  }

  /** Whether this load fetched the byte at `position`. */
  isFresh(position: number): boolean {
    return this.#at(position)?.fresh === true;
  }

  /** The first stored byte from `position` on; `undefined` if there is none. */
  nextCovered(position: number): number | undefined {
    return this.#chunks.find(({ end }) => end > position)?.start;
  }

  /**
   * Reads the bytes `[start, end)` if one chunk holds them all. They end early if the chunk is damaged, cut short by a
   * crash, or removed by another tab or the browser.
   */
  async *read(start: number, end: number, pool: BufferPool): AsyncGenerator<Uint8Array, void, undefined> {
    const chunk = this.#at(start);
    if (chunk === undefined || chunk.end < end) return;
    try {
      const file = await this.#folder.getFileHandle(nameOf(chunk));
      yield* this.#disk.read(file, chunk.end - chunk.start, start - chunk.start, end - chunk.start, pool);
    } catch {
      // the caller notices that bytes are missing
    }
  }

  /** Ignores the chunk at `position` from now on, because it cannot be read. */
  ignore(position: number): void {
    const chunk = this.#at(position);
    this.#chunks = this.#chunks.filter((other) => other !== chunk);
  }

  /** Checks whether another tab has stored exactly this chunk since the last listing. */
  async hasAppeared(start: number, end: number): Promise<boolean> {
    try {
      const file = await (await this.#folder.getFileHandle(nameOf({ start, end }))).getFile();
      if (file.size !== end - start) return false;
    } catch {
      return false;
    }
    this.#add({ start, end });
    return true;
  }

  /**
   * Stores the first `length` bytes of the buffer, which begin at `start` of the file. Rejects as the file system does,
   * and then stores nothing. A chunk that another tab has open is left to it.
   */
  async write(start: number, lent: BorrowedBuffer, length: number): Promise<void> {
    const chunk = { start, end: start + length, fresh: true };
    const file = await this.#folder.getFileHandle(nameOf(chunk), { create: true });
    try {
      await this.#disk.write(file, lent, length);
    } catch (error) {
      if (isLocked(error)) return;
      await this.#folder.removeEntry(nameOf(chunk)).catch(() => undefined);
      throw error;
    }
    this.#add(chunk);
  }

  /** Removes all bytes, because they are damaged. */
  async clear(): Promise<void> {
    const chunks = this.#chunks;
    this.#chunks = [];
    for (const chunk of chunks) await this.#folder.removeEntry(nameOf(chunk)).catch(() => undefined);
  }

  /** The chunk that holds `position` and reaches furthest. */
  #at(position: number): Chunk | undefined {
    let best: Chunk | undefined;
    for (const chunk of this.#chunks) {
      if (chunk.start > position) break;
      if (chunk.end > Math.max(position, best?.end ?? 0)) best = chunk;
    }
    return best;
  }

  #add(chunk: Chunk): void {
    if (this.#chunks.some((known) => isSame(known, chunk))) return;
    this.#chunks = [...this.#chunks, chunk].sort((a, b) => a.start - b.start || a.end - b.end);
  }
}

function isSame(a: Chunk, b: Chunk): boolean {
  return a.start === b.start && a.end === b.end;
}

function nameOf({ start, end }: Chunk): string {
  return `${start}-${end}`;
}
