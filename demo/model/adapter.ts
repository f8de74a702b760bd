/** The GPU in words. */
import type { DeviceDescription } from 'dc-ae-webgpu';

/** A GPU, as the browser describes it. */
export interface Adapter {
  readonly name: string;
  /** The "GPU" is a program on the CPU, and slow. */
  readonly software: boolean;
}

const VENDORS = ['NVIDIA', 'AMD', 'Intel', 'Apple', 'Qualcomm', 'Arm', 'ImgTec', 'Google', 'Mesa', 'SwiftShader'];

/** Describes an adapter. Browsers may say little about it, or nothing. */
export function describeAdapter(info: DeviceDescription['adapterInfo']): Adapter {
  const { vendor, architecture, device, description, isFallbackAdapter } = info;
  const spelt = (word: string): string => VENDORS.find((name) => name.toLowerCase() === word) ?? word;
  const parts = [vendor, architecture, device].filter(Boolean).map(spelt).join(' ');
  const software =
    isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|softpipe|basic render/i.test(`${parts} ${description}`);
  return { name: description || parts || 'a GPU that this browser does not name', software };
}

/** Asks the browser for its adapter; undefined if there is none. */
export async function findAdapter(): Promise<Adapter | undefined> {
  const gpu: unknown = Reflect.get(navigator, 'gpu');
  if (!gpu) return undefined;
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
  return adapter ? describeAdapter(adapter.info) : undefined;
}
