// Checkpoints that came after the DC-AE paper: configs parse, tensors match, and single files are recognised.
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { openPretrained } from '../../src/loading/open.ts';
import { compressionRatio, decoder, encoder } from '../../src/model/autoencoder.ts';
import { parameters } from '../../src/model/layers.ts';
import { inferConfig } from '../../src/weights/format/infer.ts';
import { matchParameters } from '../../src/weights/format/parameters.ts';
import { hashSource } from '../support/hash_source.ts';

const res = 'ResBlock';
const evit = 'EfficientViTBlock';

/** SANA's `vae/config.json` (1.0 to 1.5, Sprint, ControlNet). Older files lack the three keys of the second case. */
const sana = {
  _class_name: 'AutoencoderDC',
  attention_head_dim: 32,
  decoder_act_fns: 'silu',
  decoder_block_out_channels: [128, 256, 512, 512, 1024, 1024],
  decoder_block_types: [res, res, res, evit, evit, evit],
  decoder_layers_per_block: [3, 3, 3, 3, 3, 3],
  decoder_norm_types: 'rms_norm',
  decoder_qkv_multiscales: [[], [], [], [5], [5], [5]],
  downsample_block_type: 'Conv',
  encoder_block_out_channels: [128, 256, 512, 512, 1024, 1024],
  encoder_block_types: [res, res, res, evit, evit, evit],
  encoder_layers_per_block: [2, 2, 2, 3, 3, 3],
  encoder_qkv_multiscales: [[], [], [], [5], [5], [5]],
  in_channels: 3,
  latent_channels: 32,
  scaling_factor: 0.41407,
  upsample_block_type: 'interpolate',
};

const later = (widths: readonly number[], layers: readonly number[]) => ({
  _class_name: 'AutoencoderDC',
  latent_channels: 128,
  encoder_block_types: res,
  decoder_block_types: res,
  encoder_block_out_channels: widths,
  decoder_block_out_channels: widths,
  encoder_layers_per_block: layers,
  decoder_layers_per_block: layers,
  encoder_qkv_multiscales: widths.map(() => []),
  decoder_qkv_multiscales: widths.map(() => []),
  encoder_out_shortcut: false,
  decoder_in_shortcut: false,
  decoder_conv_act_fn: 'silu',
  scaling_factor: 0.5,
});

const music = {
  ...sana,
  in_channels: 2,
  latent_channels: 8,
  encoder_block_types: [res, res, res, evit],
  decoder_block_types: [res, res, res, evit],
  encoder_block_out_channels: [128, 256, 512, 1024],
  decoder_block_out_channels: [128, 256, 512, 1024],
  encoder_layers_per_block: [2, 2, 3, 3],
  decoder_layers_per_block: [3, 3, 3, 3],
  encoder_qkv_multiscales: [[], [], [5], [5]],
  decoder_qkv_multiscales: [[], [], [5], [5]],
};

const lateKeys = { encoder_out_shortcut: true, decoder_in_shortcut: true, decoder_conv_act_fn: 'relu' };

describe.each<[string, Record<string, unknown>, number]>([
  ["SANA's vae subfolder", sana, 32],
  ["SANA's vae subfolder with all keys", { ...sana, ...lateKeys }, 32],
  ['DC-AE 1.5 f32c128', later([128, 256, 512, 512, 1024, 1024], [0, 5, 10, 4, 4, 4]), 32],
  ['DC-AE 1.5 f64c128', later([128, 256, 512, 512, 1024, 1024, 1024], [0, 5, 10, 4, 4, 4, 4]), 64],
  ["ACE-Step's music DC-AE", music, 8],
])('%s', (name, json, ratio) => {
  test('parses, and its tensors match', async () => {
    const source = hashSource(json);
    const { config, checkpoint } = await openPretrained(source, {}, async () => source);
    expect([compressionRatio(encoder(config)), compressionRatio(decoder(config))]).toEqual([ratio, ratio]);
    const expected = [encoder(config), decoder(config)].flatMap(parameters);
    const { tensors, surplus } = matchParameters(expected, checkpoint.tensors);
    expect([tensors.size, surplus]).toEqual([expected.length, []]);
  });

  test('is recognised by its tensors', async () => {
    const warnings: string[] = [];
    const whole = hashSource(json);
    const source = {
      ...whole,
      size: async (path: string) => (path === 'config.json' ? undefined : await whole.size(path)),
    };
    const onWarning = (message: string) => void warnings.push(message);
    const { config } = await openPretrained(source, { onWarning }, async () => source);
    expect({ ...config, scalingFactor: 1 }).toEqual({ ...parseConfig(json), scalingFactor: 1 });
    const doubt = expect.stringContaining(`the tensors of ${name}, but these do not tell the scaling factor`);
    expect(warnings).toEqual(name.startsWith('SANA') ? [] : [doubt]);
  });
});

test('One network alone is recognised', async () => {
  const source = hashSource(music);
  const { checkpoint } = await openPretrained(source, {}, async () => source);
  const tensors = new Map([...checkpoint.tensors].filter(([key]) => key.startsWith('decoder.')));
  expect(inferConfig(tensors).config.inChannels).toBe(2);
});
