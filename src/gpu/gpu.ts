import { DeviceError, DisposedError, type DcAeError } from '../errors.ts';
import { PipelineCache } from './pipelines.ts';
import { BufferUsage } from './usage.ts';

/** Chromium's experiment with subgroup matrices, which browsers offer behind a flag. */
export const MATRIX_FEATURE = 'chromium-experimental-subgroup-matrix';

/** A device and what belongs to it: its pipelines, its loss, and whether it is ours to destroy. */
export class Gpu {
  readonly device: GPUDevice;
  readonly pipelines: PipelineCache;
  /** The adapter runs on the CPU (SwiftShader, lavapipe, WARP). */
  readonly software: boolean;
  /** Bound where a shader's variant leaves a binding unread. */
  readonly unused: GPUBuffer;
  /** FLOPs of a submit, so that one takes some ten milliseconds here; found as work runs. */
  submitFlops = 5e8;
  /** Rejects once the device is lost. */
  readonly lost: Promise<never>;
  readonly #owned: boolean;
  readonly #waiting = new Set<(reason: Error) => void>();
  #loss: DcAeError | undefined;
  #released = false;

  constructor(device: GPUDevice, owned: boolean) {
    this.device = device;
    this.software = isSoftware(device);
    this.#owned = owned;
    this.pipelines = new PipelineCache(device);
    this.unused = device.createBuffer({ label: 'unused binding', size: 256, usage: BufferUsage.STORAGE });
    this.lost = device.lost.then((info) => {
      this.#loss = this.#released && this.#owned ? new DisposedError('AutoencoderDC') : lostError(info);
      for (const reject of this.#waiting) reject(this.#loss);
      throw this.#loss;
    });
    this.lost.catch(() => undefined);
  }

  /** The work's result, or a `device-lost` error as soon as the device is lost. */
  guard<T>(work: Promise<T>): Promise<T> {
    // Not Promise.race: `lost` lives as long as the device, and would hold on to every result that it was raced against.
    return new Promise((resolve, reject) => {
      if (this.#loss) reject(this.#loss);
      this.#waiting.add(reject);
      work.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }

  /**
   * Runs `allocate`, which creates GPU objects, and turns what the driver objects to into a typed error.
   *
   * @throws DeviceError `limits` when memory ran out, `gpu` on a validation error
   */
  async checked<T>(what: string, allocate: () => T): Promise<T> {
    this.device.pushErrorScope('validation');
    this.device.pushErrorScope('out-of-memory');
    let result: T;
    let memory: GPUError | null;
    let validation: GPUError | null;
    try {
      result = allocate();
    } finally {
      [memory, validation] = await this.guard(Promise.all([this.device.popErrorScope(), this.device.popErrorScope()]));
    }
    if (memory ?? validation) destroyFailed(result);
    if (memory) {
      throw new DeviceError(
        'limits',
        `The GPU ran out of memory for ${what}. Use a smaller image, dtype "f16", or one half of the model (parts), and close ` +
          'other tabs that use the GPU.',
        { cause: memory },
      );
    }
    if (validation)
      throw new DeviceError('gpu', `The GPU refused ${what}: ${validation.message}`, { cause: validation });
    return result;
  }

  /** Gives up what this object made; destroys the device if it wasn't handed in. */
  dispose(): void {
    this.#released = true;
    this.unused.destroy();
    if (this.#owned) this.device.destroy();
  }
}

/** What the driver refused is still an object, and counts as alive until it is destroyed. */
function destroyFailed(made: unknown): void {
  const isDestroyable = (value: unknown): value is { destroy(): void } =>
    typeof value === 'object' && value !== null && 'destroy' in value && typeof value.destroy === 'function';
  if (isDestroyable(made)) made.destroy();
}

function isSoftware({ adapterInfo }: GPUDevice): boolean {
  const info: Partial<GPUAdapterInfo> | undefined = adapterInfo;
  if (info?.isFallbackAdapter === true) return true;
  const names = [info?.vendor, info?.architecture, info?.description].join(' ');
  return /swiftshader|llvmpipe|lavapipe|warp|basic render/i.test(names);
}

function lostError({ reason, message }: GPUDeviceLostInfo): DeviceError {
  const cause = reason === 'destroyed' ? 'its device was destroyed' : 'the driver reset or ran out of memory';
  return new DeviceError(
    'device-lost',
    `The GPU device was lost: ${cause}${message ? ` (${message})` : ''}. Dispose of this model and load it again; ` +
      'weights that are in the browser’s cache need no new download.',
  );
}

const UNAVAILABLE =
  'Update the browser (Chrome or Edge 113+, Safari 26+, Firefox 141+), turn on hardware acceleration in its settings, and open the page ' +
  'over https or on localhost; in Node, hand in `device` from the npm package "webgpu".';

/**
 * A device with all that the best adapter offers, or the caller's own.
 *
 * @throws DeviceError `unsupported` without WebGPU or without an adapter, with the remedy
 */
export async function requestGpu(device?: GPUDevice): Promise<Gpu> {
  if (device) return new Gpu(device, false);
  const gpu: GPU | undefined = typeof navigator === 'undefined' ? undefined : navigator.gpu;
  if (!gpu) throw new DeviceError('unsupported', `This environment has no WebGPU. ${UNAVAILABLE}`);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw new DeviceError(
      'unsupported',
      `WebGPU is here, but it found no adapter (GPU) that it may use. ${UNAVAILABLE}`,
    );
  }
  const { maxStorageBufferBindingSize, maxBufferSize, maxTextureDimension2D } = adapter.limits;
  const features = ['timestamp-query', 'shader-f16', 'subgroups', MATRIX_FEATURE] as GPUFeatureName[];
  try {
    const own = await adapter.requestDevice({
      label: 'dc-ae-webgpu',
      requiredFeatures: features.filter((feature) => adapter.features.has(feature)),
      requiredLimits: { maxStorageBufferBindingSize, maxBufferSize, maxTextureDimension2D },
    });
    return new Gpu(own, true);
  } catch (cause) {
    throw new DeviceError('unsupported', `The adapter gave no device. ${UNAVAILABLE}`, { cause });
  }
}
