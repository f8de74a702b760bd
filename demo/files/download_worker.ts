/**
 * Downloads files from other hosts. It is a worker of its own because its policy allows such requests, and it never
 * sees a picture: the page and the picture worker may contact no other host.
 */
import { serve } from '../worker_channel.ts';

/** The methods of this worker. */
export interface DownloadMethods {
  /** Downloads a file of at most 64 MiB. @throws Error for an error status; TypeError if the host forbids it */
  readonly download: { readonly args: string; readonly result: Uint8Array<ArrayBuffer> };
}

/** No picture's file is larger; an endless answer ends here. */
const MAX_BYTES = 64 * 2 ** 20;

serve<DownloadMethods>({
  download: async (url, { signal, transfer }) => {
    const response = await fetch(url, { credentials: 'omit', referrerPolicy: 'no-referrer', signal });
    if (!response.ok || !response.body) throw new Error(`${url}: the host answered ${response.status}.`);
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let size = 0;
    for await (const chunk of response.body) {
      size += chunk.length;
      if (size > MAX_BYTES) throw new Error(`${url} has more than 64 MiB, the limit for a .dcae file.`);
      chunks.push(chunk);
    }
    const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer());
    transfer(bytes.buffer);
    return bytes;
  },
});
