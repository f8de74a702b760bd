import { isJsonObject } from './fields.ts';
import type { AutoencoderDCConfig } from './types.ts';

/** Whether a value is a config from `parseConfig` rather than a config.json, whose keys are written differently. */
export function isParsedConfig(value: unknown): value is AutoencoderDCConfig {
  return (
    isJsonObject(value) && 'latentChannels' in value && isJsonObject(value['encoder']) && isJsonObject(value['decoder'])
  );
}

/** Returns the config.json of a config: `parseConfig` reads the same config from it. */
export function configToJson(config: AutoencoderDCConfig): Readonly<Record<string, unknown>> {
  const { encoder, decoder } = config;
  return {
    _class_name: 'AutoencoderDC',
    in_channels: config.inChannels,
    latent_channels: config.latentChannels,
    attention_head_dim: config.attentionHeadDim,
    encoder_block_types: encoder.blockTypes,
    decoder_block_types: decoder.blockTypes,
    encoder_block_out_channels: encoder.blockOutChannels,
    decoder_block_out_channels: decoder.blockOutChannels,
    encoder_layers_per_block: encoder.layersPerBlock,
    decoder_layers_per_block: decoder.layersPerBlock,
    encoder_qkv_multiscales: encoder.qkvMultiscales,
    decoder_qkv_multiscales: decoder.qkvMultiscales,
    upsample_block_type: config.upsample,
    downsample_block_type: config.downsample,
    decoder_norm_types: decoder.normTypes,
    decoder_act_fns: decoder.actFns,
    encoder_out_shortcut: config.encoderOutShortcut,
    decoder_in_shortcut: config.decoderInShortcut,
    decoder_conv_act_fn: config.decoderConvActFn,
    scaling_factor: config.scalingFactor,
    ...(config.uniformQuantiserStep !== undefined && { uniform_quantiser_step: config.uniformQuantiserStep }),
  };
}
