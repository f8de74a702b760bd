/** Differences of two pictures in RGBA bytes, without a page or a GPU. */

/**
 * Peak signal-to-noise ratio in dB, over the 8-bit RGB of two pictures; infinite where they are the same.
 *
 * @param a - RGBA bytes
 * @param b - RGBA bytes, as many
 */
export function psnr(a: Uint8ClampedArray, b: Uint8ClampedArray): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 4) {
    for (let c = i; c < i + 3; c++) {
      const difference = (a[c] ?? 0) - (b[c] ?? 0);
      sum += difference * difference;
    }
  }
  const mse = sum / ((a.length / 4) * 3);
  return 10 * Math.log10((255 * 255) / mse);
}

/** The factor that makes differences visible. */
export const DIFFERENCE_GAIN = 6;

/** The amplified difference of two pictures for each channel; black where they are equal. */
export function difference(a: Uint8ClampedArray, b: Uint8ClampedArray, width: number, height: number): ImageData {
  const image = new ImageData(width, height);
  const { data } = image;
  for (let i = 0; i < data.length; i++) {
    data[i] = i % 4 === 3 ? 255 : DIFFERENCE_GAIN * Math.abs((a[i] ?? 0) - (b[i] ?? 0));
  }
  return image;
}
