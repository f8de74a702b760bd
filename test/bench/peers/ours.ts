import { requestGpu } from '../../../src/gpu/gpu.ts';
import { BandedTensor } from '../../../src/runtime/bands.ts';
import { GpuTensor } from '../../../src/runtime/results.ts';
import { checkShape } from '../../../src/runtime/numbers.ts';
import { stageNumbers } from '../../../src/runtime/tensor_input.ts';
import type { Tensor } from '../../../src/graph/tensor.ts';
import { loadWork, openSession } from '../session.ts';
import type { Peer } from './peer.ts';

/** This package. */
export async function ownPeer(): Promise<Peer> {
  const gpu = await requestGpu();
  return {
    version: '',
    async prepare(module, input) {
      const [n = 1, c = 1, h = 1, w = 1] = input.shape;
      const loaded = await loadWork(gpu, { name: '', module, shape: [n, c, h, w] }, { dtype: 'f32' });
      const { session } = await openSession(gpu, loaded);
      const { plan } = session;
      const staged = stageNumbers(gpu, 'input', input.data, checkShape('input', input.shape, c));
      const run = async (output: (tensor: Tensor, buffer: GPUBuffer) => Promise<void> | void = () => undefined) => {
        await session.run({ input: (tensor, buffer) => staged.write({ tensor, buffer }, 0), output });
        await gpu.device.queue.onSubmittedWorkDone();
      };
      return {
        run: () => run(),
        async output() {
          let values = new Float32Array();
          await run(async (tensor, buffer) => {
            values = Float32Array.from(
              await new GpuTensor(gpu, new BandedTensor(gpu, [{ tensor, buffer }], tensor), plan.output).toArray(),
            );
          });
          return values;
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
