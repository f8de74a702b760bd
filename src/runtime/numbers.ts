import { InputError } from '../errors.ts';
import { classNameOf } from '../brand.ts';

/**
 * Raw numbers. `data` lies in the order of `shape`, `[N, C, H, W]` as in diffusers.
 *
 * Images have values in [-1, 1]. Values beyond are not clamped: the network computes with them, as diffusers does.
 */
export interface TensorInput {
  readonly data: TensorData;
  readonly shape: readonly number[];
}

/**
 * Numbers of a tensor: a Float32Array, Float16Array, Float64Array or plain array; or raw bytes (ArrayBuffer, DataView,
 * Uint8Array) that hold little-endian f32 or, at half the length, f16.
 */
export type TensorData = ArrayLike<number> | ArrayBuffer | DataView;

const ACCEPTED =
  'a Float32Array, Float16Array, Float64Array, an array of numbers, or an ArrayBuffer, DataView or ' +
  'Uint8Array of f32 or f16 bytes';

/** The four sides of a tensor. */
export type Shape4 = readonly [n: number, channels: number, height: number, width: number];

/**
 * Checks a tensor's shape against the number of channels that the model takes.
 *
 * @param what - the argument's name for messages
 * @param canHaveFewer - whether fewer channels are allowed
 * @throws InputError if the shape is invalid
 */
export function checkShape(what: string, shape: readonly number[], channels: number, canHaveFewer = false): Shape4 {
  const [n, c, height, width] = shape;
  const shown = `[${shape.join(', ')}]`;
  if (
    shape.length !== 4 ||
    n === undefined ||
    c === undefined ||
    height === undefined ||
    width === undefined ||
    !shape.every((side) => Number.isSafeInteger(side) && side > 0)
  ) {
    throw new InputError(`${what}.shape must be [N, ${channels}, H, W] of positive integers; it was ${shown}.`);
  }
  if (c === channels || (canHaveFewer && c < channels)) return [n, c, height, width];
  const allowed = canHaveFewer ? `1 to ${channels}` : String(channels);
  throw new InputError(
    `${what}.shape must have ${allowed} channels, as the checkpoint's config says; it was ${shown}.`,
  );
}

/**
 * Copies a tensor's numbers, converted to f32.
 *
 * @param what - the argument's name for messages
 * @param factor - multiplies every number
 * @throws InputError if the type is unknown, the count does not match the shape, or a number is not finite
 */
export function copyNumbers(what: string, data: unknown, shape: Shape4, factor = 1): Float32Array<ArrayBuffer> {
  const count = shape.reduce((product, side) => product * side, 1);
  const given = numbersOf(what, data, count);
  if (given.length !== count) {
    throw new InputError(
      `${what}.data must hold ${count} numbers for its shape [${shape.join(', ')}]; it holds ${given.length}.`,
    );
  }
  const numbers = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const value = given[i];
    numbers[i] = typeof value === 'number' ? value * factor : NaN;
    if (!Number.isFinite(numbers[i])) {
      throw new InputError(
        `${what}.data holds ${String(value)} at index ${i}; all values must be finite numbers in f32's range.`,
      );
    }
  }
  return numbers;
}

function numbersOf(what: string, data: unknown, count: number): ArrayLike<unknown> {
  const type = classNameOf(data);
  if (isArrayLike(data) && ['Float32Array', 'Float16Array', 'Float64Array', 'Array'].includes(type)) return data;
  const bytes = bytesOf(data, type);
  if (!bytes) {
    const remedy = ArrayBuffer.isView(data) ? ' If it holds f16 bits, hand in its buffer.' : '';
    throw new InputError(`${what}.data must be ${ACCEPTED}; it was ${describe(data, type)}.${remedy}`);
  }
  const size = bytes.byteLength;
  if (size === 4 * count) return Float32Array.from({ length: count }, (_, i) => bytes.getFloat32(4 * i, true));
  if (size === 2 * count) return Float32Array.from({ length: count }, (_, i) => fromF16(bytes.getUint16(2 * i, true)));
  throw new InputError(
    `${what}.data must hold ${4 * count} bytes of f32 or ${2 * count} bytes of f16 for its shape; it holds ${size}.`,
  );
}

function bytesOf(data: unknown, type: string): DataView | undefined {
  if (type === 'ArrayBuffer' || type === 'SharedArrayBuffer') {
    const buffer = data as ArrayBuffer;
    return new DataView(buffer.byteLength > 0 ? buffer : new ArrayBuffer(0)); // a transferred buffer has no view
  }
  if (!ArrayBuffer.isView(data) || !['DataView', 'Uint8Array'].includes(type)) return undefined;
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}

function describe(data: unknown, type: string): string {
  return typeof data === 'object' && data !== null ? `of type ${type}` : String(data);
}

function isArrayLike(data: unknown): data is ArrayLike<unknown> {
  return typeof data === 'object' && data !== null && 'length' in data;
}

/** The number that these 16 bits encode (IEEE 754 binary16). */
function fromF16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}
