// Counts GPU buffers and textures that were made and not destroyed, on whatever device.

const alive = new Map<GPUBuffer | GPUTexture, GPUDevice>();
const uncaptured: string[] = [];

/** Labels of what is alive, sorted. */
export function liveLabels(): string[] {
  return [...alive.keys()].map(({ label }) => label).sort();
}

/** Bytes of the buffers that are alive. */
export function liveBytes(): number {
  return [...alive.keys()].reduce((sum, made) => sum + (made instanceof GPUBuffer ? made.size : 0), 0);
}

/** Errors that nobody expected. */
export function uncapturedErrors(): readonly string[] {
  return uncaptured;
}

/** Counts from now on. */
export function countGpu(): void {
  const { createBuffer, createTexture, destroy } = GPUDevice.prototype;
  const forget = <T extends GPUBuffer | GPUTexture>(prototype: T): void => {
    const original = prototype.destroy;
    prototype.destroy = function (this: T) {
      alive.delete(this);
      return original.call(this);
    };
  };
  forget(GPUBuffer.prototype);
  forget(GPUTexture.prototype);
  GPUDevice.prototype.createBuffer = function (this: GPUDevice, descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    alive.set(buffer, this);
    return buffer;
  };
  GPUDevice.prototype.createTexture = function (this: GPUDevice, descriptor) {
    const texture = createTexture.call(this, descriptor);
    alive.set(texture, this);
    return texture;
  };
  // A device that is destroyed takes all that was made on it along.
  GPUDevice.prototype.destroy = function (this: GPUDevice) {
    for (const [made, device] of alive) if (device === this) alive.delete(made);
    return destroy.call(this);
  };
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (this: GPUAdapter, descriptor) {
    const device = await requestDevice.call(this, descriptor);
    device.addEventListener('uncapturederror', ({ error }) => uncaptured.push(error.message));
    return device;
  };
}
