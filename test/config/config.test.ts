// config.json as diffusers writes it: defaults, unknown keys, hostile values, and the error that names each mistake.
import { describe, expect, test } from 'vitest';
import { isDiffusersConfig, parseConfig } from '../../src/config/config.ts';
import { ConfigError } from '../../src/errors.ts';
import { compressionRatio, decoder, encoder } from '../../src/model/autoencoder.ts';

/** Two stages that work, to break one thing at a time. */
const small = {
  latent_channels: 4,
  attention_head_dim: 8,
  encoder_block_types: ['ResBlock', 'EfficientViTBlock'],
  decoder_block_types: ['ResBlock', 'EfficientViTBlock'],
  encoder_block_out_channels: [8, 16],
  decoder_block_out_channels: [8, 16],
  encoder_layers_per_block: [1, 1],
  decoder_layers_per_block: [1, 1],
  encoder_qkv_multiscales: [[], [5]],
  decoder_qkv_multiscales: [[], [5]],
};

const complaint = (json: unknown): string => {
  try {
    parseConfig(json);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'no complaint';
};

describe('parseConfig', () => {
  test("takes diffusers' defaults for what is missing", () => {
    const config = parseConfig({});
    expect(config).toMatchObject({
      inChannels: 3,
      latentChannels: 32,
      attentionHeadDim: 32,
      downsample: 'pixel_unshuffle',
      upsample: 'pixel_shuffle',
      encoderOutShortcut: true,
      decoderInShortcut: true,
      decoderConvActFn: 'relu',
      scalingFactor: 1,
    });
    const six = <T>(value: T): T[] => [value, value, value, value, value, value];
    const both = {
      blockTypes: six('ResBlock'),
      blockOutChannels: [128, 256, 512, 512, 1024, 1024],
      qkvMultiscales: [[], [], [], [5], [5], [5]],
      normTypes: six('rms_norm'),
      actFns: six('silu'),
    };
    expect(config.encoder).toEqual({ ...both, layersPerBlock: [2, 2, 2, 3, 3, 3] });
    expect(config.decoder).toEqual({ ...both, layersPerBlock: six(3) });
  });

  test('lets unknown keys pass and takes one string for all stages', () => {
    const config = parseConfig({
      ...small,
      _class_name: 'AutoencoderDC',
      _diffusers_version: '0.40.0',
      something_new: { a: 1 },
      decoder_norm_types: 'batch_norm',
      decoder_act_fns: 'relu',
      encoder_block_types: 'EfficientViTBlock',
    });
    expect(config.decoder.normTypes).toEqual(['batch_norm', 'batch_norm']);
    expect(config.decoder.actFns).toEqual(['relu', 'relu']);
    expect(config.encoder.blockTypes).toEqual(['EfficientViTBlock', 'EfficientViTBlock']);
    expect(config.encoder.normTypes).toEqual(['rms_norm', 'rms_norm']);
    expect(config.encoder.actFns).toEqual(['silu', 'silu']);
  });

  test('reads resampling types as diffusers does: one name means one thing, any other string the other', () => {
    for (const name of ['conv', 'Conv', 'interpolate', 'PIXEL_UNSHUFFLE', '']) {
      expect(parseConfig({ ...small, downsample_block_type: name }).downsample).toBe('conv');
    }
    for (const name of ['pixel_shuffle', 'Interpolate', 'conv', '']) {
      expect(parseConfig({ ...small, upsample_block_type: name }).upsample).toBe('pixel_shuffle');
    }
    expect(parseConfig({ ...small, downsample_block_type: 'pixel_unshuffle' }).downsample).toBe('pixel_unshuffle');
    expect(parseConfig({ ...small, upsample_block_type: 'interpolate' }).upsample).toBe('interpolate');
    expect(complaint({ ...small, upsample_block_type: null })).toContain(
      'upsample_block_type was null; allowed: a string',
    );
  });

  test('knows every activation of get_activation, in any case', () => {
    const config = parseConfig({ ...small, decoder_act_fns: ['SiLU', 'swish'], decoder_conv_act_fn: 'GELU' });
    expect(config.decoder.actFns).toEqual(['silu', 'silu']);
    expect(config.decoderConvActFn).toBe('gelu');
    expect(parseConfig({ ...small, decoder_act_fns: ['Mish', 'relu'] }).decoder.actFns).toEqual(['mish', 'relu']);
  });

  test('serves smaller networks with the first entries of defaults, missing or written out', () => {
    const three = {
      encoder_block_out_channels: [32, 32, 64],
      decoder_block_out_channels: [32, 32, 64],
      encoder_layers_per_block: [1, 1, 1],
      encoder_qkv_multiscales: [[], [], [], [5], [5], [5]],
    };
    const config = parseConfig(three);
    expect(config.encoder.qkvMultiscales).toEqual([[], [], []]);
    expect(config.decoder.layersPerBlock).toEqual([3, 3, 3]);
  });

  test('is frozen to its last list', () => {
    const json = structuredClone(small);
    const config = parseConfig(json);
    const visit = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      expect(Object.isFrozen(value)).toBe(true);
      Object.values(value).forEach(visit);
    };
    visit(config);
    json.encoder_block_out_channels[0] = 99; // what the caller holds stays the caller's
    expect(config.encoder.blockOutChannels).toEqual([8, 16]);
    expect(Object.isFrozen(json.encoder_block_out_channels)).toBe(false);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['no channels', { in_channels: 0 }, 'in_channels was 0; allowed: a whole number from 1 to 65536'],
    ['half a channel', { latent_channels: 3.5 }, 'latent_channels was 3.5'],
    ['a number as text', { attention_head_dim: '8' }, 'attention_head_dim was "8"'],
    ['null', { in_channels: null }, 'in_channels was null'],
    [
      'an unknown block',
      { encoder_block_types: ['ResBlock', 'VitBlock'] },
      'encoder_block_types[1] was "VitBlock"; allowed: "ResBlock", "EfficientViTBlock"',
    ],
    ['an unknown block for all', { decoder_block_types: 'resblock' }, 'decoder_block_types was "resblock"'],
    [
      'an unknown activation',
      { decoder_act_fns: ['silu', 'relu6'] },
      'decoder_act_fns[1] was "relu6"; allowed: "silu", "swish", "relu", "gelu", "mish"',
    ],
    [
      'a norm that diffusers gets wrong',
      { decoder_norm_types: 'layer_norm' },
      'decoder_norm_types was "layer_norm"; allowed: "rms_norm", "batch_norm" (diffusers',
    ],
    [
      'an even kernel',
      { encoder_qkv_multiscales: [[], [4]] },
      'encoder_qkv_multiscales[1][0] was 4; allowed: an odd kernel size',
    ],
    ['a negative kernel', { encoder_qkv_multiscales: [[], [-5]] }, 'encoder_qkv_multiscales[1][0] was -5'],
    ['a flat list of kernels', { decoder_qkv_multiscales: [5, 5] }, 'decoder_qkv_multiscales[0] was 5'],
    ['a negative depth', { decoder_layers_per_block: [1, -1] }, 'decoder_layers_per_block[1] was -1'],
    [
      'too short a list',
      { encoder_layers_per_block: [1] },
      'encoder_layers_per_block was a list of 1: [1]; allowed: one entry for each of the 2 stages of encoder_block_out_channels',
    ],
    ['too long a list', { decoder_act_fns: ['silu', 'silu', 'silu'] }, 'decoder_act_fns was a list of 3'],
    ['no stages', { encoder_block_out_channels: [] }, 'encoder_block_out_channels was a list of 0'],
    ['a width of no kind', { encoder_block_out_channels: [8, 'wide'] }, 'encoder_block_out_channels[1] was "wide"'],
    ['a flag as text', { encoder_out_shortcut: 'true' }, 'encoder_out_shortcut was "true"; allowed: true or false'],
    ['a scaling factor of zero', { scaling_factor: 0 }, 'scaling_factor was 0; allowed: a finite number other than 0'],
    [
      'a latent that does not divide the width',
      { latent_channels: 6 },
      'encoder_block_out_channels[1] was 16; allowed: a multiple of latent_channels (6) while encoder_out_shortcut is true',
    ],
    [
      'a latent wider than the width',
      { latent_channels: 32 },
      'a multiple of latent_channels (32) while decoder_in_shortcut is true',
    ],
    [
      'widths that cannot be averaged',
      { encoder_block_out_channels: [8, 20] },
      'encoder_block_out_channels[1] was 20; allowed: a divisor of 4 x encoder_block_out_channels[0] = 32',
    ],
    [
      'widths that cannot be repeated',
      { decoder_block_out_channels: [8, 12] },
      'decoder_block_out_channels[1] was 12; allowed: a divisor of 4 x decoder_block_out_channels[0] = 32',
    ],
    [
      'a width that cannot be unshuffled',
      { encoder_block_out_channels: [9, 18], latent_channels: 1 },
      'encoder_block_out_channels[1] was 18; allowed: a multiple of 4',
    ],
    [
      'attention narrower than a head',
      { attention_head_dim: 17 },
      'encoder_block_out_channels[1] was 16; allowed: at least attention_head_dim (17)',
    ],
  ])('names the key, the value and what is allowed: %s', (_, change, message) => {
    expect(complaint({ ...small, ...change })).toContain(message);
  });

  test('names all that is wrong in one error', () => {
    const message = complaint({
      ...small,
      in_channels: -1,
      decoder_act_fns: 'tanh',
      scaling_factor: 'x',
      decoder_qkv_multiscales: [[2], [5]],
    });
    for (const key of [
      'in_channels was -1',
      'decoder_act_fns was "tanh"',
      'scaling_factor was "x"',
      'decoder_qkv_multiscales[0][0] was 2',
    ]) {
      expect(message).toContain(key);
    }
    expect(message).toContain('Use the config.json that came with the weights.');
  });

  test('says what came instead of an object, and whose config it is', () => {
    for (const json of [null, undefined, 3, 'text', [small]])
      expect(complaint(json)).toContain('config.json must hold an object');
    expect(complaint({ _class_name: 'AutoencoderKL', latent_channels: 4 })).toContain(
      '"AutoencoderKL", allowed: "AutoencoderDC"',
    );
    expect(isDiffusersConfig({ model_name: 'dc-ae-f32c32-in-1.0' })).toBe(false);
    expect(isDiffusersConfig(small)).toBe(true);
  });

  test('survives hostile values', () => {
    const loop: Record<string, unknown> = { ...small };
    loop['in_channels'] = loop;
    expect(complaint(loop)).toContain('in_channels was');
    expect(complaint({ ...small, encoder_layers_per_block: [1e9, 1e9] })).toContain(
      'encoder_layers_per_block[0] was 1000000000',
    );
    expect(complaint({ ...small, encoder_block_out_channels: new Array(1e6).fill(8) })).toContain('a list of 1000000');
    const thousand = new Array(1000).fill('x');
    expect(complaint({ ...small, encoder_layers_per_block: thousand })).toContain('and 980 more');
    expect(complaint({ ...small, in_channels: 'x'.repeat(1e6) }).length).toBeLessThan(500);
    expect(complaint({ ...small, latent_channels: 2n })).toContain('latent_channels was 2n');
  });
});

