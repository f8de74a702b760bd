/** Matches a checkpoint's tensors with the parameters that a network needs. */
import { CheckpointError } from '../../errors.ts';
import { bullets, shapeText } from './message_text.ts';
import { isWeight, WEIGHT_DTYPES, type TensorInfo, type WeightInfo } from './tensor_info.ts';

/** A parameter that a network needs: diffusers' key, and the shape that follows from the config. */
export interface ExpectedParameter {
  readonly key: string;
  readonly shape: readonly number[];
}

/** Options for `matchParameters`. */
export interface MatchOptions {
  /** The origin of the weights, for messages: a URL, or the name of a folder. */
  readonly context?: string | undefined;
  /** The networks to load; tensors of the other network are not surplus. Both by default. */
  readonly networks?: readonly NetworkName[] | undefined;
}

/** A checkpoint's tensors, matched with a network's parameters. */
export interface MatchedTensors {
  /** By key, in the order of the parameters. */
  readonly tensors: ReadonlyMap<string, WeightInfo>;
  /** Names of tensors that the network does not use. diffusers warns of them, too. */
  readonly surplus: readonly string[];
}

/** The two networks of a model, as their keys begin. */
export type NetworkName = 'encoder' | 'decoder';

const NETWORKS: readonly NetworkName[] = ['encoder', 'decoder'];

/**
 * Finds each parameter's tensor. `num_batches_tracked`, batch norm's count of training steps, is ignored.
 *
 * @throws CheckpointError that lists every missing and misshapen tensor
 */
export function matchParameters(
  expected: readonly ExpectedParameter[],
  tensors: ReadonlyMap<string, TensorInfo>,
  { context = 'The checkpoint', networks = NETWORKS }: MatchOptions = {},
): MatchedTensors {
  const found = new Map<string, WeightInfo>();
  const missing: string[] = [];
  const wrong: string[] = [];
  for (const { key, shape } of expected) {
    if (isCounter(key)) continue;
    const tensor = tensors.get(key);
    if (tensor === undefined) missing.push(key);
    else if (!isSameShape(tensor.shape, shape))
      wrong.push(`${key}: has ${shapeText(tensor.shape)}, needs ${shapeText(shape)}`);
    else if (isWeight(tensor)) found.set(key, tensor);
    else wrong.push(`${key}: is ${tensor.dtype}; allowed are ${WEIGHT_DTYPES.join(', ')}`);
  }
  const wanted = new Set(expected.map(({ key }) => key));
  const others = NETWORKS.filter((network) => !networks.includes(network));
  const surplus = [...tensors.keys()].filter(
    (key) => !wanted.has(key) && !isCounter(key) && !others.some((network) => key.startsWith(`${network}.`)),
  );
  if (missing.length + wrong.length === 0) return { tensors: found, surplus };

  const list = (title: string, lines: readonly string[]): string =>
    lines.length === 0 ? '' : `\n${title} (${lines.length}):${bullets(lines)}`;
  throw new CheckpointError(
    `${context} doesn't match the config. ${remedy(found.size, missing.length, wrong.length, surplus.length)}` +
      list('Missing', missing) +
      list('Wrong', wrong) +
      list('Surplus', surplus),
  );
}

/** A warning that lists the tensors which the network does not use. */
export function surplusWarning(context: string, surplus: readonly string[]): string {
  const count = surplus.length === 1 ? 'a tensor' : `${surplus.length} tensors`;
  return `${context} has ${count} that the network does not use:${bullets(surplus)}`;
}

function isCounter(key: string): boolean {
  return key.endsWith('.num_batches_tracked');
}

function isSameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** The likely remedy, judged by how much matches. */
function remedy(found: number, missing: number, wrong: number, surplus: number): string {
  if (found === 0 && wrong === 0 && missing > 0)
    return 'It has no tensor of an AutoencoderDC: give the folder of the autoencoder.';
  if (missing > 0 && wrong === 0 && surplus === 0) return 'It is incomplete: fetch all of its files again.';
  return 'Use the config.json and the weights of one and the same model.';
}
