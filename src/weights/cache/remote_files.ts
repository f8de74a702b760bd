import type { BorrowedBuffer } from '../read/buffer_pool.ts';
import type { SyncFiles } from './sync_files.ts';

/** What the disk's worker can be asked for: the methods of SyncFiles. A buffer is handed over, and comes back with the answer. */
export type DiskTask =
  | { readonly task: 'write'; buffer: ArrayBuffer; readonly file: FileSystemFileHandle; readonly length: number }
  | { readonly task: 'open'; readonly file: FileSystemFileHandle; readonly size: number }
  | { readonly task: 'read'; buffer: ArrayBuffer; readonly key: number; readonly at: number; readonly length: number }
  | { readonly task: 'close'; readonly key: number };

/** A task on its way to the worker. */
export type DiskRequest = DiskTask & { readonly id: number };

/** The worker's answer: a number, 0 where none was asked for, or the error. */
export interface DiskAnswer {
  readonly id: number;
  readonly value?: number;
  readonly error?: unknown;
  readonly buffer: ArrayBuffer | undefined;
}

interface Call {
  readonly lent: BorrowedBuffer | undefined;
  readonly resolve: (value: number) => void;
  readonly reject: (error: unknown) => void;
}

/** SyncFiles in a worker, for threads that have none of their own. Once the worker has failed, everything rejects. */
export class RemoteFiles implements Pick<SyncFiles, 'write' | 'open' | 'read' | 'close'> {
  readonly #worker: Worker;
  readonly #calls = new Map<number, Call>();
  #last = 0;
  #failure: Error | undefined;

  /** @param worker - disk_worker.ts, which has said that it is ready */
  constructor(worker: Worker) {
    this.#worker = worker;
    worker.addEventListener('message', ({ data }: MessageEvent<DiskAnswer>) => this.#answered(data));
    worker.addEventListener('error', (event) => {
      event.preventDefault(); // it is told to whoever waits
      this.#failed(event.message);
    });
    worker.addEventListener('messageerror', () => this.#failed('an answer could not be read'));
  }

  /** As there. */
  async write(lent: BorrowedBuffer, file: FileSystemFileHandle, length: number): Promise<void> {
    await this.#call({ task: 'write', buffer: lent.buffer, file, length }, lent);
  }

  /** As there. */
  async open(file: FileSystemFileHandle, size: number): Promise<number> {
    return await this.#call({ task: 'open', file, size });
  }

  /** As there. */
  async read(lent: BorrowedBuffer, key: number, at: number, length: number): Promise<number> {
    return await this.#call({ task: 'read', buffer: lent.buffer, key, at, length }, lent);
  }

  /** As there. */
  async close(key: number): Promise<void> {
    await this.#call({ task: 'close', key });
  }

  #call(task: DiskTask, lent?: BorrowedBuffer): Promise<number> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const id = ++this.#last;
      const request: DiskRequest = { ...task, id };
      this.#worker.postMessage(request, lent === undefined ? [] : [lent.buffer]);
      this.#calls.set(id, { lent, resolve, reject });
    });
  }

  #answered({ id, value, error, buffer }: DiskAnswer): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (call?.lent !== undefined && buffer !== undefined) call.lent.buffer = buffer;
    if (error === undefined) call?.resolve(value ?? 0);
    else call?.reject(error);
  }

  /** Nothing more will come: buffers that are there are lost. */
  #failed(why: string): void {
    this.#failure ??= new Error(`the worker that reads and writes files failed: ${why}`);
    for (const { reject } of this.#calls.values()) reject(this.#failure);
    this.#calls.clear();
  }
}
