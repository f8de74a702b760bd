// A worker that an app might have: the package's, and something else. Here that counts what is on its GPU.
import 'dc-ae-webgpu/worker';
import { countGpu, liveLabels } from './gpu-count.ts';

countGpu();
const channel = new BroadcastChannel('gpu-count');
channel.addEventListener('message', () => channel.postMessage(liveLabels()));
