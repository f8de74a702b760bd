import { parseConfig } from './config.ts';
import type { AutoencoderDCConfig } from './types.ts';

/** A checkpoint that was released on huggingface.co. */
export interface KnownCheckpoint {
  /** The repository's id: `owner/name`. */
  readonly repo: string;
  /** A short description, for a list to choose from. */
  readonly title: string;
  /** The format of the files' key names: diffusers, or the original efficientvit code. */
  readonly format: 'diffusers' | 'original';
  readonly config: AutoencoderDCConfig;
  /** The same as `config.scalingFactor`. */
  readonly scalingFactor: number;
  /** Bytes of each network's weights as released (F32), without the file's header. */
  readonly bytes: { readonly encoder: number; readonly decoder: number };
}

/** The parts of a released network that differ from the others. */
interface Network {
  readonly title: string;
  readonly json: Readonly<Record<string, unknown>>;
  readonly bytes: KnownCheckpoint['bytes'];
}

const res = 'ResBlock';
const evit = 'EfficientViTBlock';

/** The network of SANA: six stages, 5×5 multi-scale attention, strided convolutions down and nearest ×2 up. */
const sana = {
  encoder_block_types: [res, res, res, evit, evit, evit],
  decoder_block_types: [res, res, res, evit, evit, evit],
  downsample_block_type: 'conv',
  upsample_block_type: 'interpolate',
  scaling_factor: 0.41407,
};

/**
 * The networks of the DC-AE paper (arXiv 2410.10733; values from diffusers' conversion script), with `deep` stages of
 * attention.
 */
function paper(latentChannels: number, deep: number, scalingFactor: number): Readonly<Record<string, unknown>> {
  const stages = <T>(first: readonly T[], each: T): T[] => [...first, ...Array.from({ length: deep }, () => each)];
  const widths = [128, 256, 512, 512, 1024, 1024, 2048, 2048].slice(0, 3 + deep);
  const blocks = stages([res, res, res], evit);
  const scales = stages<number[]>([[], [], []], []);
  return {
    latent_channels: latentChannels,
    encoder_block_types: blocks,
    decoder_block_types: blocks,
    encoder_block_out_channels: widths,
    decoder_block_out_channels: widths,
    encoder_layers_per_block: stages([0, 4, 8], 2),
    decoder_layers_per_block: stages([0, 5, 10], 2),
    encoder_qkv_multiscales: scales,
    decoder_qkv_multiscales: scales,
    decoder_norm_types: stages(['batch_norm', 'batch_norm', 'batch_norm'], 'rms_norm'),
    decoder_act_fns: stages(['relu', 'relu', 'relu'], 'silu'),
    scaling_factor: scalingFactor,
  };
}

const sanaBytes = { encoder: 612108416, decoder: 636892684 };
const f32Bytes = { encoder: 492689536, decoder: 800787624 };
const f64Bytes = { encoder: 1058202112, decoder: 1649433768 };
const f128Bytes = { encoder: 1662644224, decoder: 2820136104 };

/** By the name that both repositories of a network share. */
const networks = (): Readonly<Record<string, Network>> => ({
  'dc-ae-f32c32-sana-1.1': { title: 'f32c32 SANA 1.1', json: sana, bytes: sanaBytes },
  'dc-ae-f32c32-sana-1.0': { title: 'f32c32 SANA 1.0', json: sana, bytes: sanaBytes },
  'dc-ae-lite-f32c32-sana-1.1': {
    title: 'f32c32 SANA 1.1, Lite decoder',
    json: {
      ...sana,
      decoder_block_types: res,
      decoder_layers_per_block: [0, 3, 5, 4, 4, 4],
      decoder_qkv_multiscales: [[], [], [], [], [], []],
      upsample_block_type: 'pixel_shuffle',
      decoder_conv_act_fn: 'silu',
    },
    bytes: { encoder: 612108416, decoder: 1072616496 },
  },
  'dc-ae-f32c32-mix-1.0': { title: 'f32c32, mixed data', json: paper(32, 3, 0.4552), bytes: f32Bytes },
  'dc-ae-f32c32-in-1.0': { title: 'f32c32, ImageNet', json: paper(32, 3, 0.3189), bytes: f32Bytes },
  'dc-ae-f64c128-mix-1.0': { title: 'f64c128, mixed data', json: paper(128, 4, 0.4538), bytes: f64Bytes },
  'dc-ae-f64c128-in-1.0': { title: 'f64c128, ImageNet', json: paper(128, 4, 0.2889), bytes: f64Bytes },
  'dc-ae-f128c512-mix-1.0': { title: 'f128c512, mixed data', json: paper(512, 5, 0.362), bytes: f128Bytes },
  'dc-ae-f128c512-in-1.0': { title: 'f128c512, ImageNet', json: paper(512, 5, 0.4883), bytes: f128Bytes },
});

