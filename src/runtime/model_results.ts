/** The results that a model gives on the page and in a worker. Code written against them takes either. */

/** Height and width in pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** A result on the GPU, on the page or in a worker. Free it with `dispose()` or `using`. */
export interface ModelResult {
  /** `[N, C, H, W]`. */
  readonly shape: readonly [number, number, number, number];
  /**
   * Returns the numbers as `[N, C, H, W]`.
   *
   * @throws DisposedError after `dispose()`; DeviceError if the GPU is out of memory or lost
   */
  toArray(): Promise<Float32Array>;
  /** Frees the GPU memory. Repeated calls do nothing. */
  dispose(): void;
  /** Calls `dispose()` at the end of a `using` block. */
  [Symbol.dispose](): void;
}

/** An encoded image: a `Latent` or a `WorkerLatent`. */
export interface ModelLatent extends ModelResult {
  /** The size of the picture before padding; decoding crops to it. */
  readonly imageSize: Size;
}

/**
 * A decoded image: a `Sample` or a `WorkerSample`. Its pictures are cropped to the encoded picture's size; numbers in
 * [-1, 1] become 8 bits, and others are clamped. `index` chooses a picture of the batch, 0 by default.
 *
 * All methods throw InputError for an invalid `index`, DisposedError after `dispose()`, and DeviceError if the GPU is
 * out of memory or lost.
 */
export interface ModelSample extends ModelResult {
  /** Returns a picture as 8-bit sRGB RGBA, row by row from the top. */
  toPixels(index?: number): Promise<{ data: Uint8ClampedArray<ArrayBuffer>; width: number; height: number }>;
  /** Returns a picture as ImageData. @throws InputError in an environment without ImageData */
  toImageData(index?: number): Promise<ImageData>;
  /** Returns a picture as an ImageBitmap. Close it when it is no longer needed. */
  toImageBitmap(index?: number): Promise<ImageBitmap>;
  /** Resizes a canvas to a picture and draws it. @throws InputError if the canvas has a context that cannot be used */
  drawTo(canvas: HTMLCanvasElement | OffscreenCanvas, index?: number): Promise<void>;
}
