// A worker that an app might have: the package's, and something else. Here that counts what is on its GPU, and causes
// faults.
import 'dc-ae-webgpu/worker';
import { gpuFaults } from '../../support/gpu_faults.ts';
import { countGpu, liveLabels } from './gpu-count.ts';

countGpu();
const faults = gpuFaults();
const channel = new BroadcastChannel('gpu-count');
channel.addEventListener('message', ({ data }: MessageEvent<'count' | 'fail' | 'lose'>) => {
  if (data === 'fail') faults.fail(2, 'out-of-memory');
  if (data === 'lose') faults.lose(2);
  channel.postMessage(liveLabels());
});
