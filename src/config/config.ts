import { ConfigError } from '../errors.ts';
import { widthProblems } from './chain.ts';
import {
  type Complain,
  flag,
  integer,
  isJsonObject,
  listLength,
  listOf,
  nonZero,
  oneOf,
  positive,
  type Reader,
  show,
  text,
} from './fields.ts';
import type { ActivationName, AutoencoderDCConfig, BlockType, NormType, StageStack } from './types.ts';

export type { ActivationName, AutoencoderDCConfig, BlockType, NormType, StageStack } from './types.ts';

const blockTypes = new Map<string, BlockType>([
  ['ResBlock', 'ResBlock'],
  ['EfficientViTBlock', 'EfficientViTBlock'],
]);
const normTypes = new Map<string, NormType>([
  ['rms_norm', 'rms_norm'],
  ['batch_norm', 'batch_norm'],
]);
const rejectedNorms = new Map([
  ['layer_norm', "diffusers' blocks would run layer_norm over the image's width instead of its channels"],
]);
const activations = new Map<string, ActivationName>([
  ['silu', 'silu'],
  ['swish', 'silu'],
  ['relu', 'relu'],
  ['gelu', 'gelu'],
  ['mish', 'mish'],
]);

const activation = oneOf(activations, { foldCase: true });
// Upper limits are far beyond any checkpoint: they keep a hostile config from building a tree that fills the memory.
const width = integer(1, 65536);
const layers = integer(0, 1024);
const maxStages = 16;
const kernelSize: Reader<number> = (value, path, complain) => {
  const size = typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 255 ? value : 0;
  if (size % 2 === 1) return size;
  complain(path, show(value), 'an odd kernel size from 1 to 255');
  return undefined;
};

/** The defaults of diffusers' `AutoencoderDC.__init__`, under its own names. */
const defaults = {
  in_channels: 3,
  latent_channels: 32,
  attention_head_dim: 32,
  encoder_block_types: 'ResBlock',
  decoder_block_types: 'ResBlock',
  encoder_block_out_channels: [128, 256, 512, 512, 1024, 1024],
  decoder_block_out_channels: [128, 256, 512, 512, 1024, 1024],
  encoder_layers_per_block: [2, 2, 2, 3, 3, 3],
  decoder_layers_per_block: [3, 3, 3, 3, 3, 3],
  encoder_qkv_multiscales: [[], [], [], [5], [5], [5]],
  decoder_qkv_multiscales: [[], [], [], [5], [5], [5]],
  upsample_block_type: 'pixel_shuffle',
  downsample_block_type: 'pixel_unshuffle',
  decoder_norm_types: 'rms_norm',
  decoder_act_fns: 'silu',
  encoder_out_shortcut: true,
  decoder_in_shortcut: true,
  decoder_conv_act_fn: 'relu',
  scaling_factor: 1,
} as const;

type Key = keyof typeof defaults;

/** The one key that diffusers does not have. It ignores the key with a warning. */
const STEP_KEY = 'uniform_quantiser_step';

/**
 * Whether `json` has at least one key of a diffusers AutoencoderDC config; the original repositories' config.json has
 * none.
 */
export function isDiffusersConfig(json: unknown): boolean {
  return isJsonObject(json) && ('_class_name' in json || Object.keys(defaults).some((key) => key in json));
}

/**
 * Reads a diffusers config.json (already parsed from JSON). Keys that are missing take diffusers' own defaults, keys
 * that it doesn't know (`_class_name`, `_diffusers_version`, …) pass. Per-stage values may be one string or a list. As
 * in diffusers, any `downsample_block_type` but `"pixel_unshuffle"` is a strided convolution, and any
 * `upsample_block_type` but `"interpolate"` is a pixel shuffle.
 *
 * Source: diffusers, models/autoencoders/autoencoder_dc.py.
 *
 * @returns the config, deeply frozen
 * @throws ConfigError that names every value that can't be used, what it was and what is allowed
 */
