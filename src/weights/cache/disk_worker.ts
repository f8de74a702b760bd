// The worker that Disk starts for a page: a page has no sync access handles.
import { Channel, type CallContext } from '../../rpc/channel.ts';
import type { BorrowedBuffer } from '../sources/buffer_pool.ts';
import type { BufferOutcome, DiskMethods, NoMethods } from './remote_files.ts';
import { SyncFiles } from './sync_files.ts';

const files = new SyncFiles();

new Channel<NoMethods, DiskMethods>(self, {
  ready: () => undefined,
  write: async ({ buffer, file, length }, context) => {
    return await withBuffer(buffer, context, async (lent) => {
      await files.write(lent, file, length);
      return 0;
    });
  },
  open: async ({ file, size }) => await files.open(file, size),
  read: async ({ buffer, key, at, length }, context) => {
    return await withBuffer(buffer, context, (lent) => files.read(lent, key, at, length));
  },
  close: async ({ key }) => {
    await files.close(key);
    return undefined;
  },
});

/** Runs `work` with a buffer and moves the buffer back, even if `work` fails. */
async function withBuffer(
  buffer: ArrayBuffer,
  { transfer }: CallContext,
  work: (lent: BorrowedBuffer) => Promise<number>,
): Promise<BufferOutcome> {
  transfer(buffer);
  try {
    return { buffer, value: await work({ buffer }) };
  } catch (error) {
    return { buffer, error };
  }
}
