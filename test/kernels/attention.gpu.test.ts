// Multi-scale ReLU attention equals plain TypeScript in double precision. Cases have head dimensions that fill no quad,
// several spans of tokens, heads, pictures and branches. A query whose positive components nearly vanish would amplify
// rounding; no case has one.
import { expect, test } from 'vitest';
import { GraphBuilder } from '../../src/graph/build.ts';
import { rectOf } from '../../src/graph/rects.ts';
import { channelsOf } from '../../src/graph/tensor.ts';
import { attention, type Attention } from '../../src/model/blocks.ts';
import { fileGpu } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { relativeMaxError, type FixtureTensor } from '../support/fixtures.ts';
import { meets, randomTensor, randomWeights } from '../support/meets.ts';
import * as reference from '../support/reference.ts';
import { runModule, type Build } from '../support/run_module.ts';

const shared = fileGpu();
const note = worstErrors('attention');

type Weights = ReadonlyMap<string, FixtureTensor>;

/** SanaMultiscaleLinearAttention, step by step. */
function attend(
  { heads, headDim, toQkv, multiscale, toOut, normOut, residual }: Attention,
  x: FixtureTensor,
  weights: Weights,
) {
  const get = (key: string) => weights.get(key)!;
  const as1x1 = (key: string) => ({ shape: [...get(key).shape, 1, 1], data: get(key).data });
  const qkv = reference.concat(toQkv.map(({ path }) => reference.conv(x, as1x1(`${path}.weight`))));
  const branches = multiscale.map(({ projIn, projOut }) => {
    const options = { padding: (projIn.kernel - 1) / 2, groups: projIn.groups };
    const near = reference.conv(qkv, get(`${projIn.path}.weight`), options);
    return reference.conv(near, get(`${projOut.path}.weight`), { groups: 3 * heads });
  });
  const attended = [qkv, ...branches].map((branch) => reference.attend(branch, headDim));
  const out = reference.conv(reference.concat(attended), as1x1(`${toOut.path}.weight`));
  const [weight, bias] = [get(`${normOut.path}.weight`), get(`${normOut.path}.bias`)];
  const normed =
    normOut.type === 'RMSNorm'
      ? reference.rmsNorm(out, weight, bias)
      : reference.batchNorm(out, {
          weight,
          bias,
          mean: get(`${normOut.path}.running_mean`),
          variance: get(`${normOut.path}.running_var`),
        });
  return residual ? reference.add(x, normed) : normed;
}

interface Case {
  readonly channels: number;
  readonly headDim: number;
  /** [N, H, W] */
  readonly size: readonly [number, number, number];
  readonly kernels?: readonly number[];
  readonly norm?: 'rms_norm' | 'batch_norm';
  readonly residual?: boolean;
}

test.for<Case>([
  // one span; one span and one row; a row longer than a usual span
  { channels: 8, headDim: 4, size: [1, 16, 16] },
  { channels: 8, headDim: 4, size: [1, 17, 16] },
  { channels: 8, headDim: 4, size: [1, 2, 257] },
  // many spans and odd sizes
  { channels: 7, headDim: 1, size: [2, 13, 23], kernels: [3] },
  { channels: 9, headDim: 2, size: [3, 17, 31], norm: 'batch_norm' },
  { channels: 10, headDim: 3, size: [2, 12, 29], kernels: [5], residual: false },
  { channels: 11, headDim: 5, size: [1, 40, 20], kernels: [3, 5] },
  { channels: 14, headDim: 7, size: [3, 19, 19], kernels: [3] },
  { channels: 20, headDim: 9, size: [1, 33, 9], norm: 'batch_norm', kernels: [7] },
  { channels: 34, headDim: 17, size: [2, 9, 37] },
  { channels: 67, headDim: 33, size: [1, 7, 43], kernels: [5] },
])('linear: %o', async (options) => {
  await compare(options, ['attention-sums', 'attention-apply']);
});

test.for<Case>([
  { channels: 3, headDim: 1, size: [3, 1, 1] },
  { channels: 9, headDim: 7, size: [2, 1, 7], kernels: [3] },
  { channels: 18, headDim: 9, size: [3, 3, 3], kernels: [5], residual: false },
  { channels: 35, headDim: 17, size: [1, 2, 7], norm: 'batch_norm' },
  { channels: 66, headDim: 33, size: [2, 3, 11], kernels: [3, 5] },
])('quadratic: %o', async (options) => {
  await compare(options, ['attention-quadratic']);
});

async function compare(options: Case, expectedOps: readonly string[]) {
  const { channels, headDim, size, kernels = [], norm = 'rms_norm', residual = true } = options;
  const module = attention('attn', channels, headDim, kernels, norm, residual);
  const weights = randomWeights(module);
  const [n, height, width] = size;
  const input = randomTensor('input', [n, channels, height, width]);
  let ops: string[] = [];
  await meets(shared.gpu, note, {
    name: JSON.stringify(options),
    build: (b, x) => {
      const y = b.attention(module, x);
      ops = b.ops.map(({ type }) => type);
      return y;
    },
    input,
    weights,
    expected: attend(module, input, weights),
  });
  for (const type of expectedOps) expect(ops).toContain(type);
}

test('partial sums give the same bits with and without a separate pass that adds them', async () => {
  const module = attention('attn', 10, 5, [3], 'rms_norm');
  const weights = randomWeights(module);
  const input = randomTensor('input', [2, 10, 37, 30]);
  const folded = await runModule(shared.gpu, (b, x) => b.attention(module, x), input, weights);
  const build: Build = (b, x) => {
    const y = b.attention(module, x);
    const at = b.ops.findIndex(({ type }) => type === 'attention-apply');
    const apply = b.ops[at];
    if (apply?.type !== 'attention-apply') throw new Error('attention applies nothing');
    const { label, sums: partial } = apply;
    expect(partial.n).toBeGreaterThan(1);
    const sums = b.tensor(label, { ...partial, n: 1 }, partial.layout);
    b.ops.splice(
      at,
      1,
      { type: 'attention-reduce', label, rect: rectOf(sums), x: partial, y: sums },
      { ...apply, sums },
    );
    return y;
  };
  const apart = await runModule(shared.gpu, build, input, weights);
  expect(folded.data).toEqual(apart.data);
});

test('a large image adds its partial sums in a separate pass', () => {
  const ops = (side: number): string[] => {
    const b = new GraphBuilder();
    b.attention(
      attention('attn', 32, 32, [5], 'rms_norm'),
      b.tensor('x', { n: 1, height: side, width: side }, channelsOf(32)),
    );
    return b.ops.map(({ type }) => type);
  };
  expect(ops(128)).not.toContain('attention-reduce');
  expect(ops(256)).toContain('attention-reduce');
});

test('a query without a positive component gives exactly zero, not NaN', async () => {
  const module = attention('attn', 6, 3, [], 'rms_norm', false);
  const weights = new Map(randomWeights(module));
  // For a positive picture, to_q gives only negative numbers.
  const negative = (shape: readonly number[]) => ({ shape, data: new Float32Array(36).fill(-0.25) });
  weights.set('attn.to_q.weight', negative([6, 6]));
  for (const [height, width] of [
    [20, 20],
    [1, 2],
  ] as const) {
    const input = { shape: [1, 6, height, width], data: new Float32Array(6 * height * width).fill(0.5) };
    const { data } = await runModule(shared.gpu, (b, x) => b.attention(module, x), input, weights);
    const expected = attend(module, input, weights);
    expect(relativeMaxError(data, expected.data)).toBeLessThanOrEqual(1e-6);
  }
});
