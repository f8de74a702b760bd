import { create, globals } from 'webgpu';
import { requestGpu } from '../../src/gpu/gpu.ts';
import { report, type Options, type Report } from './bench.ts';

// Dawn's objects take the process down when they are collected before what was made from them.
const keep: unknown[] = [];

/** The bench on Dawn in Node, on whatever driver the Vulkan loader finds. */
export async function benchNode(options: Options): Promise<Report> {
  Object.assign(globalThis, globals);
  const root = create([]);
  const adapter = await root.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('Dawn finds no adapter; VK_ICD_FILENAMES names a driver, libvulkan1 loads it');
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  const device = await adapter.requestDevice({ requiredLimits: { maxStorageBufferBindingSize, maxBufferSize } });
  keep.push(root, adapter, device);
  const cpu = (): Promise<number> => {
    const { user, system } = process.cpuUsage();
    return Promise.resolve((user + system) / 1e6);
  };
  return report(await requestGpu(device), cpu, options);
}
