import { DeviceError, DisposedError, type DcAeError } from '../errors.ts';
import { PipelineCache } from './pipelines.ts';
import { BufferUsage } from './usage.ts';

/** The feature of Chromium's experiment with subgroup matrices. Browsers offer it behind a flag. */
export const MATRIX_FEATURE = 'chromium-experimental-subgroup-matrix';

/** A device with its pipelines. It reports the loss of the device and destroys the device only if it owns it. */
export class Gpu {
  readonly device: GPUDevice;
  readonly pipelines: PipelineCache;
  /** Whether the adapter runs on the CPU (SwiftShader, lavapipe, WARP). */
  readonly software: boolean;
  /** The buffer for bindings that a shader's variant does not read. */
  readonly unused: GPUBuffer;
  /** FLOPs of one submit. Runs adapt it so that a submit takes about ten milliseconds. */
  submitFlops = 5e8;
  /** Milliseconds that waiting for an idle queue takes: the part of each wait that is not GPU time. */
  emptyWaitMs = 0;
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
    device.pushErrorScope('out-of-memory');
    this.unused = device.createBuffer({ label: 'unused binding', size: 256, usage: BufferUsage.STORAGE });
    device.popErrorScope().catch(() => undefined); // commands that bind the invalid buffer are rejected
    this.lost = device.lost.then((info) => {
      this.#loss = this.#released && this.#owned ? new DisposedError('AutoencoderDC') : lostError(info);
      for (const reject of this.#waiting) reject(this.#loss);
      throw this.#loss;
    });
    this.lost.catch(() => undefined);
    measureEmptyWait(device).then(
      (ms) => (this.emptyWaitMs = ms),
      () => undefined, // the device was lost
    );
  }

  /** Returns the result of `work`, or rejects with `device-lost` as soon as the device is lost. */
  guard<T>(work: Promise<T>): Promise<T> {
    // Not Promise.race: `lost` lives as long as the device and would keep every result that it was raced against.
    return new Promise((resolve, reject) => {
      if (this.#loss) reject(this.#loss);
      this.#waiting.add(reject);
      work.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }

  /**
   * Runs `allocate`, which creates GPU objects, and reports the driver's errors as typed errors.
   *
   * @param name - the object in messages, for example "the weights"
   * @param remedy - the sentence that follows when memory ran out
   * @throws DeviceError `limits` if memory ran out, `gpu` on a validation error
   */
  async checked<T>(name: string, allocate: () => T, remedy = FREE_MEMORY): Promise<T> {
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
      throw new DeviceError('limits', `The GPU ran out of memory for ${name}. ${remedy}`, { cause: memory });
    }
    if (validation)
      throw new DeviceError('gpu', `The GPU driver rejected ${name}: ${validation.message}`, { cause: validation });
    return result;
  }

  /** Frees the objects that this one created. Destroys the device if it owns it. */
  dispose(): void {
    this.#released = true;
    this.unused.destroy();
    if (this.#owned) this.device.destroy();
  }
}

/** Destroys an object that the driver rejected. It would count as alive until then. */
function destroyFailed(made: unknown): void {
  const isDestroyable = (value: unknown): value is { destroy(): void } =>
    typeof value === 'object' && value !== null && 'destroy' in value && typeof value.destroy === 'function';
  if (isDestroyable(made)) made.destroy();
}

/**
 * Measures how long a wait for an idle queue takes. Firefox looks at its queue every 100 ms
 * (https://bugzilla.mozilla.org/show_bug.cgi?id=1870699); other browsers answer within a millisecond. Once that bug is
 * fixed in all supported versions, this can go.
 */
async function measureEmptyWait({ queue }: GPUDevice): Promise<number> {
  await queue.onSubmittedWorkDone(); // it may begin between two looks
  let shortest = Infinity;
  for (let i = 0; i < 2; i++) {
    const started = performance.now();
    await queue.onSubmittedWorkDone();
    shortest = Math.min(shortest, performance.now() - started);
  }
  return shortest;
}

function isSoftware({ adapterInfo }: GPUDevice): boolean {
  const info: Partial<GPUAdapterInfo> | undefined = adapterInfo;
  if (info?.isFallbackAdapter === true) return true;
  const names = [info?.vendor, info?.architecture, info?.description].join(' ');
  return /swiftshader|llvmpipe|lavapipe|warp|basic render/i.test(names);
}

function lostError({ reason, message }: GPUDeviceLostInfo): DeviceError {
  const cause = reason === 'destroyed' ? 'destroy() was called' : 'the driver was reset or ran out of memory';
  return new DeviceError(
    'device-lost',
    `The GPU device was lost: ${cause}${message ? ` (${message})` : ''}. Dispose of this model and load it again. ` +
      'Cached weights are not downloaded again.',
  );
}

/** The remedy when memory ran out and no more is known. */
const FREE_MEMORY =
  'Close other tabs that use the GPU, dispose of results that you no longer need, or use a smaller image.';

/** The remedy in an environment without `navigator.gpu`. */
function withoutWebGpu(): string {
  if (typeof navigator === 'undefined' || typeof isSecureContext === 'undefined') {
    return 'Pass options.device, for example from the npm package "webgpu".';
  }
  if (!isSecureContext) return 'Browsers offer WebGPU only to secure pages: open the page over https or on localhost.';
  return 'Use Chrome or Edge 113+, Safari 26+ or Firefox 141+.';
}

/**
 * The best adapter: a core one, or else one for WebGPU's compatibility mode (OpenGL ES 3.1, Direct3D 11). No kernel
 * needs more than that mode guarantees.
 */
async function requestAdapter(gpu: GPU): Promise<GPUAdapter | null> {
  const powerPreference = 'high-performance';
  return (
    (await gpu.requestAdapter({ powerPreference })) ??
    (await gpu.requestAdapter({ powerPreference, featureLevel: 'compatibility' }))
  );
}

/**
 * The caller's device, or a device of the best adapter with the features and limits that the package can use.
 *
 * @throws DeviceError `unsupported` without WebGPU or without an adapter
 */
export async function requestGpu(device?: GPUDevice): Promise<Gpu> {
  if (device) return new Gpu(device, false);
  const gpu: GPU | undefined = typeof navigator === 'undefined' ? undefined : navigator.gpu;
  if (!gpu) throw new DeviceError('unsupported', `This environment has no WebGPU. ${withoutWebGpu()}`);
  const adapter = await requestAdapter(gpu);
  if (!adapter) {
    throw new DeviceError(
      'unsupported',
      'The browser supports WebGPU but offers no adapter (GPU). Turn on hardware acceleration in the browser’s ' +
        'settings and update the graphics driver.',
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
    throw new DeviceError(
      'unsupported',
      'The adapter (GPU) offers no device. Reload the page; if that fails, restart the browser and update the ' +
        'graphics driver.',
      { cause },
    );
  }
}
