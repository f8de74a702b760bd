import type { ByteSource } from '../weights/sources/byte_source.ts';
import { CachedSource } from '../weights/cache/cached_source.ts';
import { CacheStore } from '../weights/cache/store.ts';
import { BufferPool } from '../weights/read/buffer_pool.ts';
import type { OpenedSource } from '../weights/sources/source.ts';
import type { LoadOptions } from './load_options.ts';
import { warn } from './open.ts';

/** The cache as one load sees it: there, or not. */
export class LoadCache {
  readonly #options: LoadOptions;
  /** Buffers that all bytes of this load are read into. */
  readonly pieces = new BufferPool();
  #source: CachedSource | undefined;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** The source with the cache before it, where it is one over the network and there is a cache. */
  async wrap({ source, remote }: OpenedSource): Promise<ByteSource> {
    const { cache = true } = this.#options;
    if (remote === undefined || cache === false) return source;
    const store = await CacheStore.open(cache === true ? undefined : cache);
    if (store === undefined) return source;
    this.#source = new CachedSource(remote, store, this.pieces, (message) => {
      warn(message, this.#options);
    });
    return this.#source;
  }

  /** How many of a file's bytes `[start, end)` came from the cache. */
  bytes(path: string, start: number, end: number): number {
    return this.#source?.cachedBytes(path, start, end) ?? 0;
  }

  /** Removes what is kept of a file: it was found to be damaged. */
  async forget(path: string): Promise<void> {
    await this.#source?.forget(path);
  }

  /** Waits until all that was fetched is stored. */
  async close(): Promise<void> {
    await this.#source?.close();
  }
}
