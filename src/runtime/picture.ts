import { DeviceError, InputError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { TextureUsage } from '../gpu/usage.ts';
import { intersection, rectOf, type Rect } from '../graph/rects.ts';
import { imageIn } from '../kernels/image.ts';
import { rectsOf } from '../plan/grid.ts';
import { runSingleDispatch } from '../session/single_dispatch.ts';
import type { Rgb } from './background.ts';
import type { Band } from './bands.ts';
import { isBlob } from '../brand.ts';
import { pictureSize, type PictureInput, type PixelInput } from './image.ts';
import { copyPixels } from './pixels.ts';
import type { InputSnapshot, StagedInput } from './staged_input.ts';

/** Pictures that `createImageBitmap` copies. */
type DrawnPicture = Exclude<PictureInput, PixelInput | ImageData | Blob | GPUTexture>;

/**
 * Reads a picture as it is now. Files are immutable, so they are decoded at the call's turn.
 *
 * @param background - the colour under transparent pixels
 * @throws InputError if the picture is empty or of an unsupported kind
 */
export function readPicture(gpu: Gpu, image: PictureInput, background: Rgb): InputSnapshot {
  if (isBlob(image)) return bitmapSnapshot(gpu, () => decodeFile(image), background);
  const size = pictureSize(image);
  if ('createView' in image) return textureSnapshot(gpu, image, background);
  if ('data' in image) {
    const bytes = copyPixels(image);
    const upload = async (texture: GPUTexture, { y, x, width, height }: Rect): Promise<void> => {
      const layout = { offset: 4 * (y * size.width + x), bytesPerRow: 4 * size.width };
      await gpu.checked('the picture', () => {
        gpu.device.queue.writeTexture({ texture }, bytes, layout, [width, height]);
      });
    };
    const staged = new UploadedPicture(gpu, size, background, upload);
    return { stage: () => Promise.resolve(staged), dispose: () => undefined };
  }
  // The copy is made before createImageBitmap returns; only the promise is settled later.
  const copy = copyDrawn(image);
  copy.catch(() => undefined);
  return bitmapSnapshot(gpu, () => copy, background);
}

/** A picture whose rectangles are uploaded piece by piece, each no larger than the device's largest texture. */
class UploadedPicture implements StagedInput {
  readonly n = 1;
  readonly height: number;
  readonly width: number;
  readonly isPadded = true;
  readonly #gpu: Gpu;
  readonly #background: Rgb;
  readonly #upload: (texture: GPUTexture, rect: Rect) => Promise<void>;

  /** @param upload - fills a texture with a rectangle of the picture */
  constructor(
    gpu: Gpu,
    { height, width }: { readonly height: number; readonly width: number },
    background: Rgb,
    upload: (texture: GPUTexture, rect: Rect) => Promise<void>,
  ) {
    this.height = height;
    this.width = width;
    this.#gpu = gpu;
    this.#background = background;
    this.#upload = upload;
  }

  async write({ tensor, buffer }: Band): Promise<void> {
    const { device } = this.#gpu;
    const limit = device.limits.maxTextureDimension2D;
    const { COPY_DST, TEXTURE_BINDING, RENDER_ATTACHMENT } = TextureUsage;
    const usage = COPY_DST | TEXTURE_BINDING | RENDER_ATTACHMENT;
    for (const rect of rectsOf(rectOf(tensor), { height: limit, width: limit })) {
      const source = nearest(rect, this);
      const size = [source.width, source.height];
      const texture = await this.#gpu.checked('the picture', () =>
        device.createTexture({ label: 'picture', size, format: 'rgba8unorm', usage }),
      );
      try {
        await this.#upload(texture, source);
        const dispatch = imageIn(tensor, { rect, picture: this, corner: source, background: this.#background });
        await runSingleDispatch(this.#gpu, dispatch, [texture, { buffer }]);
      } finally {
        texture.destroy();
      }
    }
  }
}

/** The rectangle of the picture that `rect` shows; padding beyond the picture shows its last row or column. */
function nearest(rect: Rect, { height, width }: { readonly height: number; readonly width: number }): Rect {
  const y = Math.min(rect.y, height - 1);
  const x = Math.min(rect.x, width - 1);
  const shown = { y, x, height: rect.y + rect.height - y, width: rect.x + rect.width - x };
  return intersection({ y: 0, x: 0, height, width }, shown);
}

function bitmapSnapshot(gpu: Gpu, open: () => Promise<ImageBitmap>, background: Rgb): InputSnapshot {
  let opened: Promise<ImageBitmap> | undefined;
  let isDisposed = false;
  return {
    async stage() {
      opened = open();
      const bitmap = await opened;
      return new UploadedPicture(gpu, bitmap, background, (texture, rect) => uploadBitmap(gpu, bitmap, texture, rect));
    },
    dispose() {
      if (isDisposed) return;
      isDisposed = true;
      opened?.then((bitmap) => bitmap.close()).catch(() => undefined);
    },
  };
}

async function uploadBitmap(gpu: Gpu, source: ImageBitmap, texture: GPUTexture, rect: Rect): Promise<void> {
  try {
    await gpu.checked('the picture', () => {
      const target = { texture, colorSpace: 'srgb', premultipliedAlpha: false } as const;
      const { y, x, width, height } = rect;
      gpu.device.queue.copyExternalImageToTexture({ source, origin: [x, y] }, target, [width, height]);
    });
  } catch (cause) {
    if (cause instanceof DeviceError) throw cause;
    throw new InputError(
      'The image could not be copied to the GPU. An <img> or <video> from another origin needs ' +
        'crossorigin="anonymous" and a server that allows it.',
      { cause },
    );
  }
}

async function decodeFile(blob: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(blob, { premultiplyAlpha: 'none' });
  } catch (cause) {
    throw new InputError(
      `The file (${blob.type || 'unknown type'}, ${blob.size} bytes) is not a picture that this environment ` +
        'can decode. ' +
        'Convert it to PNG, JPEG or WebP.',
      { cause },
    );
  }
}

async function copyDrawn(image: DrawnPicture): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(image, { premultiplyAlpha: 'none' });
  } catch (cause) {
    throw new InputError(
      'The image could not be read. Wait until an <img> or <video> has loaded, and give an SVG a width and a height.',
      { cause },
    );
  }
}

