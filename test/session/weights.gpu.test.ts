// Packed weights equal the checkpoint's bits in the order that kernels read, for any binding limit and any chunks.
import { describe, expect, test } from 'vitest';
import { channelsOf } from '../../src/graph/tensor.ts';
import { denseWeight, weightSlices, type WeightType } from '../../src/graph/weights.ts';
import type { RawType } from '../../src/kernels/pack.ts';
import { attention, dcUpBlock2d, resBlock } from '../../src/model/blocks.ts';
import { conv2d, norm } from '../../src/model/layers.ts';
import { fileGpu } from '../support/device.ts';
import { firstDifference } from '../support/fixtures.ts';
import { fromBfloat16, f16Bits, f16Value, roundToF16, toBfloat16, toHalf } from '../support/f16.ts';
import { randomTensor, randomWeights } from '../support/meets.ts';
import { runModule, type Build, type RawWeight, type RunModuleOptions } from '../support/run_module.ts';

const shared = fileGpu();
const DTYPES = ['f32', 'f16'] as const;

describe('slices and windows change no bit', () => {
  interface Case {
    readonly name: string;
    readonly module: object;
    readonly build: Build;
    readonly channels: number;
    /** Bytes of a binding that part the weights: stored in f32, and in f16. */
    readonly bindings: readonly [number, number];
  }
  const wide = conv2d('conv', 20, 300);
  const up = dcUpBlock2d('up', 12, 75, false, true);
  // heads of 5 channels: quads that are partly padding, three tensors in one weight
  const attn = attention('attn', 150, 5, [], 'rms_norm');
  const depthwise = conv2d('conv', 300, 300, { kernel: 5, groups: 300 });
  const block = resBlock('block', 40, 'batch_norm', 'silu');
  const cases: Case[] = [
    { name: 'convolution', module: wide, build: (b, x) => b.conv(wide, x), channels: 20, bindings: [100_000, 50_000] },
    { name: 'pixel-shuffle', module: up, build: (b, x) => b.up(up, x), channels: 12, bindings: [100_000, 50_000] },
    {
      name: 'attention',
      module: attn,
      build: (b, x) => b.attention(attn, x),
      channels: 150,
      bindings: [125_000, 62_500],
    },
    {
      name: 'depthwise',
      module: depthwise,
      build: (b, x) => b.depthwise(depthwise, x),
      channels: 300,
      bindings: [40_000, 40_000],
    },
    {
      name: 'ResBlock',
      module: block,
      build: (b, x) => b.resBlock(block, x),
      channels: 40,
      bindings: [100_000, 50_000],
    },
  ];

  test('the binding limits below do cause slices', () => {
    const spec = denseWeight([wide], channelsOf(20));
    expect(weightSlices(spec, 'f32', 100_000).length).toBeGreaterThan(1);
    expect(weightSlices(spec, 'f16', 50_000).length).toBeGreaterThan(1);
  });

  test.for(cases.map((value) => [value.name, value] as const))(
    '%s',
    async ([, { module, build, channels, bindings }]) => {
      const input = randomTensor('input', [1, channels, 3, 5]);
      const weights = randomWeights(module);
      const run = async (given: ReadonlyMap<string, RawWeight>, options: RunModuleOptions) =>
        (await runModule(shared.gpu, build, input, given, options)).data;
      for (const [i, dtype] of DTYPES.entries()) {
        const whole = await run(weights, { dtype });
        const binding = bindings[i]!;
        expect(firstDifference(await run(weights, { dtype, binding }), whole), 'slices').toBeUndefined();
        for (const chunk of [40, 1000, 30_000]) {
          const pieces = await run(weights, { dtype, binding, chunk });
          expect(firstDifference(pieces, whole), `pieces of ${chunk} bytes`).toBeUndefined();
        }
        const reversed = new Map([...weights].reverse());
        const otherOrder = await run(reversed, { dtype, binding, chunk: 1000 });
        expect(firstDifference(otherOrder, whole), 'another order of tensors').toBeUndefined();
        // twice the bytes: even a depthwise weight, which is never sliced, then comes in windows
        const doubled = new Map([...weights].map(([key, { shape, data }]) => [key, asRaw('F64', shape, data)]));
        expect(firstDifference(await run(doubled, { dtype, binding, chunk: 1000 }), whole), 'f64').toBeUndefined();
      }
    },
  );
});

/** A weight as a checkpoint of this dtype has it. */
function asRaw(dtype: RawType, shape: readonly number[], values: Float32Array): RawWeight {
  const convert = {
    F32: () => values,
    F16: () => toHalf(values),
    BF16: () => toBfloat16(values),
    F64: () => Float64Array.from(values),
  };
  return { dtype, shape, data: convert[dtype]() };
}

