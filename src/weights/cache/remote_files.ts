import { Channel } from '../../rpc/channel.ts';
import type { BorrowedBuffer } from '../sources/buffer_pool.ts';
import type { SyncFiles } from './sync_files.ts';

/** The outcome of a method that borrows a buffer. The buffer comes back even if the method failed. */
export type BufferOutcome =
  { readonly buffer: ArrayBuffer; readonly value: number } | { readonly buffer: ArrayBuffer; readonly error: unknown };

/** Methods of the disk worker: those of SyncFiles. Buffers are moved there and back. */
export interface DiskMethods {
  /** Resolves as soon as the worker runs. */
  readonly ready: { readonly args: undefined; readonly result: undefined };
  readonly write: {
    readonly args: { readonly buffer: ArrayBuffer; readonly file: FileSystemFileHandle; readonly length: number };
    readonly result: BufferOutcome;
  };
  readonly open: {
    readonly args: { readonly file: FileSystemFileHandle; readonly size: number };
    readonly result: number;
  };
  readonly read: {
    readonly args: {
      readonly buffer: ArrayBuffer;
      readonly key: number;
      readonly at: number;
      readonly length: number;
    };
    readonly result: BufferOutcome;
  };
  readonly close: { readonly args: { readonly key: number }; readonly result: undefined };
}

/** The page serves no methods to the disk worker. */
export type NoMethods = Record<never, never>;

/** SyncFiles in a worker, for threads without sync access handles. Once the worker has failed, every call rejects. */
export class RemoteFiles implements Pick<SyncFiles, 'write' | 'open' | 'read' | 'close'> {
  readonly #channel: Channel<DiskMethods, NoMethods>;

  /** @param worker - a worker that runs disk_worker.ts */
  constructor(worker: Worker) {
    this.#channel = new Channel<DiskMethods, NoMethods>(worker, {});
    worker.addEventListener('error', (event) => {
      event.preventDefault(); // The calls that wait reject, so the console need not report it, too.
      this.#fail(event.message);
    });
    worker.addEventListener('messageerror', () => this.#fail('an answer could not be read'));
  }

  /** Resolves as soon as the worker runs; rejects if it cannot start. */
  async ready(): Promise<void> {
    await this.#channel.call('ready', undefined);
  }

  /** As `SyncFiles.write`. */
  async write(lent: BorrowedBuffer, file: FileSystemFileHandle, length: number): Promise<void> {
    const { buffer } = lent;
    takeBack(lent, await this.#channel.call('write', { buffer, file, length }, { transfer: [buffer] }));
  }

  /** As `SyncFiles.open`. */
  async open(file: FileSystemFileHandle, size: number): Promise<number> {
    return await this.#channel.call('open', { file, size });
  }

  /** As `SyncFiles.read`. */
  async read(lent: BorrowedBuffer, key: number, at: number, length: number): Promise<number> {
    const { buffer } = lent;
    return takeBack(lent, await this.#channel.call('read', { buffer, key, at, length }, { transfer: [buffer] }));
  }

  /** As `SyncFiles.close`. */
  async close(key: number): Promise<void> {
    await this.#channel.call('close', { key });
  }

  /** Buffers that the worker holds at this moment are lost. */
  #fail(why: string): void {
    this.#channel.close(new Error(`The worker that reads and writes cached files failed: ${why}.`));
  }
}

function takeBack(lent: BorrowedBuffer, outcome: BufferOutcome): number {
  lent.buffer = outcome.buffer;
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}
