import type { Gpu } from '../gpu/gpu.ts';
import { BufferUsage, MapMode } from '../gpu/usage.ts';
import type { SingleDispatch } from '../kernels/pack.ts';

/**
 * Runs one dispatch outside any plan: the conversions at the edges of the model.
 *
 * @throws DeviceError `gpu` if the driver refuses it, because of a resource that can't be bound so
 */
export async function runSingleDispatch(
  gpu: Gpu,
  { shader, constants, params, grid }: SingleDispatch,
  resources: readonly GPUBindingResource[],
): Promise<void> {
  const { device } = gpu;
  const { pipeline, layout } = await gpu.guard(gpu.pipelines.get(shader, constants));
  const { UNIFORM, COPY_DST } = BufferUsage;
  const uniform = device.createBuffer({
    label: `${shader.name} params`,
    size: params.byteLength,
    usage: UNIFORM | COPY_DST,
  });
  device.queue.writeBuffer(uniform, 0, params);
  const entries = [...resources, { buffer: uniform }].map((resource, binding) => ({ binding, resource }));
  try {
    await gpu.checked(shader.name, () => {
      const encoder = device.createCommandEncoder({ label: shader.name });
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, device.createBindGroup({ label: shader.name, layout, entries }), [0]);
      pass.dispatchWorkgroups(...grid);
      pass.end();
      device.queue.submit([encoder.finish()]);
    });
  } finally {
    uniform.destroy();
  }
}

/** Brings bytes back from the GPU: `copy` encodes a copy of `size` bytes into the buffer that it is given. */
export async function readBack(
  gpu: Gpu,
  size: number,
  copy: (encoder: GPUCommandEncoder, target: GPUBuffer) => void,
): Promise<ArrayBuffer> {
  const { device } = gpu;
  const { MAP_READ, COPY_DST } = BufferUsage;
  const target = await gpu.checked('reading a result back', () =>
    device.createBuffer({ label: 'readback', size, usage: MAP_READ | COPY_DST }),
  );
  try {
    const encoder = device.createCommandEncoder({ label: 'readback' });
    copy(encoder, target);
    device.queue.submit([encoder.finish()]);
    await gpu.guard(target.mapAsync(MapMode.READ));
    return target.getMappedRange().slice(0);
  } finally {
    target.destroy();
  }
}
