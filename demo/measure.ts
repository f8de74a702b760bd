/** Numbers and pictures made from pixels and latents. No GPU, no page. */

/**
 * Peak signal-to-noise ratio in dB, over the 8-bit RGB of two pictures.
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

/** Values further than this many standard deviations from their channel's mean are drawn black or white. */
const SPREAD = 3;

/**
 * A latent's channels as grey pictures, one below the other, each stretched to its own range.
 *
 * @param data - the latent, `[C, h, w]`
 */
export function latentSheet(data: Float32Array, channels: number, height: number, width: number): ImageData {
  const sheet = new ImageData(width, height * channels);
  const area = width * height;
  for (let c = 0; c < channels; c++) {
    const plane = data.subarray(c * area, (c + 1) * area);
    let sum = 0;
    let squares = 0;
    for (const value of plane) {
      sum += value;
      squares += value * value;
    }
    const mean = sum / area;
    const deviation = Math.sqrt(Math.max(squares / area - mean * mean, 1e-12));
    plane.forEach((value, i) => {
      const level = 127.5 + (127.5 / SPREAD) * ((value - mean) / deviation);
      sheet.data.fill(level, 4 * (c * area + i), 4 * (c * area + i) + 3);
      sheet.data[4 * (c * area + i) + 3] = 255;
    });
  }
  return sheet;
}
