/** The config of a checkpoint that came without one. */
import { findCheckpoint, knownCheckpoints, type KnownCheckpoint } from '../../config/checkpoints.ts';
import { type AutoencoderDCConfig, isDiffusersConfig, parseConfig, type StageStack } from '../../config/config.ts';
import { CheckpointError } from '../../errors.ts';
import type { TensorInfo } from './tensor_info.ts';

/** A config, and what its user should be told about it. */
export interface FoundConfig {
  readonly config: AutoencoderDCConfig;
  /** What couldn't be told for certain, and the remedy; `undefined` where nothing is in doubt. */
  readonly warning: string | undefined;
}

/**
 * The config that belongs to a checkpoint: config.json's where that is a diffusers config; that of the released checkpoint which an
 * original config.json (`{"model_name": "dc-ae-f32c32-in-1.0"}`) or the repository names; else what the tensors say.
 *
 * @param json - config.json, parsed; `undefined` where there is none
 * @param tensors - by diffusers' key
 * @param repo - the repository's id, where the checkpoint comes from one
 * @throws ConfigError where config.json can't be used, CheckpointError where nothing tells the config
 */
export function resolveConfig(json: unknown, tensors: ReadonlyMap<string, TensorInfo>, repo?: string): FoundConfig {
  if (isDiffusersConfig(json)) return { config: parseConfig(json), warning: undefined };
  const name = typeof json === 'object' && json !== null && 'model_name' in json ? json.model_name : undefined;
  for (const candidate of [name, repo]) {
    const known = typeof candidate === 'string' ? findCheckpoint(candidate) : undefined;
    if (known !== undefined && fits(known.config, tensors)) return { config: known.config, warning: undefined };
  }
  return inferConfig(tensors);
}

/**
 * The config of the released network that these tensors are of, by the number of blocks in each stage and the width of the latent.
 * The `in` and `mix` checkpoints differ in nothing but their weights and scaling factor: like diffusers, this takes `mix`'s, and
 * says so in `warning`. Unlike diffusers, it knows DC-AE-Lite.
 *
 * @param tensors - by diffusers' key; one half is enough
 * @throws CheckpointError where they are of no released network
 */
export function inferConfig(tensors: ReadonlyMap<string, TensorInfo>): FoundConfig {
  const matches = knownCheckpoints.filter((known) => known.format === 'diffusers' && fits(known.config, tensors));
  const [first] = matches;
  if (first === undefined) {
    throw new CheckpointError(
      'These weights are of none of the released DC-AE networks, so they alone do not tell their config. Pass `config`: the ' +
        "network's config.json as an object.",
    );
  }
  const others = matches.filter((known) => known.scalingFactor !== first.scalingFactor);
  return { config: first.config, warning: others.length === 0 ? undefined : doubt(first, others) };
}

function doubt(taken: KnownCheckpoint, others: readonly KnownCheckpoint[]): string {
  const list = others.map(({ repo, scalingFactor }) => `${repo} (scaling factor ${scalingFactor})`).join(', ');
  return (
    `The weights could be those of ${taken.repo} or of ${list}: they differ in nothing that the file tells. ` +
    `Took the scaling factor ${taken.scalingFactor}; if that is wrong, pass \`config: "${others[0]?.repo ?? ''}"\`.`
  );
}

/** Whether the halves that are there have this network's stages and latent. */
function fits(config: AutoencoderDCConfig, tensors: ReadonlyMap<string, TensorInfo>): boolean {
  const found = { encoder: stagesIn(tensors, 'encoder.down_blocks'), decoder: stagesIn(tensors, 'decoder.up_blocks') };
  if (found.encoder === '' && found.decoder === '') return false;
  const stages = (half: StageStack, has: string): boolean => has === '' || has === stagesOf(half);
  const latent = (key: string, axis: number): boolean => {
    const tensor = tensors.get(key);
    return tensor === undefined || tensor.shape[axis] === config.latentChannels;
  };
  return (
    stages(config.encoder, found.encoder) &&
    stages(config.decoder, found.decoder) &&
    latent('encoder.conv_out.weight', 0) &&
    latent('decoder.conv_in.weight', 1)
  );
}

/** How many modules each stage holds, the resampling one counted: `"3,3,3,4,4,3"`. */
function stagesOf({ layersPerBlock }: StageStack): string {
  return layersPerBlock.map((layers, i) => (layers > 0 && i < layersPerBlock.length - 1 ? layers + 1 : layers)).join();
}

/** The same, counted in a checkpoint's keys; empty where it doesn't hold this half. */
function stagesIn(tensors: ReadonlyMap<string, TensorInfo>, prefix: string): string {
  const modules: number[] = [];
  for (const key of tensors.keys()) {
    const [, stage, index] =
      (key.startsWith(prefix) ? /^\.(\d{1,2})\.(\d{1,4})\./.exec(key.slice(prefix.length)) : null) ?? [];
    if (stage === undefined) continue;
    while (modules.length <= Number(stage)) modules.push(0);
    modules[Number(stage)] = Math.max(modules[Number(stage)] ?? 0, Number(index) + 1);
  }
  return modules.join();
}
