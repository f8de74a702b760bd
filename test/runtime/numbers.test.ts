/**
 * Numbers, pixels and colours in every type that is taken become the same f32 numbers or sRGB bytes; other types are
 * InputErrors.
 */
import { describe, expect, it } from 'vitest';
import { runInNewContext } from 'node:vm';
import { InputError } from '../../src/errors.ts';
import { parseBackground } from '../../src/runtime/background.ts';
import { classNameOf, isBlob } from '../../src/brand.ts';
import { checkShape, copyNumbers, type Shape4 } from '../../src/runtime/numbers.ts';
import { copyPixels } from '../../src/runtime/pixels.ts';

const shape: Shape4 = [1, 1, 2, 2];
const values = [0, 0.5, -1, 2];
const F16 = [0x0000, 0x3800, 0xbc00, 0x4000];

/** A stand-in for Float16Array, which Node 20 lacks. */
const float16 = (numbers: readonly number[]) => Object.assign([...numbers], { [Symbol.toStringTag]: 'Float16Array' });

describe('numbers of a tensor', () => {
  const foreign = runInNewContext('new Float32Array([0, 0.5, -1, 2])') as Float32Array;
  it.each<[string, unknown]>([
    ['a Float32Array', Float32Array.from(values)],
    ['a Float64Array', Float64Array.from(values)],
    ['a Float16Array', float16(values)],
    ['a plain array', values],
    ['a Float32Array of another realm', foreign],
    ['an ArrayBuffer of f32', Float32Array.from(values).buffer],
    ['an ArrayBuffer of f16', Uint16Array.from(F16).buffer],
    ['a SharedArrayBuffer of f32', shared(Float32Array.from(values))],
    ['a DataView at an offset', offsetView(Float32Array.from(values))],
    ['a Uint8Array of f16 bytes', new Uint8Array(Uint16Array.from(F16).buffer)],
    ['a Buffer of Node', Buffer.from(Float32Array.from(values).buffer)],
  ])('%s is taken', (_, data) => {
    expect([...copyNumbers('latent', data, shape)]).toEqual(values);
  });

  it('a Float32Array of another realm is not an instance of this one, and is recognised', () => {
    expect(foreign).not.toBeInstanceOf(Float32Array);
    expect(classNameOf(foreign)).toBe('Float32Array');
    expect(isBlob(new File([], 'a'))).toBe(true);
    expect(isBlob({})).toBe(false);
  });

  it.each<[string, unknown, RegExp]>([
    ['Int32Array', Int32Array.from(values), /latent\.data must be a Float32Array.*it was of type Int32Array/],
    ['Uint16Array', Uint16Array.from(F16), /type Uint16Array.*hand in its buffer/],
    ['a string', '0,1', /it was 0,1/],
    ['undefined', undefined, /it was undefined/],
    ['null', null, /it was null/],
    ['an object', {}, /type Object/],
    ['too few numbers', [1, 2, 3], /must hold 4 numbers .* it holds 3/],
    ['bytes of another length', new ArrayBuffer(12), /16 bytes of f32 or 8 bytes of f16 .* it holds 12/],
    ['NaN', [0, NaN, 0, 0], /holds NaN at index 1/],
    ['infinity in f16', Uint16Array.from([0, 0x7c00, 0, 0]).buffer, /holds Infinity at index 1/],
    ['a double beyond f32', [0, 0, 1e39, 0], /holds 1e\+39 at index 2/],
    ['a hole', new Array(4), /holds undefined at index 0/],
    ['strings', ['0', '1', '2', '3'], /holds 0 at index 0/],
    ['a transferred buffer', transferred(), /it holds 0/],
  ])('%s: InputError', (_, data, message) => {
    const copy = () => copyNumbers('latent', data, shape);
    expect(copy).toThrow(InputError);
    expect(copy).toThrow(message);
  });

  it('are copied, and multiplied by a factor', () => {
    const data = Float32Array.from(values);
    const copy = copyNumbers('latent', data, shape, 2);
    data.fill(9);
    expect([...copy]).toEqual([0, 1, -2, 4]);
  });

  it('a shape may have fewer channels only where that is allowed', () => {
    expect(checkShape('latent', [1, 3, 2, 2], 8, true)).toEqual([1, 3, 2, 2]);
    expect(() => checkShape('latent', [1, 3, 2, 2], 8)).toThrow(/must have 8 channels/);
    expect(() => checkShape('latent', [1, 9, 2, 2], 8, true)).toThrow(/must have 1 to 8 channels/);
    expect(() => checkShape('latent', [1, 8, 2.5, 2], 8)).toThrow(/positive integers/);
  });
});

