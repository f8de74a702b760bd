/** Finds the config of a checkpoint, even if it comes without one. */
import { findCheckpoint, knownCheckpoints, knownNetworks, type KnownCheckpoint } from '../../config/checkpoints.ts';
import { type AutoencoderDCConfig, isDiffusersConfig, parseConfig, type StageStack } from '../../config/config.ts';
import { CheckpointError } from '../../errors.ts';
import type { TensorInfo } from './tensor_info.ts';

/** A config, and a doubt to report to the user. */
export interface FoundConfig {
  readonly config: AutoencoderDCConfig;
  /** Why the config may be wrong, with the remedy; `undefined` if it is certain. */
  readonly warning: string | undefined;
}

/** Hints for `resolveConfig`. */
export interface ConfigHints {
  /** The repository's id, if the checkpoint comes from one. */
  readonly repo?: string | undefined;
  /** Why there is no config.json, as a sentence for error messages. */
  readonly noConfig?: string | undefined;
}

/**
 * Finds the config of a checkpoint. A diffusers config.json decides. Otherwise it is the config of a released
 * checkpoint: the one that an original config.json names (`{"model_name": "dc-ae-f32c32-in-1.0"}`), the one of the
 * repository, or the one that the tensors fit.
 *
 * @param json - config.json, parsed; `undefined` if there is none
 * @param tensors - by diffusers' key
 * @throws ConfigError if config.json cannot be used, CheckpointError if nothing tells the config
 */
export function resolveConfig(
  json: unknown,
  tensors: ReadonlyMap<string, TensorInfo>,
  { repo, noConfig }: ConfigHints = {},
): FoundConfig {
  if (isDiffusersConfig(json)) return { config: parseConfig(json), warning: undefined };
  const name = typeof json === 'object' && json !== null && 'model_name' in json ? json.model_name : undefined;
  for (const candidate of [name, repo]) {
    const known = typeof candidate === 'string' ? findCheckpoint(candidate) : undefined;
    if (known !== undefined && fits(known.config, tensors)) return { config: known.config, warning: undefined };
  }
  return inferConfig(tensors, noConfig);
}

/**
 * Finds the released network that these tensors belong to, by the number of blocks in each stage and the channels of
 * the latent. The `in` and `mix` checkpoints differ only in their weights and scaling factor: like diffusers, this
 * takes `mix` and says so in `warning`. Unlike diffusers, it knows DC-AE-Lite.
 *
 * @param tensors - by diffusers' key; those of one network are enough
 * @param noConfig - why there is no config.json, as a sentence for the error
 * @throws CheckpointError if they belong to no released network
 */
export function inferConfig(tensors: ReadonlyMap<string, TensorInfo>, noConfig?: string): FoundConfig {
  const matches = knownCheckpoints.filter((known) => known.format === 'diffusers' && fits(known.config, tensors));
  const [first] = matches;
  if (first === undefined) {
    const network = knownNetworks.find(({ config }) => fits(config, tensors));
    if (network !== undefined) {
      const warning =
        `The weights have the tensors of ${network.title}, but these do not tell the scaling factor. ` +
        `Took ${network.config.scalingFactor}; pass \`config\` to be certain: the model's config.json as an object.`;
      return { config: network.config, warning };
    }
    throw new CheckpointError(
      `${noConfig === undefined ? '' : `${noConfig} `}The weights belong to none of the released DC-AE networks, so they ` +
        "do not tell their config. Pass `config`: the network's config.json as an object.",
    );
  }
  const others = matches.filter((known) => known.scalingFactor !== first.scalingFactor);
  return { config: first.config, warning: others.length === 0 ? undefined : doubt(first, others) };
}

function doubt(taken: KnownCheckpoint, others: readonly KnownCheckpoint[]): string {
  const list = others.map(({ repo, scalingFactor }) => `${repo} (scaling factor ${scalingFactor})`).join(', ');
  return (
    `The weights may be those of ${taken.repo} or of ${list}: nothing in the file tells them apart. ` +
    `Took the scaling factor ${taken.scalingFactor}; if that is wrong, pass \`config: "${others[0]?.repo ?? ''}"\`.`
  );
}

/** Whether the networks in a checkpoint have this config's stages, image channels and latent channels. */
function fits(config: AutoencoderDCConfig, tensors: ReadonlyMap<string, TensorInfo>): boolean {
  const found = { encoder: stagesIn(tensors, 'encoder.down_blocks'), decoder: stagesIn(tensors, 'decoder.up_blocks') };
  if (found.encoder === '' && found.decoder === '') return false;
  const hasStages = (stack: StageStack, stages: string): boolean => stages === '' || stages === stagesOf(stack);
  const hasChannels = (key: string, axis: number, channels: number): boolean => {
    const tensor = tensors.get(key);
    return tensor === undefined || tensor.shape[axis] === channels;
  };
  const hasBlocks = (stack: StageStack, prefix: string): boolean => {
    const keys = [...tensors.keys()].filter((key) => key.startsWith(prefix));
    const hasAttention = keys.some((key) => key.includes('.attn.'));
    return keys.length === 0 || hasAttention === stack.blockTypes.includes('EfficientViTBlock');
  };
  return (
    hasStages(config.encoder, found.encoder) &&
    hasStages(config.decoder, found.decoder) &&
    hasBlocks(config.encoder, 'encoder.down_blocks') &&
    hasBlocks(config.decoder, 'decoder.up_blocks') &&
    hasChannels('encoder.conv_in.weight', 1, config.inChannels) &&
    hasChannels('encoder.conv_out.weight', 0, config.latentChannels) &&
    hasChannels('decoder.conv_in.weight', 1, config.latentChannels)
  );
}

/** The modules in each stage, with the resampling one: `"3,3,3,4,4,3"`. */
function stagesOf({ layersPerBlock }: StageStack): string {
  return layersPerBlock.map((layers, i) => (layers > 0 && i < layersPerBlock.length - 1 ? layers + 1 : layers)).join();
}

/** The modules in each stage, counted in a checkpoint's keys; empty if it does not hold this network. */
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