/** A texture is copied at once if its usage has COPY_SRC; otherwise it is read at the call's turn. */
function textureSnapshot(gpu: Gpu, image: GPUTexture, background: Rgb): InputSnapshot {
  const { device } = gpu;
  const { width, height, format, usage } = image;
  let copy: Promise<GPUTexture> | undefined;
  if ((usage & TextureUsage.COPY_SRC) !== 0) {
    copy = gpu.checked('the texture', () => {
      const { COPY_DST, TEXTURE_BINDING } = TextureUsage;
      const size = [width, height];
      const made = device.createTexture({ label: 'picture', size, format, usage: COPY_DST | TEXTURE_BINDING });
      const encoder = device.createCommandEncoder({ label: 'picture' });
      encoder.copyTextureToTexture({ texture: image }, { texture: made }, size);
      device.queue.submit([encoder.finish()]);
      return made;
    });
    copy.catch(() => undefined);
  }
  return {
    async stage() {
      const texture = await readable(() => copy ?? Promise.resolve(image));
      return {
        n: 1,
        height,
        width,
        isPadded: true,
        async write({ tensor, buffer }) {
          const picture = { height, width };
          const dispatch = imageIn(tensor, { rect: rectOf(tensor), picture, corner: { y: 0, x: 0 }, background });
          await readable(() => runSingleDispatch(gpu, dispatch, [texture, { buffer }]));
        },
      };
    },
    dispose() {
      copy?.then((texture) => texture.destroy()).catch(() => undefined);
    },
  };
}

/** Turns the driver's refusal of a caller's texture into an InputError. */
async function readable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (!(cause instanceof DeviceError && cause.code === 'gpu')) throw cause;
    throw new InputError(
      'The GPUTexture could not be read. It must be on the same device as the model (ae.device), ' +
        'two-dimensional and without layers, ' +
        'of a float format such as rgba8unorm, made with TEXTURE_BINDING, and not yet destroyed.',
      { cause },
    );
  }
}
