import type { Gpu } from '../gpu/gpu.ts';
import { submitCommands } from '../gpu/submit.ts';
import { BufferUsage } from '../gpu/usage.ts';
import type { SingleDispatch } from '../kernels/pack.ts';

/**
 * Runs one dispatch outside a plan, such as a conversion at an edge of the network.
 *
 * @param resources - the bindings before the params, in order
 * @throws DeviceError `gpu` if the driver refuses it, for example because a resource cannot be bound
 */
export async function runSingleDispatch(
  gpu: Gpu,
  { shader, constants, params, grid }: SingleDispatch,
  resources: readonly (GPUBufferBinding | GPUTexture)[],
): Promise<void> {
  const { device } = gpu;
  const { pipeline, layout } = await gpu.guard(gpu.pipelines.get(shader, constants));
  let uniform: GPUBuffer | undefined;
  try {
    await submitCommands(gpu, shader.name, (encoder) => {
      uniform = device.createBuffer({
        label: `${shader.name} params`,
        size: params.byteLength,
        usage: BufferUsage.UNIFORM | BufferUsage.COPY_DST,
      });
      device.queue.writeBuffer(uniform, 0, params);
      const entries = [...resources, { buffer: uniform }].map((resource, binding) => ({
        binding,
        resource: 'createView' in resource ? resource.createView() : resource,
      }));
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, device.createBindGroup({ label: shader.name, layout, entries }), [0]);
      pass.dispatchWorkgroups(...grid);
      pass.end();
    });
  } finally {
    uniform?.destroy();
  }
}