export function parseConfig(json: unknown): AutoencoderDCConfig {
  if (!isJsonObject(json)) {
    throw new ConfigError(
      `config.json must hold an object such as {"latent_channels": 32, ...}, but was ${show(json)}.`,
    );
  }
  const className = json['_class_name'];
  if (typeof className === 'string' && !className.includes('AutoencoderDC')) {
    throw new ConfigError(
      `config.json: _class_name is ${show(className)}, allowed: "AutoencoderDC". This config belongs to ` +
        'another part of a pipeline; ' +
        'give the folder of the autoencoder, usually "vae".',
    );
  }

  const problems: string[] = [];
  const complain: Complain = (path, was, allowed) => {
    problems.push(`${path} was ${was}; allowed: ${allowed}`);
  };
  const get = <T>(key: Key, read: Reader<T>): T | undefined =>
    read(json[key] === undefined ? defaults[key] : json[key], key, complain);

  /** One entry for each stage, or one string for all of them. */
  const perStage = <T>(key: Key, read: Reader<T>, stages: number | undefined): readonly T[] | undefined => {
    const given = json[key] === undefined ? defaults[key] : json[key];
    if (typeof given === 'string') {
      const value = read(given, key, complain);
      return value === undefined ? undefined : Array.from({ length: stages ?? 0 }, () => value);
    }
    // Without a width list there is nothing to compare the length with, but the items can still be checked.
    const list = listOf(read, 0, stages === undefined ? maxStages : Number.MAX_SAFE_INTEGER)(
      trimDefault(key, given, stages),
      key,
      complain,
    );
    if (list === undefined || stages === undefined || list.length === stages) return list;
    const origin = json[key] === undefined ? ' (the default, as it is missing)' : '';
    const which = key.startsWith('encoder') ? 'encoder' : 'decoder';
    complain(
      key,
      listLength(list) + origin,
      `one entry for each of the ${stages} stages of ${which}_block_out_channels`,
    );
    return undefined;
  };

  const stackOf = (side: 'encoder' | 'decoder'): StageStack | undefined => {
    const blockOutChannels = get(`${side}_block_out_channels`, listOf(width, 1, maxStages));
    const stages = blockOutChannels?.length;
    const stack = {
      blockTypes: perStage(`${side}_block_types`, oneOf(blockTypes), stages),
      layersPerBlock: perStage(`${side}_layers_per_block`, layers, stages),
      qkvMultiscales: perStage(`${side}_qkv_multiscales`, listOf(kernelSize, 0, 16), stages),
      normTypes:
        side === 'encoder'
          ? Array.from({ length: stages ?? 0 }, (): NormType => 'rms_norm')
          : perStage('decoder_norm_types', oneOf(normTypes, { rejected: rejectedNorms }), stages),
      actFns:
        side === 'encoder'
          ? Array.from({ length: stages ?? 0 }, (): ActivationName => 'silu')
          : perStage('decoder_act_fns', activation, stages),
    };
    return blockOutChannels === undefined ? undefined : complete({ blockOutChannels, ...stack });
  };

  const config = complete({
    inChannels: get('in_channels', width),
    latentChannels: get('latent_channels', width),
    attentionHeadDim: get('attention_head_dim', width),
    encoder: stackOf('encoder'),
    decoder: stackOf('decoder'),
    downsample: choose(get('downsample_block_type', text), 'pixel_unshuffle', 'conv'),
    upsample: choose(get('upsample_block_type', text), 'interpolate', 'pixel_shuffle'),
    encoderOutShortcut: get('encoder_out_shortcut', flag),
    decoderInShortcut: get('decoder_in_shortcut', flag),
    decoderConvActFn: get('decoder_conv_act_fn', activation),
    scalingFactor: get('scaling_factor', nonZero),
  });
  const step = json[STEP_KEY];
  const uniformQuantiserStep = step === undefined ? undefined : positive(step, STEP_KEY, complain);
  if (config !== undefined && problems.length === 0) problems.push(...widthProblems(config));
  if (config === undefined || problems.length > 0) throw configError(problems);
  return deepFreeze(uniformQuantiserStep === undefined ? config : { ...config, uniformQuantiserStep });
}

/** Returns `yes` if that was written, otherwise `no`; undefined stays undefined. */
function choose<Y extends string, N extends string>(written: string | undefined, yes: Y, no: N): Y | N | undefined {
  if (written === undefined) return undefined;
  return written === yes ? yes : no;
}

/**
 * diffusers reads the first entries of a list that is too long. A list that was written may well be a mistake and is
 * refused, but the default of six entries must serve smaller networks too, and `save_config` writes defaults out.
 */
function trimDefault(key: Key, given: unknown, stages: number | undefined): unknown {
  if (stages === undefined || !Array.isArray(given) || given.length <= stages) return given;
  return JSON.stringify(given) === JSON.stringify(defaults[key]) ? given.slice(0, stages) : given;
}

/** The object, once none of its values is `undefined`. */
function complete<T extends object>(partial: { readonly [K in keyof T]: T[K] | undefined }): T | undefined {
  const isComplete = (value: { readonly [K in keyof T]: T[K] | undefined }): value is {
    readonly [K in keyof T]: T[K];
  } & T => Object.values(value).every((entry) => entry !== undefined);
  return isComplete(partial) ? partial : undefined;
}

const printed = 20;

function configError(problems: readonly string[]): ConfigError {
  const [first = 'unreadable', ...rest] = problems;
  const remedy = 'Use the config.json that came with the weights.';
  if (rest.length === 0) return new ConfigError(`config.json can't be used: ${first}. ${remedy}`);
  const lines = problems.slice(0, printed).map((problem) => `\n- ${problem}`);
  const more = problems.length > printed ? `\n- and ${problems.length - printed} more` : '';
  return new ConfigError(`config.json can't be used:${lines.join('')}${more}\n${remedy}`);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const entry of Object.values(value)) deepFreeze(entry);
  }
  return value;
}
