/** Structural similarity (SSIM) of two pictures, with the constants of Wang, Bovik, Sheikh and Simoncelli 2004. */

const WINDOW = 11;
const SIGMA = 1.5;
const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;
/** Weighted sums over the window: a, b, a², b² and ab. */
const SUMS = 5;

/**
 * Returns the mean SSIM of the luma (Rec. 601) of two pictures, over every position of an 11 × 11 Gaussian window. The
 * window is smaller for a picture that is smaller.
 *
 * @param a - RGBA bytes, `width * height` pixels
 * @param b - RGBA bytes of the same length
 */
export function ssim(a: Uint8ClampedArray, b: Uint8ClampedArray, width: number, height: number): number {
  const taps = gaussian(Math.min(WINDOW, width, height));
  const size = taps.length;
  const across = width - size + 1;
  const down = height - size + 1;
  // A ring of the last rows, filtered horizontally: five sums for each pixel.
  const rows = Array.from({ length: size }, () => new Float64Array(across * SUMS));
  const lumaA = new Float64Array(width);
  const lumaB = new Float64Array(width);
  const sums = new Float64Array(SUMS);
  let total = 0;
  for (let y = 0; y < height; y++) {
    const row = rows[y % size];
    if (!row) continue;
    luma(a, y, lumaA);
    luma(b, y, lumaB);
    filterAcross(lumaA, lumaB, taps, row);
    if (y < size - 1) continue;
    for (let x = 0; x < across; x++) {
      sums.fill(0);
      for (let t = 0; t < size; t++) {
        const tap = taps[t] ?? 0;
        const above = rows[(y + 1 + t) % size];
        for (let s = 0; s < SUMS; s++) sums[s] = (sums[s] ?? 0) + tap * (above?.[x * SUMS + s] ?? 0);
      }
      total += similarity(sums);
    }
  }
  return total / (across * down);
}

function similarity(sums: Float64Array): number {
  const [meanA = 0, meanB = 0, squareA = 0, squareB = 0, product = 0] = sums;
  const varianceA = squareA - meanA * meanA;
  const varianceB = squareB - meanB * meanB;
  const covariance = product - meanA * meanB;
  return (
    ((2 * meanA * meanB + C1) * (2 * covariance + C2)) /
    ((meanA * meanA + meanB * meanB + C1) * (varianceA + varianceB + C2))
  );
}

function filterAcross(a: Float64Array, b: Float64Array, taps: Float64Array, out: Float64Array): void {
  const across = a.length - taps.length + 1;
  for (let x = 0; x < across; x++) {
    let sumA = 0;
    let sumB = 0;
    let sumAA = 0;
    let sumBB = 0;
    let sumAB = 0;
    for (let t = 0; t < taps.length; t++) {
      const tap = taps[t] ?? 0;
      const p = a[x + t] ?? 0;
      const q = b[x + t] ?? 0;
      sumA += tap * p;
      sumB += tap * q;
      sumAA += tap * p * p;
      sumBB += tap * q * q;
      sumAB += tap * p * q;
    }
    const at = x * SUMS;
    out[at] = sumA;
    out[at + 1] = sumB;
    out[at + 2] = sumAA;
    out[at + 3] = sumBB;
    out[at + 4] = sumAB;
  }
}

function luma(picture: Uint8ClampedArray, y: number, out: Float64Array): void {
  const start = 4 * y * out.length;
  for (let x = 0; x < out.length; x++) {
    const i = start + 4 * x;
    out[x] = 0.299 * (picture[i] ?? 0) + 0.587 * (picture[i + 1] ?? 0) + 0.114 * (picture[i + 2] ?? 0);
  }
}

function gaussian(size: number): Float64Array {
  const taps = Float64Array.from({ length: size }, (_, i) =>
    Math.exp(-((i - (size - 1) / 2) ** 2) / (2 * SIGMA * SIGMA)),
  );
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => tap / sum);
}
