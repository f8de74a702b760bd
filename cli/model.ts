/** The model of a command, on the GPU of Node. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AutoencoderDC, type LoadOptions } from 'dc-ae-webgpu';
import { SetupError } from './failure.ts';
import { optionalPackage } from './packages.ts';
import type { Terminal } from './terminal.ts';

/** The checkpoint that comes with the package. It lies at the same path from `cli` and from `dist`. */
const NANO = join(import.meta.dirname, '../demo/models/nano');

/** A model with the objects that must outlive it. */
export interface OpenModel extends Disposable {
  readonly ae: AutoencoderDC;
  /** The address to write into files; `undefined` for a folder and for an id, which files hold anyway. */
  readonly url: string | undefined;
}

/**
 * Loads a checkpoint.
 *
 * @param model - a folder, an id of the hub or a URL; nano if absent
 * @throws SetupError if `webgpu` or an adapter is missing; errors of `AutoencoderDC.fromPretrained`
 */
export async function openModel(
  model: string | undefined,
  networks: LoadOptions['networks'],
  terminal: Terminal,
): Promise<OpenModel> {
  const { device, keep } = await openDevice();
  const source = model === undefined ? NANO : existsSync(model) ? resolve(model) : model;
  const ae = await AutoencoderDC.fromPretrained(source, {
    device,
    networks,
    onWarning: terminal.warn,
    onProgress: ({ phase, loaded, total }) =>
      terminal.show(`model: ${phase}, ${megabytes(loaded)} of ${megabytes(total)} MB`),
  });
  return {
    ae,
    url: /^https?:/i.test(source) ? source : undefined,
    [Symbol.dispose]: () => {
      ae.dispose();
      keep.length = 0;
    },
  };
}

/** Opens a device. Dawn crashes if its instance or adapter is collected before the device: `keep` holds them. */
async function openDevice(): Promise<{ device: GPUDevice; keep: unknown[] }> {
  const { create, globals } = await optionalPackage('webgpu', 'runs the model on the GPU', () => import('webgpu'));
  Object.assign(globalThis, globals);
  const instance = create([]);
  const adapter = await instance.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw new SetupError(
      'WebGPU found no adapter. Install a driver for Vulkan, Metal or Direct3D 12. On Linux without a GPU, ' +
        'Mesa’s software adapter will do: ' +
        'apt-get install libvulkan1 mesa-vulkan-drivers.',
    );
  }
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  const wanted: GPUFeatureName[] = ['shader-f16', 'subgroups'];
  const device = await adapter.requestDevice({
    requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)),
    requiredLimits: { maxStorageBufferBindingSize, maxBufferSize },
  });
  return { device, keep: [instance, adapter] };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
