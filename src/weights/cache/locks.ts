/** Agreements between tabs, by Web Locks: they end by themselves when a tab does. */

/** Held by everybody who reads or writes a version of a file; whoever wants to remove it asks for it alone. */
export function useLock(key: string): string {
  return `dc-ae-webgpu/use/${key}`;
}

/** Held by the one who fetches a part of a file. */
export function fetchLock(key: string, window: number): string {
  return `dc-ae-webgpu/fetch/${key}/${window}`;
}

/** Lets go of a lock. */
export type Release = () => void;

/** Takes a lock together with others; waits for one who wants it alone. */
export async function shareLock(name: string): Promise<Release> {
  return (await request(name, { mode: 'shared' })) ?? nothing;
}

/** Takes a lock alone, if nobody has it. */
export async function tryLock(name: string): Promise<Release | undefined> {
  return await request(name, { ifAvailable: true });
}

/** Takes a lock alone, after whoever has it, but waits no longer than `patience` milliseconds; `undefined` when that was too short. */
export async function waitForLock(name: string, patience: number, signal?: AbortSignal): Promise<Release | undefined> {
  const limit = AbortSignal.timeout(patience);
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
