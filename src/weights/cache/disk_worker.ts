// The worker that Disk starts where the cache is used by a page: what it is asked for, sync access handles do.
import type { DiskAnswer, DiskRequest } from './remote_files.ts';
import { SyncFiles } from './sync_files.ts';

const files = new SyncFiles();

addEventListener('message', ({ data }: MessageEvent<DiskRequest>) => void answer(data));
postMessage('ready');

async function answer(request: DiskRequest): Promise<void> {
  const { id } = request;
  const buffer = 'buffer' in request ? request.buffer : undefined;
  const transfer = buffer === undefined ? [] : [buffer];
  try {
    const reply: DiskAnswer = { id, value: await run(request), buffer };
    postMessage(reply, { transfer });
  } catch (error) {
    const reply: DiskAnswer = { id, error, buffer };
    postMessage(reply, { transfer });
  }
}

async function run(request: DiskRequest): Promise<number> {
  switch (request.task) {
    case 'write':
      await files.write(request, request.file, request.length);
      return 0;
    case 'open':
      return await files.open(request.file, request.size);
    case 'read':
      return await files.read(request, request.key, request.at, request.length);
    case 'close':
      await files.close(request.key);
      return 0;
  }
}
