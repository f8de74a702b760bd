/**
 * The cache's folder, in the origin private file system. The Cache API would not do, because a checkpoint is read by
 * ranges: it keeps only whole answers (it refuses 206), cannot extend one, and has no files that could be read from the
 * middle. A chunk's name tells its length, and it is written from its first byte to its last. A crash leaves a shorter
 * file, which is ignored.
 *
 *     refs/<hash of the address>.json     the version last seen at an address
 *     files/<hash of the version>/        its bytes: info.json, and chunks named "<first byte>-<one past the last>"
 *     notes/<hash of the name>.json       other records, such as the fastest kernels of an adapter
 */
import { CachedFile } from './cached_file.ts';
import { Disk } from './disk.ts';
import { tryLock, useLock } from './locks.ts';

/** The version last seen at an address, or that the file did not exist. */
export type Ref =
  | { readonly id: string; readonly missing: true }
  | {
      readonly id: string;
      readonly missing?: false;
      readonly key: string;
      readonly size: number;
      readonly tag: string;
      readonly lastModified?: string | undefined;
    };

/** One version of one file in the cache. */
export interface StoredFile {
  /** The name of its folder. */
  readonly key: string;
  /** The address that it was first fetched from: `https://huggingface.co/owner/name@main/config.json`. */
  readonly address: string;
  /** The bytes of the whole file. */
  readonly size: number;
  /** The bytes of it that are stored. */
  readonly stored: number;
  /** By this machine's clock. */
  readonly lastUsed: Date;
}

const ROOT_NAME = 'dc-ae-webgpu';
/** The latest time that a Date can hold. */
const MAX_TIME_MS = 8.64e15;

/** The cache's folder. All methods reject as the file system does. */
export class CacheStore {
  readonly #refs: FileSystemDirectoryHandle;
  readonly #files: FileSystemDirectoryHandle;
  readonly #notes: FileSystemDirectoryHandle;
  /** Reads and writes the bytes of files. */
  readonly disk = new Disk();
  /** Whether the stored bytes count against this origin's quota. */
  readonly hasQuota: boolean;

  private constructor(
    refs: FileSystemDirectoryHandle,
    files: FileSystemDirectoryHandle,
    notes: FileSystemDirectoryHandle,
    hasQuota: boolean,
  ) {
    this.#refs = refs;
    this.#files = files;
    this.#notes = notes;
    this.hasQuota = hasQuota;
  }

  /**
   * Opens the cache in a folder, or in the browser's own file system; `undefined` if there is none (Node, a private
   * window).
   */
  static async open(folder?: FileSystemDirectoryHandle): Promise<CacheStore | undefined> {
    try {
      const root = folder ?? (await ownFolder());
      if (root === undefined) return undefined;
      const refs = await root.getDirectoryHandle('refs', { create: true });
      const files = await root.getDirectoryHandle('files', { create: true });
      const notes = await root.getDirectoryHandle('notes', { create: true });
      return new CacheStore(refs, files, notes, folder === undefined);
    } catch {
      return undefined;
    }
  }

