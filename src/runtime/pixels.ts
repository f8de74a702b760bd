import { InputError } from '../errors.ts';
import { classNameOf } from '../brand.ts';
import type { PixelInput } from './image.ts';

/** Steps of the table that encodes linear light; 2 ** 14 keep its error below half a byte. */
const TABLE_STEPS = 2 ** 14;

/** Linear Display P3 to linear sRGB, row by row: https://www.w3.org/TR/css-color-4/#color-conversion-code */
const P3_TO_SRGB = [
  [1.2249401762805598, -0.2249401762805597, 0],
  [-0.0420569547096881, 1.042056954709688, 0],
  [-0.0196375545903344, -0.0786360455506319, 1.0982736001409663],
] as const;

/**
 * Copies pixels as sRGB bytes with straight alpha.
 *
 * @throws InputError if the data's type, length or colour space is not supported
 */
export function copyPixels({ data, width, height, colorSpace = 'srgb' }: PixelInput): Uint8Array<ArrayBuffer> {
  const given: unknown = data;
  const type = classNameOf(given);
  if (!isPixelData(given, type)) {
    throw new InputError(
      'image.data must be a Uint8ClampedArray or Uint8Array of RGBA bytes, or a Float16Array of RGBA in [0, ' +
        `1]; it was of type ${type}.`,
    );
  }
  if (given.length !== 4 * width * height) {
    throw new InputError(
      `image.data must hold ${4 * width * height} RGBA values for ${width} x ${height}; it holds ${given.length}.`,
    );
  }
  const bytes = type === 'Float16Array' ? toBytes(given) : new Uint8Array(given);
  switch (colorSpace) {
    case 'srgb':
      return bytes;
    case 'display-p3':
      return p3ToSrgb(given, type === 'Float16Array' ? decodeSrgb : byteToLight(), bytes);
    default:
      throw new InputError(
        `image.colorSpace must be "srgb" or "display-p3"; it was "${String(colorSpace)}". Draw the image on ` +
          'a canvas first.',
      );
  }
}

function isPixelData(data: unknown, type: string): data is ArrayLike<number> {
  return ['Uint8ClampedArray', 'Uint8Array', 'Float16Array'].includes(type) && data !== null;
}

/** Clamps and rounds values of [0, 1] to bytes; NaN becomes 0. */
function toBytes(values: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.round(clamp(values[i] ?? 0) * 255);
  return bytes;
}

/**
 * Replaces the colours of `bytes` by sRGB ones.
 *
 * @param values - Display P3 values
 * @param light - converts a value to linear light
 */
function p3ToSrgb(
  values: ArrayLike<number>,
  light: (value: number) => number,
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const encoded = new Uint8Array(TABLE_STEPS + 1);
  // Square roots of light spread the table's steps more evenly over bytes than light does.
  for (let i = 0; i <= TABLE_STEPS; i++) encoded[i] = Math.round(255 * encodeSrgb((i / TABLE_STEPS) ** 2));
  for (let i = 0; i < bytes.length; i += 4) {
    const [r, g, b] = [light(values[i] ?? 0), light(values[i + 1] ?? 0), light(values[i + 2] ?? 0)];
    for (const [c, [fromR, fromG, fromB]] of P3_TO_SRGB.entries()) {
      const value = clamp(fromR * r + fromG * g + fromB * b);
      bytes[i + c] = encoded[Math.round(Math.sqrt(value) * TABLE_STEPS)] ?? 0;
    }
  }
  return bytes;
}

/** `decodeSrgb` of bytes, by a table. */
function byteToLight(): (byte: number) => number {
  const table = Float64Array.from({ length: 256 }, (_, byte) => decodeSrgb(byte / 255));
  return (byte) => table[byte] ?? 0;
}

/**
 * sRGB's transfer function, which Display P3 shares: encoded value to linear light. Odd, for values of extended range.
 */
function decodeSrgb(value: number): number {
  const size = Math.abs(value);
  const light = size <= 0.04045 ? size / 12.92 : ((size + 0.055) / 1.055) ** 2.4;
  return value < 0 ? -light : light;
}

function encodeSrgb(light: number): number {
  return light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055;
}

function clamp(value: number): number {
  return value > 0 ? Math.min(value, 1) : 0; // NaN becomes 0
}
