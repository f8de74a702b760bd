/* eslint-disable @typescript-eslint/no-empty-object-type -- these merge with the real interfaces */

/**
 * WebGPU names in the package's types. They merge with TypeScript 6's DOM types or with `@webgpu/types`, and suffice in
 * an app that has neither.
 */
declare global {
  interface GPUDevice {}
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