  /** Reads the version last seen at an address. */
  async readRef(id: string): Promise<Ref | undefined> {
    const value = await readJsonFile(this.#refs, `${await hash(id)}.json`);
    return isRef(value) && value.id === id ? value : undefined;
  }

  /** Records the version at an address, and removes the previous one if no other address refers to it. */
  async writeRef(ref: Ref): Promise<void> {
    const before = await this.readRef(ref.id);
    if (JSON.stringify(before) === JSON.stringify(ref)) return;
    await writeFile(this.#refs, `${await hash(ref.id)}.json`, JSON.stringify(ref));
    const stale = before === undefined || before.missing === true ? undefined : before.key;
    if (stale === undefined || (ref.missing !== true && ref.key === stale)) return;
    if (!(await this.#refsTo(stale)).some(({ id }) => id !== ref.id)) await this.remove(stale);
  }

  /** Names the folder of a version of a file. */
  async keyOf(origin: string, tag: string, size: number): Promise<string> {
    return await hash(`${origin}\n${tag}\n${size}`);
  }

  /** Opens a version of a file, empty if it is new, and records its use. */
  async file(ref: Ref & { readonly missing?: false }): Promise<CachedFile> {
    const folder = await this.#files.getDirectoryHandle(ref.key, { create: true });
    const info = await readJsonFile(folder, 'info.json');
    const address = isInfo(info) ? info.address : ref.id;
    await writeFile(
      folder,
      'info.json',
      JSON.stringify({ address, size: ref.size, tag: ref.tag, lastUsed: Math.max(0, Date.now()) }),
    );
    return await CachedFile.open(folder, this.disk, ref.key);
  }

  /** Lists all versions of all files, the least recently used first. */
  async list(): Promise<StoredFile[]> {
    const found: StoredFile[] = [];
    for await (const folder of this.#files.values()) {
      if (folder.kind !== 'directory') continue;
      const info = await readJsonFile(folder, 'info.json');
      const { stored } = await CachedFile.open(folder, this.disk, folder.name);
      const { address, size, lastUsed } = isInfo(info) ? info : { address: '', size: stored, lastUsed: 0 };
      found.push({ key: folder.name, address, size, stored, lastUsed: new Date(lastUsed) });
    }
    // A time in the future comes from a clock that was set back since. Uses after that are later than it.
    const now = Date.now();
    const age = ({ lastUsed }: StoredFile): number => lastUsed.getTime() - (lastUsed.getTime() > now ? MAX_TIME_MS : 0);
    return found.sort((a, b) => age(a) - age(b));
  }

  /** Removes a version of a file unless a tab is using it. Returns whether it did. */
  async remove(key: string): Promise<boolean> {
    const release = await tryLock(useLock(key));
    if (release === undefined) return false;
    try {
      await this.#files.removeEntry(key, { recursive: true });
      for (const { id } of await this.#refsTo(key)) await this.#refs.removeEntry(`${await hash(id)}.json`);
      return true;
    } catch {
      return false; // another tab has removed it, or still has a chunk open
    } finally {
      release();
    }
  }

  /** Reads a note; `undefined` if there is none of that name. */
  async readNote(name: string): Promise<unknown> {
    const note = await readJsonFile(this.#notes, `${await hash(name)}.json`);
    return typeof note === 'object' && note !== null && 'name' in note && note.name === name && 'value' in note
      ? note.value
      : undefined;
  }

  /** Writes a note. */
  async writeNote(name: string, value: unknown): Promise<void> {
    await writeFile(this.#notes, `${await hash(name)}.json`, JSON.stringify({ name, value }));
  }

  /** Removes all notes. */
  async forgetNotes(): Promise<void> {
    const names: string[] = [];
    for await (const name of this.#notes.keys()) names.push(name);
    for (const name of names) await this.#notes.removeEntry(name).catch(() => undefined); // a tab is writing it
  }

  /** Removes the records of files that did not exist. */
  async forgetMissing(): Promise<void> {
    for (const ref of await this.#allRefs()) {
      if (ref.missing === true) await this.#refs.removeEntry(`${await hash(ref.id)}.json`);
    }
  }

  async #refsTo(key: string): Promise<Ref[]> {
    return (await this.#allRefs()).filter((ref) => ref.missing !== true && ref.key === key);
  }

  async #allRefs(): Promise<Ref[]> {
    const refs: Ref[] = [];
    for await (const name of this.#refs.keys()) {
      const ref = await readJsonFile(this.#refs, name);
      if (isRef(ref)) refs.push(ref);
    }
    return refs;
  }
}

async function ownFolder(): Promise<FileSystemDirectoryHandle | undefined> {
  const storage: Partial<StorageManager> | undefined = typeof navigator === 'undefined' ? undefined : navigator.storage;
  const writable = typeof FileSystemFileHandle !== 'undefined' && 'createWritable' in FileSystemFileHandle.prototype;
  if (storage?.getDirectory === undefined || !writable) return undefined;
  return await (await storage.getDirectory()).getDirectoryHandle(ROOT_NAME, { create: true });
}

/** The first 128 bits of a SHA-256, in hex: a name that every file system accepts. */
async function hash(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest, 0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function readJsonFile(folder: FileSystemDirectoryHandle, name: string): Promise<unknown> {
  try {
    const text = await (await (await folder.getFileHandle(name)).getFile()).text();
    const json: unknown = JSON.parse(text);
    return json;
  } catch {
    return undefined; // it does not exist, or a crash left it empty
  }
}

async function writeFile(folder: FileSystemDirectoryHandle, name: string, text: string): Promise<void> {
  const writable = await (await folder.getFileHandle(name, { create: true })).createWritable();
  await writable.write(text);
  await writable.close();
}

function isRef(value: unknown): value is Ref {
  if (typeof value !== 'object' || value === null || !('id' in value) || typeof value.id !== 'string') return false;
  if ('missing' in value && value.missing === true) return true;
  return 'key' in value && typeof value.key === 'string' && 'tag' in value && 'size' in value && isCount(value.size);
}

function isInfo(value: unknown): value is { address: string; size: number; lastUsed: number } {
  if (typeof value !== 'object' || value === null || !('address' in value) || typeof value.address !== 'string')
    return false;
  return 'size' in value && isCount(value.size) && 'lastUsed' in value && isCount(value.lastUsed);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
