import type * as hub from '@huggingface/hub';
import { TransientError } from './failures.ts';

/** What we use of `@huggingface/hub`. */
type HubLibrary = Pick<typeof hub, 'downloadFile' | 'fileDownloadInfo' | 'listFiles'>;

/**
 * `@huggingface/hub`, fetched when it is first needed: apps that never ask a hub, and second visits that find all in the cache, do
 * without it. Taken apart at once, so that bundlers can leave the rest of it out.
 *
 * @throws TransientError where the page's own server doesn't answer
 */
export async function hubLibrary(): Promise<HubLibrary> {
  try {
    const { downloadFile, fileDownloadInfo, listFiles } = await import('@huggingface/hub');
    return { downloadFile, fileDownloadInfo, listFiles };
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new TransientError(
      `@huggingface/hub, a part of this page, could not be loaded (${detail}). Check the connection, and that the package is installed or bundled.`,
      { cause },
    );
  }
}
