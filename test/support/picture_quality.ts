// Distances between two images, as the literature defines them.

/** 8-bit RGB or RGBA, rows from the top. */
export interface Rgb {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  /** Bytes for each pixel: 3 or 4. */
  readonly bytes: number;
}

/** Peak signal-to-noise ratio over the three colours, in dB. */
export function psnr(a: Rgb, b: Rgb): number {
  let sum = 0;
  const pixels = a.width * a.height;
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) sum += (a.data[i * a.bytes + c]! - b.data[i * b.bytes + c]!) ** 2;
  }
  return 10 * Math.log10((255 * 255 * 3 * pixels) / sum);
}

/** Mean structural similarity of the luma (Wang et al. 2004: Gaussian window of 11 × 11, σ 1.5, no padding). */
export function ssim(a: Rgb, b: Rgb): number {
  const { width, height } = a;
  const [x, y] = [luma(a), luma(b)];
  const blurred = [x, y, product(x, x), product(y, y), product(x, y)].map((plane) => blur(plane, width, height));
  const [mx, my, xx, yy, xy] = blurred as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
  const [c1, c2] = [(0.01 * 255) ** 2, (0.03 * 255) ** 2];
  let sum = 0;
  for (let i = 0; i < mx.length; i++) {
    const [u, v] = [mx[i]!, my[i]!];
    const [uu, vv, uv] = [xx[i]! - u * u, yy[i]! - v * v, xy[i]! - u * v];
    sum += ((2 * u * v + c1) * (2 * uv + c2)) / ((u * u + v * v + c1) * (uu + vv + c2));
  }
  return sum / mx.length;
}

function luma({ data, width, height, bytes }: Rgb): Float64Array {
  return Float64Array.from({ length: width * height }, (_, i) => {
    const at = i * bytes;
    return 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
  });
}

function product(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value * b[i]!);
}

/** The window's weighted mean at every place where it fits. */
function blur(plane: Float64Array, width: number, height: number): Float64Array {
  const raw = Array.from({ length: 11 }, (_, i) => Math.exp(-((i - 5) ** 2) / (2 * 1.5 ** 2)));
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  const weights = raw.map((weight) => weight / total);
  const [w, h] = [width - 10, height - 10];
  const across = new Float64Array(w * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < w; x++) {
      let sum = 0;
      for (let k = 0; k < 11; k++) sum += weights[k]! * plane[y * width + x + k]!;
      across[y * w + x] = sum;
    }
  }
  const down = new Float64Array(w * h);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      let sum = 0;
      for (let k = 0; k < 11; k++) sum += weights[k]! * across[(y + k) * w + x]!;
      down[y * w + x] = sum;
    }
  }
  return down;
}
