import { CachedSource } from '../weights/cache/cached_source.ts';
import { CacheStore } from '../weights/cache/store.ts';
import { BufferPool } from '../weights/sources/buffer_pool.ts';
import type { ByteSource } from '../weights/sources/byte_source.ts';
import type { OpenedSource } from '../weights/sources/open_source.ts';
import type { LoadOptions } from './load_options.ts';
import { warn } from './warn.ts';

/** The cache of one load. Without a cache, all methods do nothing. */
export class LoadCache {
  readonly #options: LoadOptions;
  /** Buffers for all bytes of this load. */
  readonly pool = new BufferPool();
  #source: CachedSource | undefined;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Puts the cache before a source on the network. Other sources are returned as they are. */
  async wrap({ source, remote }: OpenedSource): Promise<ByteSource> {
    const { cache = true } = this.#options;
    if (remote === undefined || cache === false) return source;
    const store = await CacheStore.open(cache === true ? undefined : cache);
    if (store === undefined) return source;
    this.#source = new CachedSource(remote, store, this.pool, (message) => {
      warn(message, this.#options);
    });
    return this.#source;
  }

  /** Counts the bytes of `[start, end)` that came from the cache. */
  cachedBytes(path: string, start: number, end: number): number {
    return this.#source?.cachedBytes(path, start, end) ?? 0;
  }

  /** Removes the stored copy of a file, because it is damaged. */
  async forget(path: string): Promise<void> {
    await this.#source?.forget(path);
  }

  /** Waits until all fetched bytes are stored. */
  async close(): Promise<void> {
    await this.#source?.close();
  }
}
