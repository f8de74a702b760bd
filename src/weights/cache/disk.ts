import type { BorrowedBuffer, BufferPool } from '../read/buffer_pool.ts';
import { bytesOf } from '../read/read.ts';
import { withTimeout } from './timeout.ts';
import { RemoteFiles } from './remote_files.ts';
import { hasSyncHandles, SyncFiles } from './sync_files.ts';

/** How long the file system may take to open a file of the cache or to read from one, in milliseconds. */
const patience = 5000;

/** Reads shorter than this don't wait for the worker. */
const smallRead = 256 * 1024;

/**
 * The quickest way to a file's bytes that there is: sync access handles, in a small worker where this thread has none. Until that one is
 * ready, or where it can't be started, or for folders outside of the browser's own file system: streams, which are everywhere and cost more.
 */
export class Disk {
  #files: Pick<SyncFiles, 'write' | 'open' | 'read' | 'close'> | undefined;
  #worker: Worker | undefined;

  /** Starts the worker, if one is needed; nobody has to wait for it. */
  start(): void {
    if (hasSyncHandles(FileSystemFileHandle.prototype)) {
      this.#files = new SyncFiles();
      return;
    }
    if (this.#worker !== undefined || typeof Worker === 'undefined') return;
    try {
      const worker = new Worker(new URL('./disk_worker.ts', import.meta.url), { type: 'module' });
      const files = new RemoteFiles(worker);
      files.ready().then(
        () => (this.#files = files),
        () => undefined, // Streams serve as well.
      );
      this.#worker = worker;
    } catch {
      // a policy of the page forbids it
    }
  }

  /**
   * Makes the file the first `length` bytes of the buffer, which may be away until then. A file that is shorter afterwards was not written in
   * full: its writer was stopped.
   *
   * Rejects as the file system does; a buffer that is empty then was lost, and the bytes with it.
   */
  async write(file: FileSystemFileHandle, lent: BorrowedBuffer, length: number): Promise<void> {
    try {
      if (this.#files !== undefined) return await this.#files.write(lent, file, length);
    } catch (error) {
      // For lack of room, too, a stream is tried: for a handle, Chromium sets aside the next power of two.
      if (isLocked(error) || lent.buffer.byteLength === 0) throw error;
    }
    const writable = await file.createWritable();
    try {
      await writable.write(new Uint8Array(lent.buffer, 0, length));
      await writable.close();
    } catch (error) {
      await writable.abort().catch(() => undefined);
      throw error;
    }
  }

  /** The bytes `[start, end)` of a file that should be `size` bytes long; none where it isn't. Rejects as the file system does. */
  async *read(
    file: FileSystemFileHandle,
    size: number,
    start: number,
    end: number,
    pieces: BufferPool,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const files = end - start < smallRead ? undefined : this.#files;
    const key = await files?.open(file, size).catch(() => undefined); // another tab may have it for itself: a Blob doesn't mind
    if (files === undefined || key === undefined) {
      const blob = await withTimeout(file.getFile(), patience);
      if (blob.size !== size) return;
      yield* bytesOf(blob.slice(start, end).stream(), pieces, (next) => withTimeout(next, patience));
      return;
    }
    try {
      for (let at = start; at < end;) {
        const bytes = await withTimeout(
          pieces.fill((lent) => files.read(lent, key, at, end - at)),
          patience,
        );
        if (bytes.length === 0) return;
        at += bytes.length;
        yield bytes;
      }
    } finally {
      files.close(key).catch(() => undefined);
    }
  }

  /** Ends the worker. */
  close(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#files = undefined;
  }
}

/** Whether a write failed for lack of room. */
export function isQuotaError(error: unknown): boolean {
  return isNamed(error, 'QuotaExceededError');
}

/** Whether a file couldn't be opened because somebody else has it open. */
export function isLocked(error: unknown): boolean {
  return isNamed(error, 'NoModificationAllowedError');
}

/** Whether something took too long. */
export function isTimeout(error: unknown): boolean {
  return isNamed(error, 'TimeoutError');
}

function isNamed(error: unknown, name: string): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === name;
}
