import { parseConfig } from '../../src/config/config.ts';
import { buildGraph, GraphBuilder, type Graph } from '../../src/graph/build.ts';
import { flops } from '../../src/graph/ops.ts';
import { channelsOf, type Tensor } from '../../src/graph/tensor.ts';
import { decoder, encoder, type Decoder, type Encoder } from '../../src/model/autoencoder.ts';
import {
  attention,
  dcUpBlock2d,
  efficientViTBlock,
  resBlock,
  type Attention,
  type Block,
  type GLUMBConv,
} from '../../src/model/blocks.ts';
import { conv2d, rmsNorm, type Conv2d, type RMSNorm } from '../../src/model/layers.ts';

/** The module that a work runs: a layer, a block, a part of a block, or a network. */
export type BenchModule = Conv2d | RMSNorm | Attention | GLUMBConv | Block | Encoder | Decoder;

/** Something to time. */
export interface Work {
  readonly name: string;
  readonly module: BenchModule;
  /** `[N, C, H, W]` of its input. */
  readonly shape: readonly [number, number, number, number];
}

/** A work as our own graph. */
export function graphOf({ module, shape: [n, channels, height, width] }: Work): Graph {
  const size = { n, height, width };
  if (module.type === 'Encoder' || module.type === 'Decoder') return buildGraph(module, size);
  const builder = new GraphBuilder();
  const input = builder.tensor('input', size, channelsOf(channels));
  const output = added(builder, module, input);
  return { ops: builder.ops, input, output };
}

function added(builder: GraphBuilder, module: Exclude<BenchModule, Encoder | Decoder>, input: Tensor): Tensor {
  switch (module.type) {
    case 'Conv2d':
      return module.groups > 1 ? builder.depthwise(module, input) : builder.conv(module, input);
    case 'RMSNorm':
      return builder.norm(module, input);
    case 'Attention':
      return builder.attention(module, input);
    case 'GLUMBConv':
      return builder.glumbConv(module, input);
    default:
      return builder.block(module, input);
  }
}

const sana = {
  encoder_block_types: ['ResBlock', 'ResBlock', 'ResBlock', ...Array<string>(3).fill('EfficientViTBlock')],
  decoder_block_types: ['ResBlock', 'ResBlock', 'ResBlock', ...Array<string>(3).fill('EfficientViTBlock')],
  downsample_block_type: 'conv',
  upsample_block_type: 'interpolate',
};

/** f32c32-sana-1.0 with all widths divided by `divisor`. */
function sanaConfig(divisor: number) {
  const widths = [128, 256, 512, 512, 1024, 1024].map((width) => width / divisor);
  return parseConfig({ ...sana, encoder_block_out_channels: widths, decoder_block_out_channels: widths });
}

/** The encoder and the decoder of SANA's autoencoder, its widths divided by `divisor`, for pictures of a side. */
export function bothNetworks(divisor: number, side: number): Work[] {
  const config = sanaConfig(divisor);
  const name = divisor === 1 ? 'SANA' : `SANA / ${divisor}`;
  return [
    { name: `${name} encoder ${side}²`, module: encoder(config), shape: [1, 3, side, side] },
    { name: `${name} decoder ${side}²`, module: decoder(config), shape: [1, 32, side / 32, side / 32] },
  ];
}

/** The kernels between the dense convolutions. */
const kernels: readonly Work[] = [
  { name: 'RMSNorm 128 256²', module: rmsNorm('n', 128), shape: [1, 128, 256, 256] },
  { name: 'RMSNorm 1024 32²', module: rmsNorm('n', 1024), shape: [1, 1024, 32, 32] },
  { name: 'depthwise 3x3 4096 32²', module: conv2d('d', 4096, 4096, { groups: 4096 }), shape: [1, 4096, 32, 32] },
  { name: 'attention 512 32²', module: attention('a', 512, 32, [5], 'rms_norm'), shape: [1, 512, 32, 32] },
];

/** Layers and blocks in the sizes that the peers' figures are for. */
const blocks: readonly Work[] = [
  { name: 'conv 3x3 128>128 128²', module: conv2d('c', 128, 128), shape: [1, 128, 128, 128] },
  { name: 'conv 3x3 512>512 32²', module: conv2d('c', 512, 512), shape: [1, 512, 32, 32] },
  { name: 'conv 1x1 512>4096 32²', module: conv2d('c', 512, 4096, { kernel: 1 }), shape: [1, 512, 32, 32] },
  { name: 'ResBlock 128 128²', module: resBlock('r', 128, 'rms_norm', 'silu'), shape: [1, 128, 128, 128] },
  { name: 'up 256>128 64²', module: dcUpBlock2d('u', 256, 128, true, true), shape: [1, 256, 64, 64] },
  {
    name: 'EfficientViTBlock 512 16²',
    module: efficientViTBlock('e', 512, 32, [5], 'rms_norm'),
    shape: [1, 512, 16, 16],
  },
];

/**
 * The works of `npm run bench`: layers, blocks and the quarter-width network; on a GPU the whole network, too.
 *
 * @param only - a regular expression over names; all that is not empty finds what takes long on a CPU, too
 */
export function works(software: boolean, only: string): Work[] {
  const usual = [...blocks, ...kernels, ...bothNetworks(4, 256)];
  const large = [
    ...[512, 1024, 2048].flatMap((side) => bothNetworks(4, side)),
    ...[512, 1024].flatMap((side) => bothNetworks(1, side)),
  ];
  return [...usual, ...(software && only === '' ? [] : large)].filter(({ name }) => new RegExp(only).test(name));
}

/** The works of `npm run bench:peers`. */
export function peerWorks(software: boolean): Work[] {
  return [...blocks, ...bothNetworks(4, software ? 128 : 512), ...(software ? [] : bothNetworks(1, 512))];
}

/** Two for each multiply-add of the direct algorithm. */
export function directFlops(work: Work): number {
  return graphOf(work).ops.reduce((sum, op) => sum + flops(op), 0);
}
