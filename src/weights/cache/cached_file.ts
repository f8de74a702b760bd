import type { BorrowedBuffer, BufferPool } from '../read/buffer_pool.ts';
import { isLocked, type Disk } from './disk.ts';

/** A run of bytes that lies in the cache as one file. */
interface Chunk {
  readonly start: number;
  readonly end: number;
  /** Whether it was stored in this session, just after it was fetched. */
  readonly fresh?: boolean;
}

/** One version of a file, as far as it was fetched: chunks, each a file that is all there or not there at all. */
export class CachedFile {
  readonly key: string;
  readonly #folder: FileSystemDirectoryHandle;
  readonly #disk: Disk;
  /** By first byte; chunks may overlap. */
  #chunks: Chunk[];

  private constructor(folder: FileSystemDirectoryHandle, disk: Disk, key: string, chunks: Chunk[]) {
    this.#folder = folder;
    this.#disk = disk;
    this.key = key;
    this.#chunks = chunks;
  }

  /** Finds out what is here. */
  static async open(folder: FileSystemDirectoryHandle, disk: Disk, key: string): Promise<CachedFile> {
    const file = new CachedFile(folder, disk, key, []);
    await file.refresh();
    return file;
  }

  /** Finds out what other tabs have added. */
  async refresh(): Promise<void> {
    const chunks = this.#chunks.filter(({ fresh }) => fresh === true);
    for await (const name of this.#folder.keys()) {
      const [, start, end] = /^(\d+)-(\d+)$/.exec(name) ?? [];
      const chunk = { start: Number(start), end: Number(end) };
      if (chunk.start < chunk.end && !chunks.some((known) => isSame(known, chunk))) chunks.push(chunk);
    }
    this.#chunks = chunks.sort((a, b) => a.start - b.start || a.end - b.end);
  }

  /** Bytes that are here. */
  get stored(): number {
    let stored = 0;
    let position = 0;
    for (const { start, end } of this.#chunks) {
      stored += Math.max(0, end - Math.max(start, position));
      position = Math.max(position, end);
    }
    return stored;
  }

  /** Up to which byte a read from `position` can be answered in one piece; `undefined` where that byte isn't here. */
  coveredUntil(position: number): number | undefined {
    return this.#at(position)?.end;
  }

  /** Whether the byte at `position` was fetched in this session. */
  isFresh(position: number): boolean {
    return this.#at(position)?.fresh === true;
  }

  /** The first byte from `position` on that is here; `undefined` where none is. */
  nextCovered(position: number): number | undefined {
    return this.#chunks.find(({ end }) => end > position)?.start;
  }

  /**
   * The bytes `[start, end)`, if one chunk holds them all; they end early where it turns out to be damaged, cut short by a crash, or removed by another
   * tab.
   */
  async *read(start: number, end: number, pieces: BufferPool): AsyncGenerator<Uint8Array, void, undefined> {
    const chunk = this.#at(start);
    if (chunk === undefined || chunk.end < end) return;
    try {
      const file = await this.#folder.getFileHandle(nameOf(chunk));
      yield* this.#disk.read(file, chunk.end - chunk.start, start - chunk.start, end - chunk.start, pieces);
    } catch {
      // whoever reads sees that bytes are missing
    }
  }

  /** The chunk at `position` can't be read: it is as if it weren't there. */
  giveUp(position: number): void {
    const chunk = this.#at(position);
    this.#chunks = this.#chunks.filter((other) => other !== chunk);
  }

  /** Whether another tab has stored this very chunk since we looked. */
  async appeared(start: number, end: number): Promise<boolean> {
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
   * Stores the first `length` bytes of the buffer, which begin at `start` of the file; rejects as the file system does, and then nothing of them is here.
   * A chunk that somebody else has open is left to them.
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

  /** Removes all bytes: they were found to be wrong. */
  async clear(): Promise<void> {
    const chunks = this.#chunks;
    this.#chunks = [];
    for (const chunk of chunks) await this.#folder.removeEntry(nameOf(chunk)).catch(() => undefined);
  }

  /** The chunk that goes furthest from `position`. */
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
