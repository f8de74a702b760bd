import type { CacheStore } from './store.ts';

/** The share of the quota that is left to the page. */
const SPARE_SHARE = 0.05;
/** The bytes after which the browser is asked again, because other tabs and the page itself use storage, too. */
const ESTIMATE_INTERVAL_BYTES = 64 * 1024 * 1024;

/** Keeps the cache within the browser's quota: estimates the free bytes, and evicts the least recently used files. */
export class Quota {
  readonly #store: CacheStore;
  #freeBytes = 0;
  #queue: Promise<unknown> = Promise.resolve();
  #full = false;
  #evictions = 0;

  constructor(store: CacheStore) {
    this.#store = store;
  }

  /**
   * Reserves `bytes`. Returns whether they may be stored; once storage is full, it counts as full for the rest of this
   * load.
   */
  async reserve(bytes: number): Promise<boolean> {
    const turn = this.#queue.then(async () => {
      if (!this.#full && this.#freeBytes < bytes) await this.#update(bytes);
      if (this.#full) return false;
      this.#freeBytes -= bytes;
      return true;
    });
    this.#queue = turn.catch(() => undefined);
    return await turn;
  }

  /** The number of evictions. A write that failed before the last one may be tried again. */
  get evictions(): number {
    return this.#evictions;
  }

  /**
   * Evicts files after the browser refused a write that had been reserved. Returns whether another try makes sense.
   *
   * @param before - `evictions` when the write began
   */
  async evictAfterRefusal(bytes: number, before: number): Promise<boolean> {
    const turn = this.#queue.then(async () => {
      if (this.#evictions > before) return true; // another write's refusal has freed bytes in the meantime
      this.#freeBytes = 0;
      this.#full = !(await this.#evict(bytes));
      return !this.#full;
    });
    this.#queue = turn.catch(() => undefined);
    return await turn;
  }

  async #update(bytes: number): Promise<void> {
    let free = await this.#estimate();
    if (free < bytes && (await this.#evict(bytes - free))) free = await this.#estimate();
    this.#full = free < bytes;
    this.#freeBytes = Math.min(free, Math.max(bytes, ESTIMATE_INTERVAL_BYTES));
  }

  async #estimate(): Promise<number> {
    if (!this.#store.hasQuota) return Infinity;
    const { quota, usage } = await navigator.storage.estimate();
    if (quota === undefined || usage === undefined) return Infinity;
    return quota * (1 - SPARE_SHARE) - usage;
  }

  /** Removes unused files, the least recently used first, until `bytes` are freed. Returns whether they were. */
  async #evict(bytes: number): Promise<boolean> {
    let freed = 0;
    for (const { key, stored } of await this.#store.list()) {
      if (freed >= bytes) break;
      if (await this.#store.remove(key)) freed += stored;
    }
    if (freed > 0) this.#evictions++;
    return freed >= bytes;
  }
}
