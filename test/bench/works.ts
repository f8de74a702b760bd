import { parseConfig } from '../../src/config/config.ts';
import { buildGraph, GraphBuilder, type Graph } from '../../src/graph/build.ts';
import { channelsOf, type Tensor } from '../../src/graph/tensor.ts';
import { decoder, encoder } from '../../src/model/autoencoder.ts';
import { efficientViTBlock, resBlock } from '../../src/model/blocks.ts';
import { conv2d } from '../../src/model/layers.ts';

/** Something to time. */
export interface Work {
  readonly name: string;
  readonly graph: Graph;
}

function single(channels: number, side: number, build: (builder: GraphBuilder, x: Tensor) => Tensor): Graph {
  const builder = new GraphBuilder();
  const input = builder.tensor('input', { n: 1, height: side, width: side }, channelsOf(channels));
  const output = build(builder, input);
  return { ops: builder.ops, input, output };
}

/** f32c32-sana-1.0 with all widths divided by 4. */
export const quarterSana = {
  encoder_block_types: ['ResBlock', 'ResBlock', 'ResBlock', ...Array<string>(3).fill('EfficientViTBlock')],
  decoder_block_types: ['ResBlock', 'ResBlock', 'ResBlock', ...Array<string>(3).fill('EfficientViTBlock')],
  encoder_block_out_channels: [32, 64, 128, 128, 256, 256],
  decoder_block_out_channels: [32, 64, 128, 128, 256, 256],
  downsample_block_type: 'conv',
  upsample_block_type: 'interpolate',
};

/** What `npm run bench` times: the works that the peers' figures are for. */
export function works(): Work[] {
  const config = parseConfig(quarterSana);
  const half = (side: number): Work[] => [
    { name: `SANA / 4 encoder ${side}²`, graph: buildGraph(encoder(config), { n: 1, height: side, width: side }) },
    {
      name: `SANA / 4 decoder ${side}²`,
      graph: buildGraph(decoder(config), { n: 1, height: side / 32, width: side / 32 }),
    },
  ];
  return [
    { name: 'conv 3x3 128>128 128²', graph: single(128, 128, (b, x) => b.conv(conv2d('c', 128, 128), x)) },
    { name: 'conv 3x3 512>512 32²', graph: single(512, 32, (b, x) => b.conv(conv2d('c', 512, 512), x)) },
    {
      name: 'conv 1x1 512>4096 32²',
      graph: single(512, 32, (b, x) => b.conv(conv2d('c', 512, 4096, { kernel: 1 }), x)),
    },
    {
      name: 'ResBlock 128 128²',
      graph: single(128, 128, (b, x) => b.block(resBlock('r', 128, 'rms_norm', 'silu'), x)),
    },
    {
      name: 'EfficientViTBlock 512 16²',
      graph: single(512, 16, (b, x) => b.block(efficientViTBlock('e', 512, 32, [5], 'rms_norm'), x)),
    },
    ...half(256),
  ];
}
