/** The GPU in words. */
import type { Adapter } from './protocol.ts';

const NAMES = ['NVIDIA', 'AMD', 'Intel', 'Apple', 'Qualcomm', 'Arm', 'ImgTec', 'Google', 'Mesa', 'SwiftShader'];

/** The limits that decide what fits. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
] as const;

/** Describes a device's adapter. Browsers may leave any of these fields empty. */
export function describe({ adapterInfo, features, limits }: GPUDevice): Adapter {
  const { vendor, architecture, device, description } = adapterInfo;
  const spelt = (word: string): string => NAMES.find((name) => name.toLowerCase() === word) ?? word;
  const parts = [vendor, architecture, device].filter(Boolean).map(spelt).join(' ');
  const software =
    adapterInfo.isFallbackAdapter ||
    /swiftshader|llvmpipe|lavapipe|softpipe|basic render/i.test(`${parts} ${description}`);
  return {
    name: description || parts || 'a GPU that this browser doesn’t name',
    software,
    features: [...features].sort(),
    limits: Object.fromEntries(LIMITS.map((name) => [name, limits[name]])),
  };
}
