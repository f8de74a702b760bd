import { InputError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { TextureUsage } from '../gpu/usage.ts';
import type { Rect } from '../graph/rects.ts';

/** Raw numbers: `data` in the order of `shape`, `[N, C, H, W]` as in diffusers; images in [-1, 1]. */
export interface TensorInput {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Pixels as canvas has them: RGBA bytes, rows from the top. */
export interface PixelInput {
  readonly data: Uint8ClampedArray | Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Any picture that `encode` takes besides a raw tensor. Colours are taken as sRGB, alpha is left out. */
export type PictureInput =
  | PixelInput
  | ImageData
  | ImageBitmap
  | HTMLImageElement
  | HTMLVideoElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | VideoFrame
  | Blob
  | GPUTexture;

/** What `encode` takes. */
export type ImageInput = TensorInput | PictureInput;

/** A picture of which rectangles can be brought to the GPU. */
export interface Picture {
  readonly height: number;
  readonly width: number;
  /**
   * A texture that holds a rectangle of the picture, or more of it.
   *
   * @throws InputError for a rectangle that is larger than a texture may be, or pixels that may not be read
   */
  texture(rect: Rect): Promise<PictureTexture>;
  /** Frees what was made of it. */
  dispose(): void;
}

/** Pixels on the GPU. */
export interface PictureTexture {
  readonly texture: GPUTexture;
  /** The picture's pixel that it begins with. */
  readonly corner: Pick<Rect, 'y' | 'x'>;
  /** Frees the texture, unless it is the caller's. */
  dispose(): void;
}

const ACCEPTED =
  'an ImageData, ImageBitmap, <img>, <video>, <canvas>, OffscreenCanvas, VideoFrame, Blob, GPUTexture, or a tensor ' +
  '{ data: Float32Array, shape: [N, C, H, W] } in [-1, 1]';

/** Whether an input is a raw tensor. */
export function isTensorInput(input: object): input is TensorInput {
  return 'shape' in input && Array.isArray(input.shape);
}

/**
 * Checks a raw tensor against the shape that the model takes.
 *
 * @throws InputError naming what is wrong
 */
export function checkTensor(what: string, input: TensorInput, channels: number): [number, number, number, number] {
  const { data, shape } = input;
  const [n, c, height, width] = shape;
  const shown = `[${shape.join(', ')}]`;
  if (!(data instanceof Float32Array)) throw new InputError(`${what}.data must be a Float32Array.`);
  if (
    shape.length !== 4 ||
    n === undefined ||
    c === undefined ||
    height === undefined ||
    width === undefined ||
    !shape.every((side) => Number.isSafeInteger(side) && side > 0)
  ) {
    throw new InputError(`${what}.shape must be [N, ${channels}, H, W] of positive integers; it was ${shown}.`);
  }
  if (c !== channels) {
    throw new InputError(
      `${what}.shape must have ${channels} channels, as the checkpoint's config says; it was ${shown}.`,
    );
  }
  const count = n * c * height * width;
  if (data.length !== count) {
    throw new InputError(`${what}.data must hold ${count} numbers for its shape ${shown}; it holds ${data.length}.`);
  }
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new InputError(
      `${what}.data holds ${String(data[bad])} at index ${bad}; all numbers must be finite. Look at what made it.`,
    );
  }
  return [n, c, height, width];
}

/**
 * Opens a picture; a file is decoded, once.
 *
 * @throws InputError for something that isn't a picture, or is empty
 */
export async function openPicture(gpu: Gpu, image: PictureInput): Promise<Picture> {
  if (!isBlob(image)) return openPixels(gpu, image);
  const bitmap = await decodeBlob(image);
  return { ...openPixels(gpu, bitmap), dispose: () => bitmap.close() };
}

function openPixels(gpu: Gpu, image: Exclude<PictureInput, Blob>): Picture {
  const [width, height] = pictureSize(image);
  if (!(width > 0 && height > 0)) {
    throw new InputError(
      `The image is ${width} x ${height} pixels; it must have at least one. Wait for it to load (img.decode(), a video's "loadeddata").`,
    );
  }
  if ('createView' in image) {
    const whole = { texture: image, corner: { y: 0, x: 0 }, dispose: () => undefined };
    return { height, width, texture: () => Promise.resolve(whole), dispose: () => undefined };
  }
  if ('data' in image && image.data.length !== 4 * width * height) {
    throw new InputError(
      `image.data must hold ${4 * width * height} RGBA bytes for ${width} x ${height}; it holds ${image.data.length}.`,
    );
  }
  let still: ImageBitmap | undefined;
  return {
    height,
    width,
    async texture(rect) {
      // What moves is looked at once for all rectangles.
      const partial = rect.height < height || rect.width < width;
      if (partial && moves(image)) still ??= await createImageBitmap(image, { premultiplyAlpha: 'none' });
      return await uploadRect(gpu, still ?? image, rect);
    },
    dispose: () => still?.close(),
  };
}

async function uploadRect(gpu: Gpu, image: StillInput, rect: Rect): Promise<PictureTexture> {
  const { height, width } = rect;
  const limit = gpu.device.limits.maxTextureDimension2D;
  if (width > limit || height > limit) {
    throw new InputError(
      `The image is ${width} x ${height} pixels, and this device's textures end at ${limit}. Scale it down.`,
    );
  }
  const { COPY_DST, TEXTURE_BINDING, RENDER_ATTACHMENT } = TextureUsage;
  const texture = await gpu.checked('the picture', () =>
    gpu.device.createTexture({
      label: 'picture',
      size: [width, height],
      format: 'rgba8unorm',
      usage: COPY_DST | TEXTURE_BINDING | RENDER_ATTACHMENT,
    }),
  );
  try {
    if ('data' in image) {
      const data = new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.byteLength);
      const layout = { offset: 4 * (rect.y * image.width + rect.x), bytesPerRow: 4 * image.width };
      gpu.device.queue.writeTexture({ texture }, data, layout, [width, height]);
    } else {
      await copyPixels(gpu, image, texture, rect);
    }
  } catch (cause) {
    texture.destroy();
    throw new InputError(
      'The image could not be copied to the GPU. An <img> or <video> from another origin needs crossorigin="anonymous" and a server that allows it.',
      { cause },
    );
  }
  return { texture, corner: rect, dispose: () => texture.destroy() };
}

/** Copies the straightest way that this browser has, else through a bitmap: VideoFrames in some browsers, and wherever there is no real GPU. */
async function copyPixels(
  gpu: Gpu,
  image: Exclude<StillInput, PixelInput>,
  texture: GPUTexture,
  { y, x, height, width }: Rect,
): Promise<void> {
  const copy = (source: GPUCopyExternalImageSource, origin?: [number, number]): void => {
    const target = { texture, colorSpace: 'srgb', premultipliedAlpha: false } as const;
    gpu.device.queue.copyExternalImageToTexture(origin ? { source, origin } : { source }, target, [width, height]);
  };
  // Chromium loses its GPU process over a frame of video on a software adapter (seen in 150); a bitmap serves as well there.
  if (!(gpu.software && isVideo(image))) {
    try {
      if (y === 0 && x === 0) copy(image);
      else copy(image, [x, y]);
      return;
    } catch {
      // through a bitmap, then
    }
  }
  const bitmap = await createImageBitmap(image, { premultiplyAlpha: 'none' });
  try {
    copy(bitmap, [x, y]);
  } finally {
    bitmap.close();
  }
}

type StillInput = Exclude<PictureInput, Blob | GPUTexture>;

function isVideo(image: object): image is HTMLVideoElement | VideoFrame {
  return 'videoWidth' in image || 'displayWidth' in image;
}

/** Whether a source may show something else a moment later. */
function moves(image: StillInput): image is HTMLVideoElement | HTMLCanvasElement | OffscreenCanvas {
  return 'videoWidth' in image || 'getContext' in image;
}

function isBlob(image: PictureInput): image is Blob {
  return typeof Blob !== 'undefined' && image instanceof Blob;
}

async function decodeBlob(blob: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(blob);
  } catch (cause) {
    throw new InputError(
      `The file (${blob.type || 'unknown type'}, ${blob.size} bytes) is not a picture that this browser can decode. Convert it to PNG, JPEG or WebP.`,
      { cause },
    );
  }
}

/** Width and height in pixels of whatever was handed in. */
function pictureSize(image: Exclude<PictureInput, Blob>): [number, number] {
  if ('naturalWidth' in image) return [image.naturalWidth, image.naturalHeight];
  if ('videoWidth' in image) return [image.videoWidth, image.videoHeight];
  if ('displayWidth' in image) return [image.displayWidth, image.displayHeight];
  if (typeof image === 'object' && 'width' in image && 'height' in image) return [image.width, image.height];
  throw new InputError(`encode takes ${ACCEPTED}.`);
}

/** Refuses what is no object at all, so that the checks above may look for properties. */
export function checkImage(image: unknown): asserts image is ImageInput {
  if (typeof image !== 'object' || image === null)
    throw new InputError(`encode takes ${ACCEPTED}; it got ${String(image)}.`);
}
