import { CacheStore, type StoredFile } from './store.ts';

export type { StoredFile } from './store.ts';

/**
 * The cache of weights in the browser's own file system, shared by all pages of this origin. Without such a file system
 * (Node, a private window), it is empty.
 */
export const checkpointCache = {
  /** Lists the stored files, the least recently used first. Those are evicted first when storage runs short. */
  async list(): Promise<StoredFile[]> {
    return (await (await CacheStore.open())?.list()) ?? [];
  },

  /**
   * Removes a stored file. Returns `false` for one that a tab is reading, which stays.
   *
   * @param file - an entry of `list()`, or its `key`
   */
  async remove(file: StoredFile | string): Promise<boolean> {
    const store = await CacheStore.open();
    return (await store?.remove(typeof file === 'string' ? file : file.key)) ?? false;
  },

  /**
   * Removes all files that no tab is reading, and the record of which kernels are fastest on this device. Returns the
   * bytes of weights that it freed.
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
   * Asks the browser not to clear this origin's storage when the disk is full. Returns whether it agreed. Some browsers
   * ask the user, so call it at a moment when the question makes sense.
   */
  async persist(): Promise<boolean> {
    const storage: Partial<StorageManager> | undefined =
      typeof navigator === 'undefined' ? undefined : navigator.storage;
    return (await storage?.persist?.()) ?? false;
  },
};
