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
  /** By first byte; chunks may overlap. */
  #chunks: Chunk[];

  private constructor(folder: FileSystemDirectoryHandle, key: string, chunks: Chunk[]) {
    this.#folder = folder;
    this.key = key;
    this.#chunks = chunks;
  }

  /** Finds out what is here. */
  static async open(folder: FileSystemDirectoryHandle, key: string): Promise<CachedFile> {
    const file = new CachedFile(folder, key, []);
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

  /** The bytes `[start, end)`, if one chunk holds them all and can be opened. */
  async read(start: number, end: number): Promise<Blob | undefined> {
    const chunk = this.#at(start);
    if (chunk === undefined || chunk.end < end) return undefined;
    try {
      const file = await (await this.#folder.getFileHandle(nameOf(chunk))).getFile();
      // A crash leaves an empty file behind, which the browser made before it wrote elsewhere.
      if (file.size === chunk.end - chunk.start) return file.slice(start - chunk.start, end - chunk.start);
    } catch {
      // removed by another tab
    }
    return undefined;
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

  /** Stores bytes that begin at `start`; rejects as the file system does, and then nothing of them is here. */
  async write(start: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const chunk = { start, end: start + bytes.length, fresh: true };
    const handle = await this.#folder.getFileHandle(nameOf(chunk), { create: true });
    const writable = await handle.createWritable();
    try {
      await writable.write(bytes);
      await writable.close();
    } catch (error) {
      await writable.abort().catch(() => undefined);
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
