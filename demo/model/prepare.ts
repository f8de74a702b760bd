/** A picture's pixels as the model will see them. */
import { DcAeError, type AutoencoderDC } from 'dc-ae-webgpu';

/** A larger picture is made smaller first: on a CPU so that it takes seconds, not minutes; on a GPU so that it fits. */
const MAX_PIXELS = { software: 512 * 512, gpu: 2048 * 2048 };
/** What the buffers of one half may take. */
const MAX_BYTES = 2 ** 30;

/** The pixels on white, made smaller where this device asks for it. The bitmap is closed. */
export function prepare(picture: ImageBitmap, ae: AutoencoderDC, software: boolean): ImageData {
  let { width, height } = picture;
  const limit = software ? MAX_PIXELS.software : MAX_PIXELS.gpu;
  const shrink = (factor: number): void => {
    width = Math.max(1, Math.round(width * factor));
    height = Math.max(1, Math.round(height * factor));
  };
  if (width * height > limit) shrink(Math.sqrt(limit / (width * height)));
  while (width * height > 4096 && !fits(width, height, ae)) shrink(0.85);
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw new DcAeError('input', 'This browser gave no canvas to read the picture with.');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, width, height);
  picture.close();
  return context.getImageData(0, 0, width, height);
}

function fits(width: number, height: number, ae: AutoencoderDC): boolean {
  const ratio = ae.spatialCompressionRatio;
  const latent = { n: 1, width: Math.ceil(width / ratio), height: Math.ceil(height / ratio) };
  const image = { n: 1, width: latent.width * ratio, height: latent.height * ratio };
  try {
    return ae.plan('encoder', image).peakBytes + ae.plan('decoder', latent).peakBytes <= MAX_BYTES;
  } catch (error) {
    if (error instanceof DcAeError && error.code === 'limits') return false;
    throw error;
  }
}
