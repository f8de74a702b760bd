// The test adapter exists and computes. A machine without an adapter must fail here, not skip GPU tests.
import { describe, expect, inject, test } from 'vitest';

describe('the adapter', () => {
  test('exists and describes itself', async () => {
    const adapter = await navigator.gpu.requestAdapter();
    expect(adapter, 'navigator.gpu.requestAdapter() found no adapter').not.toBeNull();
    const { vendor, architecture, description, subgroupMinSize, subgroupMaxSize } = adapter!.info;
    const features = [...adapter!.features].filter((feature) => /f16|subgroup|timestamp/.test(feature)).join(' ');
    const binding = adapter!.limits.maxStorageBufferBindingSize / 2 ** 20;
    console.info(
      `${inject('adapter')}: ${vendor} ${architecture} ${description}, subgroups ${subgroupMinSize}-${subgroupMaxSize}, ${binding} MiB per binding, ${features}`,
    );
  });

  test('offers shader-f16 if it is lavapipe', async () => {
    const adapter = await navigator.gpu.requestAdapter();
    if (inject('adapter') === 'lavapipe') expect(adapter!.features).toContain('shader-f16');
  });

  test('adds two numbers', async () => {
    const adapter = await navigator.gpu.requestAdapter();
    const device = await adapter!.requestDevice();
    const code = `
      @group(0) @binding(0) var<storage, read_write> values: array<f32>;
      @compute @workgroup_size(1) fn main() { values[0] = values[0] + values[1]; }`;
    const module = device.createShaderModule({ code });
    const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const values = device.createBuffer({ size: 8, usage });
    const result = device.createBuffer({ size: 8, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    device.queue.writeBuffer(values, 0, new Float32Array([0.5, 1.75]));
    const entries = [{ binding: 0, resource: { buffer: values } }];
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(1);
    pass.end();
    encoder.copyBufferToBuffer(values, 0, result, 0, 8);
    device.queue.submit([encoder.finish()]);
    await result.mapAsync(GPUMapMode.READ);
    expect([...new Float32Array(result.getMappedRange())]).toEqual([2.25, 1.75]);
    device.destroy();
  });
});