describe('pixels', () => {
  const one = (data: unknown, colorSpace?: unknown) => [
    ...copyPixels({ data, width: 1, height: 1, colorSpace } as Parameters<typeof copyPixels>[0]),
  ];

  it.each<[string, unknown, number[]]>([
    ['bytes', Uint8ClampedArray.of(1, 2, 3, 4), [1, 2, 3, 4]],
    ['unclamped bytes', Uint8Array.of(1, 2, 3, 4), [1, 2, 3, 4]],
    ['float16 values', float16([0.5, 0, 1, 1]), [128, 0, 255, 255]],
    ['float16 values beyond [0, 1]', float16([-1, 2, NaN, 1]), [0, 255, 0, 255]],
  ])('of %s', (_, data, bytes) => {
    expect(one(data)).toEqual(bytes);
  });

  it.each([
    Float32Array.of(1, 1, 1, 1),
    Float64Array.of(1, 1, 1, 1),
    Uint16Array.of(1, 1, 1, 1),
    Int8Array.of(1, 1, 1, 1),
    [1, 1, 1, 1],
  ])('of %o are an InputError', (data) => {
    expect(() => one(data)).toThrow(InputError);
    expect(() => one(data)).toThrow(/Uint8ClampedArray or Uint8Array.*Float16Array/);
  });

  it('of Display P3 are converted to sRGB as a canvas converts them', () => {
    // Chromium's canvas gives these bytes.
    expect(one(Uint8ClampedArray.of(92, 177, 77, 255), 'display-p3')).toEqual([50, 180, 60, 255].map(near(1)));
    expect(one(Uint8ClampedArray.of(255, 255, 255, 9), 'display-p3')).toEqual([255, 255, 255, 9]);
    expect(one(Uint8ClampedArray.of(0, 255, 0, 255), 'display-p3')).toEqual([0, 255, 0, 255]); // clipped
    for (let grey = 0; grey < 256; grey++) {
      const [r] = one(Uint8ClampedArray.of(grey, grey, grey, 255), 'display-p3');
      expect(Math.abs(r! - grey)).toBeLessThanOrEqual(1);
    }
    expect(one(float16([1, 1, 1, 1]), 'display-p3')).toEqual([255, 255, 255, 255]);
  });

  it('of an unknown colour space are an InputError', () => {
    expect(() => one(Uint8ClampedArray.of(1, 2, 3, 4), 'rec2020')).toThrow(/"srgb" or "display-p3"; it was "rec2020"/);
  });
});

describe('the option background', () => {
  it.each([
    [undefined, [1, 1, 1]],
    ['#000', [0, 0, 0]],
    ['#ff0080', [1, 0, 128 / 255]],
    [
      [255, 0, 51],
      [1, 0, 0.2],
    ],
  ] as const)('%o', (background, rgb) => {
    expect(parseBackground(background)).toEqual(rgb);
  });

  it.each([[[1, 2]], [[0, 0, 256]], [[0, NaN, 0]], ['#12'], [7], [null]])('%o is an InputError', (background) => {
    expect(() => parseBackground(background as never)).toThrow(InputError);
    expect(() => parseBackground(background as never)).toThrow(/options\.background must be an opaque colour/);
  });
});

function shared(values: Float32Array): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(values.byteLength);
  new Float32Array(buffer).set(values);
  return buffer;
}

function offsetView(values: Float32Array): DataView {
  const bytes = new Uint8Array(values.byteLength + 3);
  bytes.set(new Uint8Array(values.buffer), 3);
  return new DataView(bytes.buffer, 3);
}

function transferred(): ArrayBuffer {
  const buffer = new ArrayBuffer(16);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

/** Matches a number within `by`. */
function near(by: number): (value: number) => unknown {
  return (value) => expect.toSatisfy((found: number) => Math.abs(found - value) <= by, `${value} ± ${by}`);
}
