/** A picture's pixels as the model will see them. */
import { DcAeError } from 'dc-ae-webgpu';

/**
 * A larger picture is made smaller first on a CPU, so that it takes seconds and not minutes. A GPU takes any: region by
 * region.
 */
const MAX_PIXELS = 512 * 512;

/** The pixels on white, made smaller where this device asks for it. The bitmap is closed. */
export function prepare(picture: ImageBitmap, software: boolean): ImageData {
  let { width, height } = picture;
  const shrink = Math.min(1, Math.sqrt(MAX_PIXELS / (width * height)));
  if (software && shrink < 1) {
    width = Math.max(1, Math.round(width * shrink));
    height = Math.max(1, Math.round(height * shrink));
  }
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw new DcAeError('input', 'This browser gave no canvas to read the picture with.');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, width, height);
  picture.close();
  return context.getImageData(0, 0, width, height);
}
