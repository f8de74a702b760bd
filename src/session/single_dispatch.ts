import type { Gpu } from '../gpu/gpu.ts';
import { BufferUsage, MapMode } from '../gpu/usage.ts';
import type { SingleDispatch } from '../kernels/pack.ts';

/**
 * Encodes commands and submits them at once. Resolves when the driver has accepted them, not when they have run.
 *
 * @param label - names the commands, and the work in error messages
 * @throws DeviceError if the driver refuses the commands, the GPU is out of memory, or the device is lost
 */
export async function submitCommands(
  gpu: Gpu,
  label: string,
  encode: (encoder: GPUCommandEncoder) => void,
): Promise<void> {
  await gpu.checked(label, () => {
    const encoder = gpu.device.createCommandEncoder({ label });
    encode(encoder);
    gpu.device.queue.submit([encoder.finish()]);
  });
}

/**
 * Runs one dispatch outside a plan, such as a conversion at an edge of the network.
 *
 * @param resources - the bindings before the params, in order
 * @throws DeviceError `gpu` if the driver refuses it, for example because a resource cannot be bound
 */
export async function runSingleDispatch(
  gpu: Gpu,
  { shader, constants, params, grid }: SingleDispatch,
  resources: readonly GPUBindingResource[],
): Promise<void> {
  const { device } = gpu;
  const { pipeline, layout } = await gpu.guard(gpu.pipelines.get(shader, constants));
  const uniform = device.createBuffer({
    label: `${shader.name} params`,
    size: params.byteLength,
    usage: BufferUsage.UNIFORM | BufferUsage.COPY_DST,
  });
  const entries = [...resources, { buffer: uniform }].map((resource, binding) => ({ binding, resource }));
  try {
    await submitCommands(gpu, shader.name, (encoder) => {
      device.queue.writeBuffer(uniform, 0, params);
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, device.createBindGroup({ label: shader.name, layout, entries }), [0]);
      pass.dispatchWorkgroups(...grid);
      pass.end();
    });
  } finally {
    uniform.destroy();
  }
}

/**
 * Copies bytes from the GPU to JavaScript.
 *
 * @param encodeCopy - encodes a copy of `size` bytes into the buffer that it is given
 * @throws DeviceError if the GPU is out of memory, refuses the copy, or is lost
 */
export async function readBack(
  gpu: Gpu,
  size: number,
  encodeCopy: (encoder: GPUCommandEncoder, target: GPUBuffer) => void,
): Promise<ArrayBuffer> {
  const usage = BufferUsage.MAP_READ | BufferUsage.COPY_DST;
  const target = await gpu.checked('a readback', () => gpu.device.createBuffer({ label: 'readback', size, usage }));
  try {
    await submitCommands(gpu, 'a readback', (encoder) => {
      encodeCopy(encoder, target);
    });
    await gpu.guard(target.mapAsync(MapMode.READ));
    return target.getMappedRange().slice(0);
  } finally {
    target.destroy();
  }
}
