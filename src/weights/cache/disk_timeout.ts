import { withTimeout } from '../read/waiting.ts';

/** The time that the file system may take to open a file of the cache or to read from one. */
const DISK_TIMEOUT_MS = 5000;

/**
 * Limits the time for a file operation. The cache can always be bypassed, so a file system that hangs must not stop a
 * load.
 */
export async function withDiskTimeout<T>(promise: Promise<T>, timeoutMs = DISK_TIMEOUT_MS): Promise<T> {
  const late = (): Error => new DOMException(`the file system took more than ${timeoutMs} ms`, 'TimeoutError');
  return await withTimeout(promise, timeoutMs, late);
}
