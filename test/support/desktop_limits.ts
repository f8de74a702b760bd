import type { Limits } from '../../src/plan/budget.ts';

/** The limits of a GPU that binds 2 GiB at a time, as desktop browsers have it. */
export const DESKTOP_LIMITS: Limits = {
  maxStorageBufferBindingSize: 2 ** 31 - 4,
  maxBufferSize: 2 ** 31,
  maxComputeWorkgroupsPerDimension: 65535,
  minUniformBufferOffsetAlignment: 256,
};
