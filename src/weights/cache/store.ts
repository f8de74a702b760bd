/**
 * The cache's folder. It lies in the origin private file system rather than in the Cache API, because a checkpoint is read by ranges:
 * the Cache API keeps whole answers only (it refuses 206), can't grow one, and gives no file that could be read from the middle.
 * A chunk's name says how long it is, and it is written from its first byte to its last: what a crash leaves behind is shorter, and isn't read.
 *
 *     refs/<hash of the address>.json     which version was last seen at an address
 *     files/<hash of the version>/        that version's bytes: info.json, and chunks named "<first byte>-<one past the last>"
 *     notes/<hash of the name>.json       what else is worth remembering: the fastest kernels of an adapter
 */
import { CachedFile } from './cached_file.ts';
import { Disk } from './disk.ts';
import { tryLock, useLock } from './locks.ts';

/** Which version was last seen at an address: where its bytes are, or that there was no such file. */
export type Ref =
  | { readonly id: string; readonly missing: true }
  | {
      readonly id: string;
      readonly missing?: false;
      readonly key: string;
      readonly size: number;
      readonly tag: string;
    };

/** One version of one file in the cache. */
export interface StoredFile {
  /** The name of its folder. */
  readonly key: string;
  /** The address that it was first fetched from: `https://huggingface.co/owner/name@main/config.json`. */
  readonly address: string;
  /** Bytes of the whole file, and of what is here of it. */
  readonly size: number;
  readonly stored: number;
  readonly lastUsed: Date;
}

const rootName = 'dc-ae-webgpu';

/** A folder with refs and files in it. Whatever goes wrong in here is thrown as the file system throws it. */
export class CacheStore {
  readonly #refs: FileSystemDirectoryHandle;
  readonly #files: FileSystemDirectoryHandle;
  readonly #notes: FileSystemDirectoryHandle;
  /** The way to the bytes of files. */
  readonly disk = new Disk();
  /** Whether the browser counts what lies here against this origin's quota. */
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

  /** Opens the cache in this folder, or in the browser's own file system; `undefined` where there is none (Node, a private window). */
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

  /** What was last seen at this address. */
  async readRef(id: string): Promise<Ref | undefined> {
    const value = await readJsonFile(this.#refs, `${await hash(id)}.json`);
    return isRef(value) && value.id === id ? value : undefined;
  }

  /** Notes what is at an address now, and drops the version before it if nothing else refers to it. */
  async writeRef(ref: Ref): Promise<void> {
    const before = await this.readRef(ref.id);
    if (JSON.stringify(before) === JSON.stringify(ref)) return;
    await writeFile(this.#refs, `${await hash(ref.id)}.json`, JSON.stringify(ref));
    const stale = before === undefined || before.missing === true ? undefined : before.key;
    if (stale === undefined || (ref.missing !== true && ref.key === stale)) return;
    if (!(await this.#refsTo(stale)).some(({ id }) => id !== ref.id)) await this.remove(stale);
  }

  /** The folder name of a version of a file. */
  async keyOf(origin: string, tag: string, size: number): Promise<string> {
    return await hash(`${origin}\n${tag}\n${size}`);
  }

  /** Opens a version of a file, empty if it is new, and notes that it was used. */
  async file(ref: Ref & { readonly missing?: false }): Promise<CachedFile> {
    const folder = await this.#files.getDirectoryHandle(ref.key, { create: true });
    const info = await readJsonFile(folder, 'info.json');
    const address = isInfo(info) ? info.address : ref.id;
    await writeFile(
      folder,
      'info.json',
      JSON.stringify({ address, size: ref.size, tag: ref.tag, lastUsed: Date.now() }),
    );
    return await CachedFile.open(folder, this.disk, ref.key);
  }

  /** All versions of all files, the least recently used first. */
  async list(): Promise<StoredFile[]> {
    const found: StoredFile[] = [];
    for await (const folder of this.#files.values()) {
      if (folder.kind !== 'directory') continue;
      const info = await readJsonFile(folder, 'info.json');
      const { stored } = await CachedFile.open(folder, this.disk, folder.name);
      const { address, size, lastUsed } = isInfo(info) ? info : { address: '', size: stored, lastUsed: 0 };
      found.push({ key: folder.name, address, size, stored, lastUsed: new Date(lastUsed) });
    }
    return found.sort((a, b) => a.lastUsed.getTime() - b.lastUsed.getTime());
  }

  /** Removes a version of a file unless somebody is using it; tells whether it did. */
  async remove(key: string): Promise<boolean> {
    const release = await tryLock(useLock(key));
    if (release === undefined) return false;
    try {
      await this.#files.removeEntry(key, { recursive: true });
      for (const { id } of await this.#refsTo(key)) await this.#refs.removeEntry(`${await hash(id)}.json`);
      return true;
    } catch {
      return false; // another tab was quicker, or still has a chunk open
    } finally {
      release();
    }
  }

  /** What was noted under a name; `undefined` if nothing was. */
  async readNote(name: string): Promise<unknown> {
    const note = await readJsonFile(this.#notes, `${await hash(name)}.json`);
    return typeof note === 'object' && note !== null && 'name' in note && note.name === name && 'value' in note
      ? note.value
      : undefined;
  }

  /** Notes something under a name. */
  async writeNote(name: string, value: unknown): Promise<void> {
    await writeFile(this.#notes, `${await hash(name)}.json`, JSON.stringify({ name, value }));
  }

  /** Forgets all notes. */
  async forgetNotes(): Promise<void> {
    const names: string[] = [];
    for await (const name of this.#notes.keys()) names.push(name);
    for (const name of names) await this.#notes.removeEntry(name).catch(() => undefined); // it is being written
  }

  /** Forgets that files were missing. */
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
  return await (await storage.getDirectory()).getDirectoryHandle(rootName, { create: true });
}

/** The first 128 bits of a SHA-256, in hex: a name that every file system takes. */
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
    return undefined; // not there, or a crash left it empty
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
