import type { ActivationName, AutoencoderDCConfig } from '../config/config.ts';
import {
  dcDownBlock2d,
  dcUpBlock2d,
  efficientViTBlock,
  resBlock,
  type Block,
  type DCDownBlock2d,
  type DCUpBlock2d,
} from './blocks.ts';
import { conv2d, rmsNorm, type Conv2d, type RMSNorm } from './layers.ts';

/** Image to latent. Source: diffusers `Encoder` in autoencoder_dc.py. */
export interface Encoder {
  readonly type: 'Encoder';
  readonly convIn: Conv2d | DCDownBlock2d;
  /** Stages, in the order in which they run. */
  readonly stages: readonly (readonly Block[])[];
  readonly convOut: Conv2d;
  /** Add the mean of consecutive channels of convOut's input to its output. */
  readonly outShortcut: boolean;
}

/** Latent to image. Source: diffusers `Decoder` in autoencoder_dc.py. */
export interface Decoder {
  readonly type: 'Decoder';
  readonly convIn: Conv2d;
  /** Add the repeated channels of convIn's input to its output. */
  readonly inShortcut: boolean;
  /** Stages, in the order in which they run: the deepest first. */
  readonly stages: readonly (readonly Block[])[];
  readonly normOut: RMSNorm;
  readonly convAct: ActivationName;
  readonly convOut: Conv2d | DCUpBlock2d;
}

/** The encoder's module tree; module paths are diffusers' keys. */
export function encoder(config: AutoencoderDCConfig): Encoder {
  const { blockTypes, blockOutChannels: widths, layersPerBlock, qkvMultiscales } = config.encoder;
  const unshuffle = config.downsample === 'pixel_unshuffle';
  const last = widths.length - 1;
  const stages = widths.map((width, i) => {
    const path = (j: number): string => `encoder.down_blocks.${i}.${j}`;
    const count = at(layersPerBlock, i);
    const blocks: Block[] = Array.from({ length: count }, (_, j) =>
      at(blockTypes, i) === 'ResBlock'
        ? resBlock(path(j), width, 'rms_norm', 'silu')
        : efficientViTBlock(path(j), width, config.attentionHeadDim, at(qkvMultiscales, i), 'rms_norm'),
    );
    if (i < last && count > 0) blocks.push(dcDownBlock2d(path(count), width, at(widths, i + 1), unshuffle, true));
    return blocks;
  });
  return {
    type: 'Encoder',
    convIn:
      at(layersPerBlock, 0) > 0
        ? conv2d('encoder.conv_in', config.inChannels, at(widths, 0))
        : dcDownBlock2d('encoder.conv_in', config.inChannels, at(widths, 1), unshuffle, false),
    stages,
    convOut: conv2d('encoder.conv_out', at(widths, last), config.latentChannels),
    outShortcut: config.encoderOutShortcut,
  };
}

/** The decoder's module tree; module paths are diffusers' keys. */
export function decoder(config: AutoencoderDCConfig): Decoder {
  const { blockTypes, blockOutChannels: widths, layersPerBlock, qkvMultiscales, normTypes, actFns } = config.decoder;
  const interpolate = config.upsample === 'interpolate';
  const last = widths.length - 1;
  const stages = widths.map((width, i) => {
    const path = (j: number): string => `decoder.up_blocks.${i}.${j}`;
    const count = at(layersPerBlock, i);
    const up: Block[] =
      i < last && count > 0 ? [dcUpBlock2d(path(0), at(widths, i + 1), width, interpolate, true)] : [];
    const blocks: Block[] = Array.from({ length: count }, (_, j) =>
      at(blockTypes, i) === 'ResBlock'
        ? resBlock(path(up.length + j), width, at(normTypes, i), at(actFns, i))
        : efficientViTBlock(
            path(up.length + j),
            width,
            config.attentionHeadDim,
            at(qkvMultiscales, i),
            at(normTypes, i),
          ),
    );
    return [...up, ...blocks];
  });
  const whole = at(layersPerBlock, 0) > 0;
  const width = at(widths, whole ? 0 : 1);
  return {
    type: 'Decoder',
    convIn: conv2d('decoder.conv_in', config.latentChannels, at(widths, last)),
    inShortcut: config.decoderInShortcut,
    stages: stages.reverse(),
    normOut: rmsNorm('decoder.norm_out', width),
    convAct: config.decoderConvActFn,
    convOut: whole
      ? conv2d('decoder.conv_out', width, config.inChannels)
      : dcUpBlock2d('decoder.conv_out', width, config.inChannels, interpolate, false),
  };
}

function at<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw new RangeError(`a config without stage ${index} passed parseConfig`);
  return value;
}

/** Returns the pixels of an image's side for each pixel of the latent, as this network resamples. */
export function compressionRatio(network: Encoder | Decoder): number {
  const blocks = [network.convIn, ...network.stages.flat(), network.convOut];
  return 2 ** blocks.filter(({ type }) => type === 'DCDownBlock2d' || type === 'DCUpBlock2d').length;
}
