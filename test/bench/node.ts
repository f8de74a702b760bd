import { create, globals } from 'webgpu';
import { requestGpu, type Gpu } from '../../src/gpu/gpu.ts';
import { report, type Options, type Report } from './bench.ts';

// Dawn's objects take the process down when they are collected before what was made from them.
const keep: unknown[] = [];

/** Opens devices on whatever driver the Vulkan loader finds. */
export function opener(): () => Promise<Gpu> {
  Object.assign(globalThis, globals);
  const root = create([]);
  keep.push(root);
  return async () => {
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
}

/** Seconds that this process has computed. */
function cpu(): Promise<number> {
  const { user, system } = process.cpuUsage();
  return Promise.resolve((user + system) / 1e6);
}

/** The bench on Dawn in Node. */
export async function benchNode(options: Options): Promise<Report> {
  return report(opener(), cpu, options);
}
