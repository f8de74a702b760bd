/** Measures of pictures, on plain arrays of RGBA bytes. */

/**
 * Returns the peak signal-to-noise ratio in dB, over the 8-bit RGB of two pictures; Infinity if they are identical.
 *
 * @param a - RGBA bytes
 * @param b - RGBA bytes of the same length
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

/** Amplifies differences, so that they can be seen. */
export const DIFFERENCE_GAIN = 6;

/** Draws the amplified difference of two pictures in each colour; black where they are the same. */
export function difference(a: Uint8ClampedArray, b: Uint8ClampedArray, width: number, height: number): ImageData {
  const image = new ImageData(width, height);
  const { data } = image;
  for (let i = 0; i < data.length; i++) {
    data[i] = i % 4 === 3 ? 255 : DIFFERENCE_GAIN * Math.abs((a[i] ?? 0) - (b[i] ?? 0));
  }
  return image;
}

/** Returns whether no pixel is transparent. */
export function isOpaque(data: Uint8ClampedArray): boolean {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return false;
  return true;
}
