// A GPU device that counts its buffers and textures and records unexpected errors.
import { afterAll, beforeAll, expect } from 'vitest';
import { requestGpu, type Gpu } from '../../src/gpu/gpu.ts';

/** A device under observation. */
export interface WatchedDevice {
  readonly device: GPUDevice;
  /** Sorted labels of the buffers and textures that exist. */
  live(): string[];
  /** Bytes of the buffers that exist. */
  allocated(): number;
  /** Messages of errors that no error scope caught. Correct code causes none. */
  readonly uncaptured: readonly string[];
}

/** Limits that WebGPU grants only on request. */
const LIMITS = ['maxStorageBufferBindingSize', 'maxBufferSize', 'maxTextureDimension2D'] as const;

/**
 * Requests a device of this browser's adapter. Throws if there is no adapter.
 *
 * @param limits - `adapter`: the adapter's own limits and features; `default`: the ones that WebGPU guarantees;
 *   `compatibility`: the ones that its compatibility mode guarantees, which are fewer
 */
export async function watchedDevice(
  limits: 'adapter' | 'default' | 'compatibility' = 'adapter',
): Promise<WatchedDevice> {
  const featureLevel = limits === 'compatibility' ? 'compatibility' : 'core';
  const adapter = await navigator.gpu.requestAdapter({ featureLevel });
  if (!adapter) throw new Error('navigator.gpu.requestAdapter() found no adapter');
  const requiredLimits = Object.fromEntries(
    limits === 'adapter' ? LIMITS.map((name) => [name, adapter.limits[name]]) : [],
  );
  const optional: GPUFeatureName[] = limits === 'adapter' ? ['subgroups', 'shader-f16'] : [];
  const requiredFeatures = optional.filter((feature) => adapter.features.has(feature));
  return watch(await adapter.requestDevice({ requiredLimits, requiredFeatures }));
}

/** Counts the objects that a device creates from now on. */
export function watch(device: GPUDevice): WatchedDevice {
  const alive = new Set<GPUBuffer | GPUTexture>();
  const count = <T extends GPUBuffer | GPUTexture>(made: T): T => {
    alive.add(made);
    made.destroy = () => {
      alive.delete(made);
      Object.getPrototypeOf(made).destroy.call(made);
    };
    return made;
  };
  const { createBuffer, createTexture } = GPUDevice.prototype;
  device.createBuffer = (descriptor) => count(createBuffer.call(device, descriptor));
  device.createTexture = (descriptor) => count(createTexture.call(device, descriptor));
  const uncaptured: string[] = [];
  device.addEventListener('uncapturederror', (event) => uncaptured.push(event.error.message));
  return {
    device,
    live: () => [...alive].map(({ label }) => label).sort(),
    allocated: () => [...alive].reduce((sum, made) => sum + ('mapState' in made ? made.size : 0), 0),
    uncaptured,
  };
}

/**
 * One device for a whole test file, since each device compiles every shader anew. After the last test, every object
 * must have been destroyed and the driver must have reported no error.
 */
export function fileGpu(): { readonly gpu: Gpu; readonly watched: WatchedDevice } {
  let gpu: Gpu | undefined;
  let watched: WatchedDevice | undefined;
  beforeAll(async () => {
    watched = await watchedDevice();
    gpu = await requestGpu(watched.device);
  });
  afterAll(async () => {
    gpu?.dispose();
    await watched?.device.queue.onSubmittedWorkDone();
    expect(watched?.live()).toEqual([]);
    expect(watched?.uncaptured).toEqual([]);
    watched?.device.destroy();
  });
  const made = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the device is there only while tests run');
    return value;
  };
  return {
    get gpu() {
      return made(gpu);
    },
    get watched() {
      return made(watched);
    },
  };
}