describe('a weight is read as', () => {
  /** The packed weights themselves: a convolution of a single pixel of 1. */
  async function readBack(raw: RawWeight, dtype: WeightType): Promise<number[]> {
    const [rows = 0] = raw.shape;
    const conv = conv2d('conv', 1, rows, { kernel: 1, bias: false });
    const input = { shape: [1, 1, 1, 1], data: Float32Array.of(1) };
    const { data } = await runModule(shared.gpu, (b, x) => b.conv(conv, x), input, new Map([['conv.weight', raw]]), {
      dtype,
    });
    return [...data];
  }
  /** A value in f16 storage: the nearest f16 number, or the largest one for values beyond. */
  const stored = (dtype: WeightType) => (value: number) =>
    dtype === 'f32' ? Math.fround(value) : f16Value(f16Bits(Math.min(Math.max(value, -65504), 65504)));
  const shapeOf = (values: ArrayLike<number>) => [values.length, 1, 1, 1];
  // + 0: a product with zero is 0 whichever its sign
  const numbers = (values: Iterable<number>) => Array.from(values, (value) => value + 0);

  test.for(DTYPES)('F32, stored as %s', async (dtype) => {
    const values = Float32Array.of(0, 1, -1, 0.1, -3.14159, 65504, 65519, 1e6, -1e6, 2 ** -14, 1e-5, 1 + 2 ** -11, 5);
    const result = await readBack({ shape: shapeOf(values), data: values }, dtype);
    expect(numbers(result)).toEqual(numbers(Array.from(values, stored(dtype))));
  });

  test.for(DTYPES)('F16, stored as %s', async (dtype) => {
    // every exponent, subnormals too
    const bits = Uint16Array.from({ length: 62 }, (_, i) => ((i % 31) << 10) | (i >= 31 ? 0x8155 : 0x02aa));
    const result = await readBack({ dtype: 'F16', shape: shapeOf(bits), data: bits }, dtype);
    expect(numbers(result)).toEqual(numbers(Array.from(bits, f16Value)));
  });

  test.for(DTYPES)('BF16, stored as %s', async (dtype) => {
    const values = Float32Array.of(0, 1, -1, 0.1, -3.14159, 65504, 3e38, -3e38, 1e-4, 7);
    const bits = toBfloat16(values);
    const result = await readBack({ dtype: 'BF16', shape: shapeOf(bits), data: bits }, dtype);
    expect(numbers(result)).toEqual(numbers(Array.from(fromBfloat16(bits), stored(dtype))));
  });

  test('F64, rounded to the nearest f32, ties to even', async () => {
    const ulp = 2 ** -23;
    const values = Float64Array.of(
      ...[0, 1, -1, 0.1, -Math.PI, 1e30, -1e-30, 3.4e38],
      ...[1 + ulp / 2, 1 + (3 * ulp) / 2, 1 + ulp / 2 + 2 ** -50, 1 + ulp / 2 - 2 ** -50],
      ...[2 - ulp / 4, 2 - 2 ** -52, -(2 ** 100) * (1 + ulp / 2), 2 ** -126, 123456789.123],
    );
    const result = await readBack({ dtype: 'F64', shape: shapeOf(values), data: values }, 'f32');
    expect(numbers(result)).toEqual(numbers(Array.from(values, Math.fround)));
  });

  test.for(['F32', 'F16', 'BF16', 'F64'] as const)('%s: biases and norms alike', async (raw) => {
    const channels = 9;
    const layer = norm('batch_norm', 'norm', channels);
    const conv = conv2d('conv', channels, channels);
    const weights = randomWeights({ layer, conv });
    const build: Build = (b, x) => b.norm(layer, b.conv(conv, x));
    const input = randomTensor('input', [1, channels, 3, 2]);
    const recoded = [...weights].map(([key, { shape, data }]) => [key, asRaw(raw, shape, data)] as const);
    const exact = recoded.map(([key, { shape, data }]) => [key, { shape, data: decoded(raw, data) }] as const);
    const { data } = await runModule(shared.gpu, build, input, new Map(recoded));
    expect(data).toEqual((await runModule(shared.gpu, build, input, new Map(exact))).data);
  });

  function decoded(raw: RawType, data: ArrayBufferView): Float32Array<ArrayBuffer> {
    if (raw === 'F16') return Float32Array.from(data as Uint16Array, f16Value);
    if (raw === 'BF16') return fromBfloat16(data as Uint16Array);
    return Float32Array.from(data as Float32Array | Float64Array);
  }
});

test('f16 storage is f32 storage of rounded weights, vectors kept', async () => {
  const block = resBlock('block', 9, 'rms_norm', 'silu');
  const weights = new Map(
    [...randomWeights(block)].map(([key, { shape }]) => [key, randomTensor(`${key} unrounded`, shape)]),
  );
  const rounded = new Map(
    [...weights].map(([key, { shape, data }]) => [key, { shape, data: shape.length > 1 ? roundToF16(data) : data }]),
  );
  const input = randomTensor('input', [1, 9, 4, 4]);
  const build: Build = (b, x) => b.resBlock(block, x);
  const f16 = await runModule(shared.gpu, build, input, weights, { dtype: 'f16' });
  expect(f16.data).toEqual((await runModule(shared.gpu, build, input, rounded)).data);
});
