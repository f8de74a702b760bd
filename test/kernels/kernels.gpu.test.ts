// Every kernel except attention equals plain TypeScript in double precision, on odd sizes and channel counts.
import { describe, expect, inject, test } from 'vitest';
import { IDENTITY, type ChannelShuffle } from '../../src/graph/ops.ts';
import { dcDownBlock2d, dcUpBlock2d, glumbConv, resBlock } from '../../src/model/blocks.ts';
import { conv2d, norm, rmsNorm } from '../../src/model/layers.ts';
import { fileGpu } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { meets, randomTensor, randomWeights, type Meeting } from '../support/meets.ts';
import * as reference from '../support/reference.ts';
import { inGroups, runModule } from '../support/run_module.ts';

const shared = fileGpu();
const note = worstErrors('kernels');
const check = (meeting: Meeting) => meets(shared.gpu, note, meeting);

const isAll = inject('variants') === 'all';

const SIZES = [
  [3, 1, 1],
  [1, 1, 9],
  [2, 9, 1],
  [3, 13, 7],
] as const;
const CHANNELS = [1, 2, 3, 5, 7, 9, 33];

describe('dense convolution', () => {
  test.for([
    [1, 1],
    [3, 1],
    [3, 2],
    [5, 1],
    [7, 2],
  ] as const)('%i x %i kernel', async ([kernel, stride]) => {
    for (const [s, size] of SIZES.entries()) {
      for (const [i, inChannels] of CHANNELS.entries()) {
        // each size and each number of channels once
        if (!isAll && i % SIZES.length !== s) continue;
        const outChannels = CHANNELS[(3 * i + size[0]) % CHANNELS.length]!;
        const bias = i % 2 === 0;
        const layer = conv2d('conv', inChannels, outChannels, { kernel, stride, bias });
        const weights = randomWeights(layer);
        const input = randomTensor('input', [size[0], inChannels, size[1], size[2]]);
        const options = { stride, padding: (kernel - 1) / 2, ...(bias && { bias: weights.get('conv.bias')! }) };
        await check({
          name: `conv ${kernel}x${kernel}/${stride}, ${inChannels} to ${outChannels} channels, ${size.join('x')}`,
          build: (b, x) => b.conv(layer, x),
          input,
          weights,
          expected: reference.conv(input, weights.get('conv.weight')!, options),
          ...(kernel === 3 && stride === 1 && { algorithms: ['direct', 'winograd2', 'winograd4'] }),
        });
      }
    }
  });

  test('may be wider than a workgroup and a tile', async () => {
    const layer = conv2d('conv', 9, 19);
    const weights = randomWeights(layer);
    const input = randomTensor('input', [2, 9, 21, 70]);
    const bias = weights.get('conv.bias')!;
    const expected = reference.conv(input, weights.get('conv.weight')!, { bias, padding: 1 });
    const algorithms = ['direct', 'winograd2', 'winograd4'] as const;
    await check({ name: 'conv 21x70', build: (b, x) => b.conv(layer, x), input, weights, expected, algorithms });
  });

  test.for(['rms_norm', 'batch_norm', 'rms_norm on GPUs'] as const)(
    'with activation, %s and residual: ResBlock',
    async (name) => {
      const asGpu = name === 'rms_norm on GPUs'; // they compute it in Winograd's last pass
      const type = asGpu ? 'rms_norm' : name;
      const blocks = [
        [130, 'silu'], // channels of more than one segment of the norm in Winograd's last pass
        [1, 'relu'],
        [5, 'silu'],
        [7, 'gelu'],
        [33, 'mish'],
      ] as const;
      for (const [i, [channels, act]] of blocks.entries()) {
        const block = resBlock('block', channels, type, act);
        const weights = randomWeights(block);
        const get = (key: string) => weights.get(`block.${key}`)!;
        const input = randomTensor('input', [2, channels, 5, 6]);
        const hidden = reference.conv(input, get('conv1.weight'), { bias: get('conv1.bias'), padding: 1 });
        const branch = reference.conv(reference.activate(hidden, act), get('conv2.weight'), { padding: 1 });
        const [weight, bias] = [get('norm.weight'), get('norm.bias')];
        const normed =
          type === 'rms_norm'
            ? reference.rmsNorm(branch, weight, bias)
            : reference.batchNorm(branch, {
                weight,
                bias,
                mean: get('norm.running_mean'),
                variance: get('norm.running_var'),
              });
        const expected = reference.add(input, normed);
        const possible = (['winograd2', 'winograd4', 'direct'] as const).slice(0, asGpu ? 2 : 3);
        // all algorithms for the widest block, one in turn for each other
        const algorithms = possible.filter((_, a) => isAll || i === 0 || (i - 1) % possible.length === a);
        const meeting = { name: `ResBlock ${name} ${act} ${channels}`, input, weights, expected, algorithms, asGpu };
        await check({ ...meeting, build: (b, x) => b.resBlock(block, x) });
      }
    },
  );
});