/** The networks of DC-AE 1.5: ResBlocks throughout, and no shortcuts around the latent. Source: DC-Gen, dc_ae.py. */
function resNetwork(stages: number): Readonly<Record<string, unknown>> {
  const widths = [128, 256, 512, 512, 1024, 1024, 1024].slice(0, stages);
  const layers = [0, 5, 10, 4, 4, 4, 4].slice(0, stages);
  const scales = widths.map(() => []);
  return {
    latent_channels: 128,
    encoder_block_out_channels: widths,
    decoder_block_out_channels: widths,
    encoder_layers_per_block: layers,
    decoder_layers_per_block: layers,
    encoder_qkv_multiscales: scales,
    decoder_qkv_multiscales: scales,
    encoder_out_shortcut: false,
    decoder_in_shortcut: false,
    decoder_conv_act_fn: 'silu',
  };
}

/** The network of ACE-Step's music autoencoder: SANA's with four stages, for spectrograms of two channels. */
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

/** A network that is recognised by its tensors. Its config.json holds values that they do not tell. */
export interface KnownNetwork {
  readonly title: string;
  readonly config: AutoencoderDCConfig;
}

const recognised = (title: string, json: Readonly<Record<string, unknown>>): KnownNetwork => ({
  title,
  config: parseConfig(json),
});

/** Networks that are recognised if a file comes without config.json. Their scaling factors are not certain. */
export const knownNetworks: readonly KnownNetwork[] = /* @__PURE__ */ [
  recognised('DC-AE 1.5 f32c128', resNetwork(6)),
  recognised('DC-AE 1.5 f64c128', resNetwork(7)),
  recognised("ACE-Step's music DC-AE", music),
];

/** DC-AE-Lite moved: its original format is known from the new owner alone. */
const lite = 'dc-ae-lite-f32c32-sana-1.1';
const liteRepos = [
  ['mit-han-lab/dc-ae-lite-f32c32-sana-1.1-diffusers', 'diffusers'],
  ['dc-ai/dc-ae-lite-f32c32-diffusers', 'diffusers'],
  ['dc-ai/dc-ae-lite-f32c32', 'original'],
] as const;

function release(): readonly KnownCheckpoint[] {
  return Object.entries(networks()).flatMap(([name, { title, json, bytes }]) => {
    const config = parseConfig(json);
    const repos =
      name === lite
        ? liteRepos
        : ([
            [`mit-han-lab/${name}-diffusers`, 'diffusers'],
            [`mit-han-lab/${name}`, 'original'],
          ] as const);
    return repos.map(([repo, format]) => ({ repo, title, format, config, scalingFactor: config.scalingFactor, bytes }));
  });
}

/**
 * Every released DC-AE checkpoint that AutoencoderDC can run, in both formats. Sources: diffusers' documentation of
 * AutoencoderDC and its conversion script, efficientvit's model zoo, and DC-Gen's documentation of DC-AE-Lite.
 */
export const knownCheckpoints: readonly KnownCheckpoint[] = /* @__PURE__ */ release();

/**
 * Returns the released checkpoint with this repository id. A name without an owner, which is also `model_name` in the
 * original repositories' config.json, returns the checkpoint in diffusers format if both formats exist.
 */
export function findCheckpoint(repoOrName: string): KnownCheckpoint | undefined {
  const bare = (name: string): string => name.replace(/^.*\//, '').replace(/-diffusers$/, '');
  const exact = knownCheckpoints.find((known) => known.repo === repoOrName);
  if (exact !== undefined || repoOrName.includes('/')) return exact;
  return knownCheckpoints.find((known) => bare(known.repo) === bare(repoOrName));
}
