import type * as hub from '@huggingface/hub';
import { TransientError } from './failures.ts';

/** The parts of `@huggingface/hub` that are used. */
type HubLibrary = Pick<typeof hub, 'downloadFile' | 'fileDownloadInfo' | 'listFiles'>;

/**
 * Loads `@huggingface/hub` when it is first needed. Apps that never ask a hub, and second visits that find everything
 * in the cache, do without it.
 *
 * @throws TransientError if the page's own server does not answer
 */
export async function hubLibrary(): Promise<HubLibrary> {
  try {
    // Destructured at once, so that bundlers can leave out the rest of the library.
    const { downloadFile, fileDownloadInfo, listFiles } = await import('@huggingface/hub');
    return { downloadFile, fileDownloadInfo, listFiles };
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new TransientError(
      `@huggingface/hub, a part of this page, could not be loaded (${detail}). Check the connection, and ` +
        'that the package is ' +
        'installed or bundled.',
      { cause },
    );
  }
}
