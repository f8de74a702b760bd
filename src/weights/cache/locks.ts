/** Web Locks between tabs. They end by themselves when a tab does. */

/** The lock that readers and writers of a file version share. Removing the version takes it exclusively. */
export function useLock(key: string): string {
  return `dc-ae-webgpu/use/${key}`;
}

/** The lock of the tab that fetches a window of a file. */
export function fetchLock(key: string, window: number): string {
  return `dc-ae-webgpu/fetch/${key}/${window}`;
}

/** Releases a lock. */
export type Release = () => void;

/** Takes a lock in shared mode. Waits for an exclusive holder. */
export async function shareLock(name: string): Promise<Release> {
  return (await request(name, { mode: 'shared' })) ?? nothing;
}

/** Takes a lock exclusively; `undefined` if it is held. */
export async function tryLock(name: string): Promise<Release | undefined> {
  return await request(name, { ifAvailable: true });
}

/** Waits for an exclusive lock; `undefined` after `timeoutMs` milliseconds. Rejects with the signal's reason. */
export async function waitForLock(name: string, timeoutMs: number, signal?: AbortSignal): Promise<Release | undefined> {
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    return await request(name, { signal: signal === undefined ? limit : AbortSignal.any([signal, limit]) });
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}

const nothing: Release = () => undefined;

async function request(name: string, options: LockOptions): Promise<Release | undefined> {
  const locks: LockManager | undefined = typeof navigator === 'undefined' ? undefined : navigator.locks;
  if (locks === undefined) return nothing;
  return await new Promise((resolve, reject) => {
    locks
      .request(name, options, async (lock) => {
        if (lock === null) {
          resolve(undefined);
          return;
        }
        await new Promise<void>((release) => {
          resolve(release);
        });
      })
      .catch(reject);
  });
}
