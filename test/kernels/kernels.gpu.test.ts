// Every kernel but dense convolutions and attention equals plain TypeScript in double precision, on odd sizes.
import { expect, test } from 'vitest';
import { IDENTITY, type ChannelShuffle } from '../../src/graph/ops.ts';
import { glumbConv } from '../../src/model/blocks.ts';
import { conv2d, norm, rmsNorm } from '../../src/model/layers.ts';
import { fileGpu } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { meets, ODD_CHANNELS, ODD_SIZES, randomTensor, randomWeights, type Meeting } from '../support/meets.ts';
import * as reference from '../support/reference.ts';
import { inGroups, runModule } from '../support/run_module.ts';

const shared = fileGpu();
const note = worstErrors('kernels');
const check = (meeting: Meeting) => meets(shared.gpu, note, meeting);

test('depthwise convolution, also with kernels larger than the image', async () => {
  for (const kernel of [1, 3, 5, 9]) {
    for (const [i, channels] of ODD_CHANNELS.entries()) {
      const [n, height, width] = ODD_SIZES[i % ODD_SIZES.length]!;
      const layer = conv2d('conv', channels, channels, { kernel, groups: channels, bias: i % 2 === 0 });
      const weights = randomWeights(layer);
      const input = randomTensor('input', [n, channels, height, width]);
      const bias = weights.get('conv.bias');
      const options = { padding: (kernel - 1) / 2, groups: channels, ...(bias && { bias }) };
      await check({
        name: `depthwise ${kernel}x${kernel}, ${channels} channels`,
        build: (b, x) => b.depthwise(layer, x),
        input,
        weights,
        expected: reference.conv(input, weights.get('conv.weight')!, options),
      });
    }
  }
});

test('grouped convolution with groups that fill no quad', async () => {
  for (const group of ODD_CHANNELS) {
    const channels = 6 * group;
    const layer = conv2d('conv', channels, channels, { kernel: 1, groups: 6, bias: false });
    const weights = randomWeights(layer);
    const input = randomTensor('input', [2, channels, 3, 7]);
    await check({
      name: `grouped, 6 groups of ${group}`,
      build: inGroups(group, (b, x) => b.grouped(layer, x)),
      input,
      weights,
      expected: reference.conv(input, weights.get('conv.weight')!, { groups: 6 }),
      regrouped: channels,
    });
  }
});

test('multi-scale branches with groups that fill no quad or exceed a workgroup', async () => {
  for (const [group, kernel, height, width] of [
    [1, 5, 3, 7],
    [2, 3, 1, 1],
    [5, 3, 4, 9],
    [9, 7, 6, 5],
    [33, 5, 5, 6],
    [130, 3, 2, 3],
    [260, 3, 3, 2],
  ] as const) {
    const channels = 3 * group;
    const projection = {
      projIn: conv2d('in', channels, channels, { kernel, groups: channels, bias: false }),
      projOut: conv2d('out', channels, channels, { kernel: 1, groups: 3, bias: false }),
    };
    const weights = randomWeights(projection);
    const input = randomTensor('input', [2, channels, height, width]);
    const near = reference.conv(input, weights.get('in.weight')!, { padding: (kernel - 1) / 2, groups: channels });
    await check({
      name: `multi-scale ${kernel}x${kernel}, 3 groups of ${group}, ${height}x${width}`,
      build: inGroups(group, (b, x) => b.multiscale(projection, x)),
      input,
      weights,
      expected: reference.conv(near, weights.get('out.weight')!, { groups: 3 }),
      regrouped: channels,
    });
  }
});

