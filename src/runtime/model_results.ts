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
  /** Returns the numbers as `[N, C, H, W]`. */
  toArray(): Promise<Float32Array>;
  dispose(): void;
  [Symbol.dispose](): void;
}

/** An encoded image: a `Latent` or a `WorkerLatent`. */
export interface ModelLatent extends ModelResult {
  /** The size of the picture before padding; decoding crops to it. */
  readonly imageSize: Size;
}

/** A decoded image: a `Sample` or a `WorkerSample`. */
export interface ModelSample extends ModelResult {
  toPixels(index?: number): Promise<{ data: Uint8ClampedArray<ArrayBuffer>; width: number; height: number }>;
  toImageData(index?: number): Promise<ImageData>;
  toImageBitmap(index?: number): Promise<ImageBitmap>;
  drawTo(canvas: HTMLCanvasElement | OffscreenCanvas, index?: number): Promise<void>;
}
