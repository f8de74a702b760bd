import { CacheStore, type StoredFile } from './store.ts';

export type { StoredFile } from './store.ts';

/**
 * The cache of weights in the browser's own file system, as all pages of this origin share it. Where there is none (Node, a private
 * window), it is empty.
 */
export const checkpointCache = {
  /** What is kept, the least recently used first: what would be evicted next when storage runs short. */
  async list(): Promise<StoredFile[]> {
    return (await (await CacheStore.open())?.list()) ?? [];
  },

  /**
   * Removes one file that `list()` gave; tells whether it did. One that is being read at this moment, in whatever tab, stays.
   *
   * @param file - what `list()` gave, or its `key`
   */
  async remove(file: StoredFile | string): Promise<boolean> {
    const store = await CacheStore.open();
    return (await store?.remove(typeof file === 'string' ? file : file.key)) ?? false;
  },

  /**
   * Removes everything that isn't being read at this moment, and which kernels were fastest on this device; gives the bytes of weights that were
   * freed.
   */
  async clear(): Promise<number> {
    const store = await CacheStore.open();
    if (store === undefined) return 0;
    let freed = 0;
    for (const { key, stored } of await store.list()) if (await store.remove(key)) freed += stored;
    await store.forgetMissing();
    await store.forgetNotes();
    return freed;
  },

  /**
   * Asks the browser not to clear this origin's storage by itself when the disk runs full; tells whether it agreed. Some browsers ask the user,
   * so call it when that makes sense to them.
   */
  async persist(): Promise<boolean> {
    const storage: Partial<StorageManager> | undefined =
      typeof navigator === 'undefined' ? undefined : navigator.storage;
    return (await storage?.persist?.()) ?? false;
  },
};
