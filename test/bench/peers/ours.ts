import { requestGpu } from '../../../src/gpu/gpu.ts';
import { GpuTensor } from '../../../src/runtime/results.ts';
import { upload } from '../../support/run-module.ts';
import { loadWork, openSession } from '../session.ts';
import type { Peer } from './peer.ts';

/** This package. */
export async function ownPeer(): Promise<Peer> {
  const gpu = await requestGpu();
  return {
    version: '',
    async prepare(module, input) {
      const [n = 1, c = 1, h = 1, w = 1] = input.shape;
      const loaded = await loadWork(gpu, { name: '', module, shape: [n, c, h, w] }, 'f32');
      const { session } = await openSession(gpu, loaded);
      const { graph } = loaded.plan;
      // A run reuses its input's buffer.
      const stage = (): Promise<void> => upload(gpu, graph.input, session.input, input.data);
      await stage();
      const run = async (): Promise<void> => {
        await session.run();
        await gpu.device.queue.onSubmittedWorkDone();
      };
      return {
        run,
        async output() {
          await stage();
          await run();
          const values = await new GpuTensor(gpu, graph.output, session.output).toArray();
          return Float32Array.from(values);
        },
        release() {
          session.dispose();
          loaded.weights.dispose();
          return Promise.resolve();
        },
      };
    },
  };
}
