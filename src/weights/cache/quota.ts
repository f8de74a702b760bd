import type { CacheStore } from './store.ts';

/** Part of the quota that is left to the page for its own purposes. */
const spareShare = 0.05;
/** Bytes until the browser is asked again: other tabs and the page itself take room as well. */
const step = 64 * 1024 * 1024;

/** Sees to it that there is room for what is about to be stored: asks the browser, and evicts what was not used for longest. */
export class Quota {
  readonly #store: CacheStore;
  #left = 0;
  #asking: Promise<unknown> = Promise.resolve();
  #full = false;
  #evictions = 0;

  constructor(store: CacheStore) {
    this.#store = store;
  }

  /** Whether `bytes` may be stored. Once there is no room, there is none for the rest of this load. */
  async take(bytes: number): Promise<boolean> {
    const turn = this.#asking.then(async () => {
      if (!this.#full && this.#left < bytes) await this.#ask(bytes);
      if (this.#full) return false;
      this.#left -= bytes;
      return true;
    });
    this.#asking = turn.catch(() => undefined);
    return await turn;
  }

  /** How often files were evicted: a write that was refused before the last time may be tried again. */
  get evictions(): number {
    return this.#evictions;
  }

  /**
   * The browser refused bytes that it had promised room for: evicts, and tells whether another try makes sense.
   *
   * @param before - `evictions` when the write began
   */
  async refused(bytes: number, before: number): Promise<boolean> {
    const turn = this.#asking.then(async () => {
      if (this.#evictions > before) return true; // somebody else's refusal has made room in the meantime
      this.#left = 0;
      this.#full = !(await this.#evict(bytes));
      return !this.#full;
    });
    this.#asking = turn.catch(() => undefined);
    return await turn;
  }

  async #ask(bytes: number): Promise<void> {
    let free = await this.#free();
    if (free < bytes && (await this.#evict(bytes - free))) free = await this.#free();
    this.#full = free < bytes;
    this.#left = Math.min(free, Math.max(bytes, step));
  }

  async #free(): Promise<number> {
    if (!this.#store.hasQuota) return Infinity;
    const { quota, usage } = await navigator.storage.estimate();
    if (quota === undefined || usage === undefined) return Infinity;
    return quota * (1 - spareShare) - usage;
  }

  /** Removes files that nobody is using, the least recently used first, until `bytes` are freed; tells whether they were. */
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
