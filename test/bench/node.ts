import { create, globals } from 'webgpu';
import { requestGpu, type Gpu } from '../../src/gpu/gpu.ts';
import { report, type Options, type Report } from './bench.ts';

// Dawn's objects take the process down when they are collected before what was made from them.
const keep: unknown[] = [];

/** The bench on Dawn in Node, on whatever driver the Vulkan loader finds. */
export async function benchNode(options: Options): Promise<Report> {
  Object.assign(globalThis, globals);
  const root = create([]);
  keep.push(root);
  const openGpu = async (): Promise<Gpu> => {
    const adapter = await root.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) throw new Error('Dawn finds no adapter; VK_ICD_FILENAMES names a driver, libvulkan1 loads it');
    const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
    const wanted: GPUFeatureName[] = ['timestamp-query', 'shader-f16', 'subgroups'];
    const device = await adapter.requestDevice({
      requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)),
      requiredLimits: { maxStorageBufferBindingSize, maxBufferSize },
    });
    keep.push(adapter, device);
    return requestGpu(device);
  };
  const cpu = (): Promise<number> => {
    const { user, system } = process.cpuUsage();
    return Promise.resolve((user + system) / 1e6);
  };
  return report(openGpu, cpu, options);
}
