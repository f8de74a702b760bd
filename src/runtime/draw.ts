import { InputError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { TextureUsage } from '../gpu/usage.ts';
import type { Rect } from '../graph/rects.ts';
import { imageOut } from '../kernels/image.ts';
import { rectsOf } from '../plan/grid.ts';
import { readBack, submitCommands } from '../gpu/submit.ts';
import { runSingleDispatch } from '../session/single_dispatch.ts';
import type { Band } from './bands.ts';

/** A picture of a batch, cropped to its size. */
export interface DrawablePicture {
  readonly bands: readonly Band[];
  /** The picture's index in the batch. */
  readonly index: number;
  readonly height: number;
  readonly width: number;
}

/** A rectangle of a picture in a texture of its own. */
interface Piece {
  readonly texture: GPUTexture;
  readonly rect: Rect;
}

const BYTES_PER_PIXEL = 4;
/** WebGPU's alignment of rows in a copy from a texture to a buffer. */
const ROW_ALIGNMENT_BYTES = 256;

/**
 * Reads a picture as 8-bit RGBA, clamped.
 *
 * @throws DeviceError if the GPU is out of memory or lost
 */
export async function readPixels(
  gpu: Gpu,
  picture: DrawablePicture,
): Promise<{ data: Uint8ClampedArray<ArrayBuffer>; width: number; height: number }> {
  const { width, height } = picture;
  const data = new Uint8ClampedArray(BYTES_PER_PIXEL * width * height);
  for (const piece of piecesOf(gpu, picture)) {
    const { texture, rect } = await renderPiece(gpu, picture, piece);
    try {
      const rowBytes = BYTES_PER_PIXEL * rect.width;
      const bytesPerRow = Math.ceil(rowBytes / ROW_ALIGNMENT_BYTES) * ROW_ALIGNMENT_BYTES;
      const bytes = new Uint8Array(
        await readBack(gpu, bytesPerRow * rect.height, (encoder, buffer) => {
          encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow }, [rect.width, rect.height]);
        }),
      );
      for (let y = 0; y < rect.height; y++) {
        const row = bytes.subarray(y * bytesPerRow, y * bytesPerRow + rowBytes);
        data.set(row, BYTES_PER_PIXEL * (width * (rect.y + y) + rect.x));
      }
    } finally {
      texture.destroy();
    }
  }
  return { data, width, height };
}

/**
 * Draws a picture on a canvas, which takes the picture's size.
 *
 * @throws InputError if the canvas cannot show it; DeviceError if the GPU is out of memory or lost
 */
export async function drawPicture(
  gpu: Gpu,
  picture: DrawablePicture,
  canvas: HTMLCanvasElement | OffscreenCanvas,
): Promise<void> {
  const given: unknown = canvas;
  if (typeof given !== 'object' || given === null || !('getContext' in given)) {
    throw new InputError(`drawTo needs an HTMLCanvasElement or an OffscreenCanvas; it was given ${String(given)}.`);
  }
  const { width, height } = picture;
  const isTooLarge = Math.max(width, height) > gpu.device.limits.maxTextureDimension2D;
  // Chromium loses its GPU process over a WebGPU canvas on a software adapter (seen in 156).
  const prefersFlat = isTooLarge || gpu.software;
  const flat = prefersFlat ? canvas.getContext('2d') : null;
  const context = flat || isTooLarge ? null : canvas.getContext('webgpu');
  if (context) {
    await drawOnGpu(gpu, picture, canvas, context);
    return;
  }
  const target = flat ?? canvas.getContext('2d');
  if (!target || !('putImageData' in target)) {
    throw new InputError(
      isTooLarge
        ? `The picture is ${width} x ${height} pixels, more than a texture of this device holds. drawTo ` +
            'needs a canvas with no context yet or a "2d" one.'
        : 'drawTo needs a canvas with no context yet, a "webgpu" or a "2d" one.',
    );
  }
  const { data } = await readPixels(gpu, picture);
  canvas.width = width;
  canvas.height = height;
  target.putImageData(new ImageData(data, width, height), 0, 0);
}

async function drawOnGpu(
  gpu: Gpu,
  picture: DrawablePicture,
  canvas: HTMLCanvasElement | OffscreenCanvas,
  context: GPUCanvasContext,
): Promise<void> {
  const { device } = gpu;
  const pieces: Piece[] = [];
  try {
    for (const piece of piecesOf(gpu, picture)) pieces.push(await renderPiece(gpu, picture, piece));
    // The canvas's texture expires with this task: nothing is awaited before the submit.
    await submitCommands(gpu, 'drawing', (encoder) => {
      canvas.width = picture.width;
      canvas.height = picture.height;
      context.configure({ device, format: 'rgba8unorm', usage: TextureUsage.COPY_DST, alphaMode: 'opaque' });
      const target = context.getCurrentTexture();
      for (const { texture, rect } of pieces) {
        const { x, y, width, height } = rect;
        encoder.copyTextureToTexture({ texture }, { texture: target, origin: [x, y] }, [width, height]);
      }
    });
  } finally {
    for (const { texture } of pieces) texture.destroy();
  }
}

/** A rectangle of the picture within one band. */
interface BandRect {
  readonly band: Band;
  /** Counts from the picture's first pixel. */
  readonly rect: Rect;
}

/** Cuts a picture into rectangles of one band each, none larger than a texture. */
function piecesOf(gpu: Gpu, { bands, height, width }: DrawablePicture): BandRect[] {
  const limit = gpu.device.limits.maxTextureDimension2D;
  return bands.flatMap((band) => {
    const { y } = band.tensor.origin;
    const rows = Math.min(band.tensor.height, height - y);
    if (rows <= 0) return [];
    const shown = { y, x: 0, height: rows, width };
    return rectsOf(shown, { height: limit, width: limit }).map((rect) => ({ band, rect }));
  });
}

async function renderPiece(gpu: Gpu, { index }: DrawablePicture, { band, rect }: BandRect): Promise<Piece> {
  const { tensor, buffer } = band;
  const texture = await gpu.checked('the picture', () =>
    gpu.device.createTexture({
      label: 'decoded picture',
      size: [rect.width, rect.height],
      format: 'rgba8unorm',
      usage: TextureUsage.STORAGE_BINDING | TextureUsage.COPY_SRC,
    }),
  );
  try {
    const dispatch = imageOut(tensor, index, { ...rect, y: rect.y - tensor.origin.y });
    await runSingleDispatch(gpu, dispatch, [{ buffer }, texture]);
    return { texture, rect };
  } catch (error) {
    texture.destroy();
    throw error;
  }
}