describe('stages without layers', () => {
  const stages = (layers: readonly number[], widths: readonly number[]) => ({
    latent_channels: 4,
    downsample_block_type: 'conv',
    encoder_block_out_channels: widths,
    decoder_block_out_channels: widths,
    encoder_layers_per_block: layers,
    decoder_layers_per_block: layers,
    encoder_qkv_multiscales: widths.map(() => []),
    decoder_qkv_multiscales: widths.map(() => []),
  });

  test('do not resample, so the true ratio is not 2^(stages - 1)', () => {
    const config = parseConfig(stages([1, 0, 1, 0], [8, 16, 16, 16]));
    expect(compressionRatio(encoder(config))).toBe(4);
    expect(compressionRatio(decoder(config))).toBe(4);
  });

  test('resample at the image when they come first', () => {
    const config = parseConfig(stages([0, 1, 1], [7, 8, 16]));
    expect(compressionRatio(encoder(config))).toBe(4);
    const quarter = { ...stages([0, 1], [8, 6]), downsample_block_type: 'pixel_unshuffle', latent_channels: 3 };
    expect(complaint(quarter)).toContain('encoder_block_out_channels[1] was 6; allowed: a multiple of 4');
    expect(complaint(stages([0], [8]))).toContain('encoder_layers_per_block[0] was 0; allowed: at least 1');
    expect(compressionRatio(encoder(parseConfig(stages([1], [8]))))).toBe(1);
  });

  test('must leave widths that fit together', () => {
    expect(complaint(stages([1, 0, 1], [8, 16, 32]))).toContain(
      'encoder_block_out_channels[2] was 32; allowed: 16, the width of stage 1',
    );
    expect(complaint(stages([0, 0, 1], [8, 16, 32]))).toContain('decoder_block_out_channels[2] was 32; allowed: 16');
    expect(complaint(stages([1, 0, 0], [8, 16, 32]))).toContain('encoder_block_out_channels[2] was 32; allowed: 16');
    // Nothing looks at the width of a first stage without layers, nor at one that no block has.
    expect(complaint(stages([0, 1, 1], [5, 8, 16]))).toBe('no complaint');
  });
});
