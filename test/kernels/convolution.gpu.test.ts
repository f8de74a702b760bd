// Dense and resampling convolutions equal plain TypeScript in double precision, on odd sizes and channel counts.
import { describe, inject, test } from 'vitest';
import { dcDownBlock2d, dcUpBlock2d, resBlock } from '../../src/model/blocks.ts';
import { conv2d } from '../../src/model/layers.ts';
import { fileGpu } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { meets, ODD_CHANNELS, ODD_SIZES, randomTensor, randomWeights, type Meeting } from '../support/meets.ts';
import * as reference from '../support/reference.ts';

const shared = fileGpu();
const note = worstErrors('kernels');
const check = (meeting: Meeting) => meets(shared.gpu, note, meeting);

const isAll = inject('variants') === 'all';

describe('dense convolution', () => {
  test.for([
    [1, 1],
    [3, 1],
    [3, 2],
    [5, 1],
    [7, 2],
  ] as const)('%i x %i kernel', async ([kernel, stride]) => {
    for (const [s, size] of ODD_SIZES.entries()) {
      for (const [i, inChannels] of ODD_CHANNELS.entries()) {
        // each size and each number of channels once
        if (!isAll && i % ODD_SIZES.length !== s) continue;
        const outChannels = ODD_CHANNELS[(3 * i + size[0]) % ODD_CHANNELS.length]!;
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
