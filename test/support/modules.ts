// Finds the module that a fixture's `op` and `params` describe.
import type { ActivationName, NormType } from '../../src/config/config.ts';
import { IDENTITY, type ChannelShuffle } from '../../src/graph/ops.ts';
import {
  attention,
  dcDownBlock2d,
  dcUpBlock2d,
  efficientViTBlock,
  glumbConv,
  resBlock,
} from '../../src/model/blocks.ts';
import { conv2d, linear, norm, rmsNorm } from '../../src/model/layers.ts';
import type { FixtureTensor } from './fixtures.ts';
import { inGroups, regroupWeights, type Build, type RawWeight } from './run_module.ts';

/** One entry of the index of test/fixtures/ops or hash-slices. */
export interface ModuleFixture {
  readonly name: string;
  readonly op: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly input: readonly number[];
  readonly output: readonly number[];
  /** Of hash-slices: parameters by key, with their shapes. */
  readonly keys?: Readonly<Record<string, readonly number[]>>;
}

/** The module's path: fixtures give keys relative to it. */
const PATH = 'module';

/** A fixture's parameters under the module's path. */
export function weightsAt(tensors: Iterable<readonly [string, FixtureTensor]>): Map<string, RawWeight> {
  return new Map([...tensors].map(([key, tensor]) => [`${PATH}.${key}`, tensor]));
}

/** Weights that the module of `moduleOf` needs beside the fixture's own. */
export function extraWeights({ op, params }: ModuleFixture): [string, RawWeight][] {
  return op === 'conv2d' && isGrouped(params) ? regroupWeights(Number(params['in_channels'])) : [];
}

/**
 * Returns the builder of a fixture's module.
 *
 * @throws Error for an unknown `op`, so that no new kind of fixture goes untested
 */
export function moduleOf(fixture: ModuleFixture): Build {
  const { op, params } = fixture;
  const number = (key: string): number => Number(params[key]);
  const normType = params['norm_type'] as NormType | null;
  const [, channels = 0] = fixture.output;
  const shuffled =
    (how: Partial<ChannelShuffle>): Build =>
    (b, x) =>
      b.resample(op, x, channels, { ...IDENTITY, ...how });
  const activation =
    (name: ActivationName): Build =>
    (b, x) =>
      b.resample(op, x, channels, IDENTITY, name);
  switch (op) {
    case 'conv2d':
      return convolution(params);
    case 'linear over channels':
      return (b, x) => b.conv(linear(PATH, number('in_features'), number('out_features')), x);
    case 'rms_norm over channels':
      return (b, x) => b.norm(rmsNorm(PATH, number('channels'), params['bias'] === true), x);
    case 'batch_norm (inference)':
      return (b, x) => b.norm(norm('batch_norm', PATH, number('channels')), x);
    case 'relu':
    case 'silu':
    case 'gelu':
    case 'mish':
      return activation(op);
    case 'swish':
      return activation('silu');
    case 'pixel-shuffle':
      return shuffled({ pixelShuffle: true });
    case 'pixel-unshuffle':
      return shuffled({ pixelUnshuffle: true });
    case 'nearest-up2':
      return shuffled({ upsampleNearest: true });
    case 'average of consecutive channels':
      return shuffled({ group: number('group_size') });
    case 'repeat_interleave of channels':
      return shuffled({ repeats: number('repeats') });
    case 'DCDownBlock2d': {
      const [unshuffle, shortcut] = [params['downsample'] === true, params['shortcut'] === true];
      return (b, x) =>
        b.down(dcDownBlock2d(PATH, number('in_channels'), number('out_channels'), unshuffle, shortcut), x);
    }
    case 'DCUpBlock2d': {
      const [interpolate, shortcut] = [params['interpolate'] === true, params['shortcut'] === true];
      return (b, x) => b.up(dcUpBlock2d(PATH, number('in_channels'), number('out_channels'), interpolate, shortcut), x);
    }
    case 'ResBlock':
      return (b, x) => b.resBlock(resBlock(PATH, channels, normType!, params['act_fn'] as ActivationName), x);
    case 'SanaMultiscaleLinearAttention': {
      const kernels = params['kernel_sizes'] as number[];
      const headDim = number('attention_head_dim');
      return (b, x) => {
        const y = b.attention(attention(PATH, channels, headDim, kernels, normType!, params['residual'] === true), x);
        const quadratic = b.ops.some(({ type }) => type === 'attention-quadratic');
        if (quadratic !== (params['mode'] === 'quadratic')) throw new Error(`${fixture.name} ran in the other form`);
        return y;
      };
    }
    case 'GLUMBConv':
      return (b, x) => b.glumbConv(glumbConv(PATH, channels, normType !== null, params['residual'] === true), x);
    case 'EfficientViTBlock': {
      const kernels = params['qkv_multiscales'] as number[];
      return (b, x) => b.block(efficientViTBlock(PATH, channels, number('attention_head_dim'), kernels, normType!), x);
    }
    default:
      throw new Error(`no module is known for the op "${op}" of ${fixture.name}`);
  }
}

function isGrouped({ groups, in_channels: channels }: ModuleFixture['params']): boolean {
  return groups !== 1 && groups !== channels;
}

/** `nn.Conv2d`: dense, depthwise, or grouped with a kernel of 1 and as many channels out as in. */
function convolution(params: ModuleFixture['params']): Build {
  const { in_channels, out_channels, kernel_size: kernel, stride, padding, groups, bias } = params as unknown as Conv2d;
  if (padding !== (kernel - 1) / 2) throw new Error(`a padding of ${padding} is none that the model has`);
  const layer = conv2d(PATH, in_channels, out_channels, { kernel, stride, groups, bias });
  if (groups === 1) return (b, x) => b.conv(layer, x);
  if (groups === in_channels) return (b, x) => b.depthwise(layer, x);
  return inGroups(in_channels / groups, (b, x) => b.grouped(layer, x));
}

interface Conv2d {
  readonly in_channels: number;
  readonly out_channels: number;
  readonly kernel_size: number;
  readonly stride: number;
  readonly padding: number;
  readonly groups: number;
  readonly bias: boolean;
}
