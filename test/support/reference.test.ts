// The TypeScript references equal PyTorch's fixtures. The remaining error is the fixtures' rounding to f32.
import { expect, test } from 'vitest';
import { readFixture, relativeMaxError } from './fixtures.ts';
import {
  activate,
  attend,
  averageChannels,
  batchNorm,
  concat,
  conv,
  erfc,
  nearestUp2,
  pixelShuffle,
  pixelUnshuffle,
  repeatChannels,
  rmsNorm,
  type Numbers,
} from './reference.ts';

const ROUNDING = 1e-7;

type Get = (name: string) => Numbers;

test.for<[string, (get: Get) => Numbers]>([
  ['conv3x3', (get) => conv(get('input'), get('weight'), { bias: get('bias'), padding: 1 })],
  ['conv3x3-odd-nobias', (get) => conv(get('input'), get('weight'), { padding: 1 })],
  ['conv3x3-stride2-odd-nobias', (get) => conv(get('input'), get('weight'), { stride: 2, padding: 1 })],
  ['conv1x1', (get) => conv(get('input'), get('weight'), { bias: get('bias') })],
  ['depthwise5x5-small-image', (get) => conv(get('input'), get('weight'), { padding: 2, groups: 6 })],
  ['grouped1x1-dim5', (get) => conv(get('input'), get('weight'), { groups: 6 })],
  ['rmsnorm-bias', (get) => rmsNorm(get('input'), get('weight'), get('bias'))],
  ['rmsnorm-small-input', (get) => rmsNorm(get('input'), get('weight'), get('bias'))],
  [
    'batchnorm',
    (get) =>
      batchNorm(get('input'), {
        weight: get('weight'),
        bias: get('bias'),
        mean: get('running_mean'),
        variance: get('running_var'),
      }),
  ],
  ['act-relu', (get) => activate(get('input'), 'relu')],
  ['act-silu', (get) => activate(get('input'), 'silu')],
  ['act-gelu', (get) => activate(get('input'), 'gelu')],
  ['act-mish', (get) => activate(get('input'), 'mish')],
  ['pixel-shuffle', (get) => pixelShuffle(get('input'))],
  ['pixel-unshuffle', (get) => pixelUnshuffle(get('input'))],
  ['nearest-up2', (get) => nearestUp2(get('input'))],
  ['shortcut-average', (get) => averageChannels(get('input'), 4)],
  ['shortcut-duplicate', (get) => repeatChannels(get('input'), 3)],
  ['attn-linear-noresidual', (get) => plainAttention(get, 4)],
])('%s', async ([name, run]) => {
  const { get } = await readFixture(`test/fixtures/ops/${name}.safetensors`);
  const { shape, data } = run(get);
  expect(shape).toEqual(get('output').shape);
  expect(relativeMaxError(data, get('output').data)).toBeLessThanOrEqual(ROUNDING);
});

/** Attention without branches and residual, followed by RMS norm. */
function plainAttention(get: Get, headDim: number): Numbers {
  const as1x1 = ({ shape, data }: Numbers): Numbers => ({ shape: [...shape, 1, 1], data });
  const project = (key: string): Numbers => conv(get('input'), as1x1(get(key)));
  const qkv = concat([project('to_q.weight'), project('to_k.weight'), project('to_v.weight')]);
  const out = conv(attend(qkv, headDim), as1x1(get('to_out.weight')));
  return rmsNorm(out, get('norm_out.weight'), get('norm_out.bias'));
}

test.for([
  [0, 1],
  [0.5, 0.47950012218695346],
  [-1, 1.842700792949715],
  [1.999, 0.004698443348629488],
  [2, 0.004677734981047266],
  [3.5, 7.430983723414128e-7],
  [-6, 2],
] as const)('erfc(%f)', ([v, expected]) => {
  expect(erfc(v)).toBeCloseTo(expected, 12);
});