describe('resampling convolution', () => {
  test.for([
    [3, 4, 6, 10],
    [5, 20, 2, 2],
    [7, 4, 2, 18],
    [9, 36, 14, 6],
  ] as const)('down from %i to %i channels', async ([inChannels, outChannels, height, width]) => {
    for (const unshuffle of [true, false]) {
      for (const shortcut of [true, false]) {
        const block = dcDownBlock2d('down', inChannels, outChannels, unshuffle, shortcut);
        const weights = randomWeights(block);
        const input = randomTensor('input', [3, inChannels, height, width]);
        const options = { bias: weights.get('down.conv.bias')!, padding: 1, stride: unshuffle ? 1 : 2 };
        const convolved = reference.conv(input, weights.get('down.conv.weight')!, options);
        const main = unshuffle ? reference.pixelUnshuffle(convolved) : convolved;
        const short = reference.averageChannels(reference.pixelUnshuffle(input), (4 * inChannels) / outChannels);
        await check({
          name: `down ${inChannels} to ${outChannels}, ${unshuffle ? 'unshuffle' : 'conv'}${shortcut ? ', shortcut' : ''}`,
          build: (b, x) => b.down(block, x),
          input,
          weights,
          expected: shortcut ? reference.add(main, short) : main,
          ...(unshuffle && { algorithms: ['direct', 'winograd2', 'winograd4'] }),
        });
      }
    }
  });

  test.for([
    [4, 7, 3, 5],
    [12, 3, 1, 1],
    [20, 5, 1, 9],
    [36, 9, 7, 3],
    [4, 33, 2, 3],
  ] as const)('up from %i to %i channels', async ([inChannels, outChannels, height, width]) => {
    for (const interpolate of [true, false]) {
      for (const shortcut of [true, false]) {
        const block = dcUpBlock2d('up', inChannels, outChannels, interpolate, shortcut);
        const weights = randomWeights(block);
        const input = randomTensor('input', [3, inChannels, height, width]);
        const options = { bias: weights.get('up.conv.bias')!, padding: 1 };
        const source = interpolate ? reference.nearestUp2(input) : input;
        const convolved = reference.conv(source, weights.get('up.conv.weight')!, options);
        const main = interpolate ? convolved : reference.pixelShuffle(convolved);
        const short = reference.pixelShuffle(reference.repeatChannels(input, (4 * outChannels) / inChannels));
        await check({
          name: `up ${inChannels} to ${outChannels}, ${interpolate ? 'nearest' : 'shuffle'}${shortcut ? ', shortcut' : ''}`,
          build: (b, x) => b.up(block, x),
          input,
          weights,
          expected: shortcut ? reference.add(main, short) : main,
          algorithms: interpolate ? ['direct', 'phases'] : ['direct', 'winograd2', 'winograd4'],
        });
      }
    }
  });
});

test('depthwise convolution, also with kernels larger than the image', async () => {
  for (const kernel of [1, 3, 5, 9]) {
    for (const [i, channels] of CHANNELS.entries()) {
      const [n, height, width] = SIZES[i % SIZES.length]!;
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
  for (const group of CHANNELS) {
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
  for (const [i, channels] of CHANNELS.entries()) {
    const activation = ([undefined, 'silu', 'relu', 'gelu', 'mish'] as const)[i % 5];
    const [n, height, width] = SIZES[i % SIZES.length]!;
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
