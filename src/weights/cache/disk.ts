import type { BorrowedBuffer, BufferPool } from '../sources/buffer_pool.ts';
import { startForeignWorker } from '../../rpc/foreign_worker.ts';
import { bytesOf } from '../read/read.ts';
import { withDiskTimeout } from './disk_timeout.ts';
import { RemoteFiles } from './remote_files.ts';
import { hasSyncHandles, SyncFiles } from './sync_files.ts';

/** Shorter reads do not go through the worker. */
const MIN_WORKER_READ_BYTES = 256 * 1024;

/**
 * Reads and writes the cache's files in the fastest way that this thread has: sync access handles, through a small
 * worker if the thread has none. Streams, which always work and cost more, serve until that worker is ready, if it
 * cannot be started, and in folders outside of the browser's own file system.
 */
export class Disk {
  #files: Pick<SyncFiles, 'write' | 'open' | 'read' | 'close'> | undefined;
  #worker: Worker | undefined;

  /** Starts the worker if one is needed. Reads and writes do not wait for it. */
  start(): void {
    if (hasSyncHandles(FileSystemFileHandle.prototype)) {
      this.#files = new SyncFiles();
      return;
    }
    if (this.#worker !== undefined || typeof Worker === 'undefined') return;
    try {
      const worker = startDiskWorker();
      const files = new RemoteFiles(worker);
      files.ready().then(
        () => (this.#files = files),
        () => undefined, // Streams serve as well.
      );
      this.#worker = worker;
    } catch {
      // a policy of the page forbids workers
    }
  }

  /**
   * Writes a file: the first `length` bytes of the buffer, which may be in another thread until then. If the writer is
   * stopped halfway, the file is shorter.
   *
   * Rejects as the file system does. If the buffer is then empty, it was lost with its bytes.
   */
  async write(file: FileSystemFileHandle, lent: BorrowedBuffer, length: number): Promise<void> {
    try {
      if (this.#files !== undefined) return await this.#files.write(lent, file, length);
    } catch (error) {
      // A stream is tried even if storage is full: for a handle, Chromium reserves the next power of two.
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

  /**
   * Reads the bytes `[start, end)` of a file, or none if it is not `size` bytes long. Rejects as the file system does.
   */
  async *read(
    file: FileSystemFileHandle,
    size: number,
    start: number,
    end: number,
    pool: BufferPool,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const files = end - start < MIN_WORKER_READ_BYTES ? undefined : this.#files;
    // Another tab may hold it exclusively; a Blob can still be read.
    const key = await files?.open(file, size).catch(() => undefined);
    if (files === undefined || key === undefined) {
      const blob = await withDiskTimeout(file.getFile());
      if (blob.size !== size) return;
      yield* bytesOf(blob.slice(start, end).stream(), pool, (next) => withDiskTimeout(next));
      return;
    }
    try {
      for (let position = start; position < end;) {
        const from = position;
        const bytes = await withDiskTimeout(pool.fill((lent) => files.read(lent, key, from, end - from)));
        if (bytes.length === 0) return;
        position += bytes.length;
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

function startDiskWorker(): Worker {
  try {
    // Bundlers look for this very expression.
    return new Worker(new URL('./disk_worker.ts', import.meta.url), { type: 'module' });
  } catch (error) {
    const worker = startForeignWorker('./disk_worker.js', import.meta.url);
    if (worker === undefined) throw error;
    return worker;
  }
}

/** Whether a write failed because storage is full. */
export function isQuotaError(error: unknown): boolean {
  return isNamed(error, 'QuotaExceededError');
}

/** Whether a file could not be opened because another tab or worker has it open. */
export function isLocked(error: unknown): boolean {
  return isNamed(error, 'NoModificationAllowedError');
}

/** Whether an operation took too long. */
export function isTimeout(error: unknown): boolean {
  return isNamed(error, 'TimeoutError');
}

function isNamed(error: unknown, name: string): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === name;
}