test('the gated feed-forward', async () => {
  for (const channels of [1, 2, 3, 7, 9]) {
    const block = glumbConv('glu', channels);
    const weights = randomWeights(block);
    const get = (key: string) => weights.get(`glu.${key}`)!;
    const input = randomTensor('input', [2, channels, 5, 3]);
    const [n, hidden] = [2, 4 * channels];
    const inverted = reference.conv(input, get('conv_inverted.weight'), { bias: get('conv_inverted.bias') });
    const expanded = reference.activate(inverted, 'silu');
    const options = { bias: get('conv_depth.bias'), padding: 1, groups: 2 * hidden };
    const depth = reference.conv(expanded, get('conv_depth.weight'), options);
    const half = hidden * 5 * 3;
    const gated = Array.from({ length: n * half }, (_, i) => {
      const at = Math.floor(i / half) * 2 * half + (i % half);
      const gate = depth.data[at + half]!;
      return (depth.data[at]! * gate) / (1 + Math.exp(-gate));
    });
    const point = reference.conv({ shape: [n, hidden, 5, 3], data: gated }, get('conv_point.weight'));
    const expected = reference.add(input, reference.rmsNorm(point, get('norm.weight'), get('norm.bias')));
    await check({ name: `GLUMBConv ${channels}`, build: (b, x) => b.glumbConv(block, x), input, weights, expected });
  }
});

test('RMSNorm and batch norm, followed by an activation and a residual', async () => {
  for (const [i, channels] of ODD_CHANNELS.entries()) {
    const activation = ([undefined, 'silu', 'relu', 'gelu', 'mish'] as const)[i % 5];
    const [n, height, width] = ODD_SIZES[i % ODD_SIZES.length]!;
    const input = randomTensor('input', [n, channels, height, width]);
    const rms = rmsNorm('norm', channels, i % 2 === 0);
    const batch = norm('batch_norm', 'norm', channels);
    const weights = randomWeights(batch);
    const get = (key: string) => weights.get(`norm.${key}`)!;
    const normed = reference.rmsNorm(input, get('weight'), rms.bias ? get('bias') : undefined);
    const activated = reference.activate(normed, activation);
    const options = activation && { activation };
    await check({
      name: `RMS norm of ${channels}`,
      build: (b, x) => b.norm(rms, x, { ...options, residual: x }),
      input,
      weights,
      expected: reference.add(activated, input),
    });
    const [mean, variance] = [get('running_mean'), get('running_var')];
    const scaled = reference.batchNorm(input, { weight: get('weight'), bias: get('bias'), mean, variance });
    await check({
      name: `batch norm of ${channels}`,
      build: (b, x) => b.norm(batch, x, options),
      input,
      weights,
      expected: reference.activate(scaled, activation),
    });
  }
});

test.for(['relu', 'silu', 'gelu', 'mish'] as const)('%s is finite and correct from -10,000 to 10,000', async (name) => {
  const extremes = [1e4, 1000, 128, 89, 88, 50, 20, 10, 5, 3, 1, 0.5, 0.1, 1e-3, 1e-20, 0].flatMap((v) => [v, -v]);
  const input = { shape: [1, 1, 1, extremes.length], data: Float32Array.from(extremes) };
  const { data } = await runModule(shared.gpu, (b, x) => b.resample(name, x, 1, IDENTITY, name), input, new Map());
  const expected = reference.activate(input, name).data;
  for (const [i, value] of extremes.entries()) {
    const error = Math.abs(data[i]! - expected[i]!) / Math.max(Math.abs(value), 1);
    expect(error, `${name}(${value}) = ${data[i]}`).toBeLessThanOrEqual(1e-6);
  }
});

test('channel shuffles, single and chained', async () => {
  const cases: [number, Partial<ChannelShuffle>][] = [
    [5, {}],
    [9, { group: 3 }],
    [7, { group: 7 }],
    [3, { repeats: 5 }],
    [12, { pixelShuffle: true }],
    [3, { pixelShuffle: true, repeats: 4 }],
    [1, { pixelShuffle: true, repeats: 36 }],
    [7, { pixelUnshuffle: true }],
    [3, { pixelUnshuffle: true, group: 6 }],
    [5, { upsampleNearest: true }],
    [6, { upsampleNearest: true, group: 2 }],
  ];
  for (const [channels, how] of cases) {
    for (const [height, width] of [
      [2, 2],
      [6, 10],
      [2, 34],
    ] as const) {
      const rule = { ...IDENTITY, ...how };
      const input = randomTensor('input', [3, channels, height, width]);
      const expected = reference.channelShuffle(input, rule);
      await check({
        name: `channel shuffle ${JSON.stringify(how)} of ${channels} channels, ${height}x${width}`,
        build: (b, x) => b.resample('shuffle', x, expected.shape[1]!, rule),
        input,
        expected,
      });
    }
  }
});
