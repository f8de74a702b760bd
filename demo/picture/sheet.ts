/** Pictures of a latent and of the bits that it takes. */

/** Standard deviations from a channel's mean at which its grey picture reaches black and white. */
const SPREAD = 3;

/**
 * Draws a latent's channels as grey pictures, one below the other, each stretched to its own range.
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

/**
 * Colours from no bits to most bits: black, violet, orange, pale yellow. Their lightness grows, so they can be read
 * without colour vision.
 */
const HEAT = [
  [8, 6, 20],
  [98, 24, 104],
  [226, 92, 46],
  [252, 244, 190],
] as const;

/**
 * Draws the bits of each position as colours.
 *
 * @param bits - `[h, w]`
 */
export function heatMap(bits: Float32Array, width: number, height: number): ImageData {
  const image = new ImageData(width, height);
  const most = bits.reduce((a, b) => Math.max(a, b), 1e-9);
  bits.forEach((value, i) => {
    const at = Math.max(0, value / most) * (HEAT.length - 1);
    const low = HEAT[Math.min(Math.floor(at), HEAT.length - 2)] ?? HEAT[0];
    const high = HEAT[Math.min(Math.floor(at) + 1, HEAT.length - 1)] ?? HEAT[0];
    const share = at - Math.min(Math.floor(at), HEAT.length - 2);
    for (const c of [0, 1, 2] as const) image.data[4 * i + c] = low[c] + share * (high[c] - low[c]);
    image.data[4 * i + 3] = 255;
  });
  return image;
}
