/* eslint-disable @typescript-eslint/no-empty-object-type -- these merge with the real interfaces */

/**
 * WebGPU names in the package's types. They merge with TypeScript 6's DOM types or with `@webgpu/types`, and suffice in
 * an app that has neither.
 */
declare global {
  interface GPUDevice {
    readonly adapterInfo: GPUAdapterInfo;
    readonly features: GPUSupportedFeatures;
    readonly limits: GPUSupportedLimits;
    readonly lost: Promise<GPUDeviceLostInfo>;
  }
  interface GPUAdapterInfo {
    readonly vendor: string;
    readonly architecture: string;
    readonly device: string;
    readonly description: string;
    readonly isFallbackAdapter: boolean;
  }
  interface GPUSupportedFeatures extends ReadonlySet<string> {}
  interface GPUBuffer {}
  interface GPUTexture {}
  interface GPUBindGroupLayout {}
  interface GPUCommandEncoder {}
  interface GPUComputePassEncoder {}
  interface GPUComputePipeline {}
  interface GPUDeviceLostInfo {
    readonly message: string;
    readonly reason: 'unknown' | 'destroyed';
  }
  interface GPUSupportedLimits {
    readonly maxBufferSize: number;
    readonly maxComputeWorkgroupsPerDimension: number;
    readonly maxStorageBufferBindingSize: number;
    readonly minUniformBufferOffsetAlignment: number;
  }
}
export {};
