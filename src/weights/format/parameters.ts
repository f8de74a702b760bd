import { CheckpointError } from '../../errors.ts';
import { bullets, sameShape, shapeText } from './problems.ts';
import type { TensorInfo } from './tensor_info.ts';

/** A parameter that the network wants: diffusers' key, and the shape that the config gives it. */
export interface ExpectedParameter {
  readonly key: string;
  readonly shape: readonly number[];
}

/** How to match, and what to call things in messages. */
export interface MatchOptions {
  /** Where the weights come from, for messages: a URL, a folder's name. */
  readonly context?: string | undefined;
  /** The halves that are wanted, by prefix: keys of the other half don't count as surplus. Both where this is missing. */
  readonly prefixes?: readonly string[] | undefined;
}

const halves = ['encoder.', 'decoder.'];
const usable = new Set(['F32', 'F16', 'BF16', 'F64']);

/**
 * Finds each parameter's tensor. `num_batches_tracked` (batch norm's count of training steps) never matters.
 *
 * @returns the tensors by key, in the order of `expected`
 * @throws CheckpointError that names every missing, misshapen and surplus key
 */
export function matchParameters(
  expected: readonly ExpectedParameter[],
  tensors: ReadonlyMap<string, TensorInfo>,
  { context = 'The checkpoint', prefixes = halves }: MatchOptions = {},
): ReadonlyMap<string, TensorInfo> {
  const found = new Map<string, TensorInfo>();
  const wanted = new Set<string>();
  const missing: string[] = [];
  const wrong: string[] = [];
  for (const { key, shape } of expected) {
    wanted.add(key);
    if (isCounter(key)) continue;
    const tensor = tensors.get(key);
    if (tensor === undefined) missing.push(key);
    else if (!sameShape(tensor.shape, shape))
      wrong.push(`${key}: has ${shapeText(tensor.shape)}, needs ${shapeText(shape)}`);
    else if (!usable.has(tensor.dtype)) wrong.push(`${key}: is ${tensor.dtype}, can be F32, F16, BF16 or F64`);
    else found.set(key, tensor);
  }
  const otherHalf = halves.filter((prefix) => !prefixes.includes(prefix));
  const surplus = [...tensors.keys()].filter(
    (key) => !wanted.has(key) && !isCounter(key) && !otherHalf.some((prefix) => key.startsWith(prefix)),
  );

  if (missing.length + wrong.length + surplus.length === 0) return found;
  const list = (title: string, lines: readonly string[]): string =>
    lines.length === 0 ? '' : `\n${title} (${lines.length}):${bullets(lines)}`;
  throw new CheckpointError(
    `${context} doesn't match the config. ${remedy(found.size, missing.length, wrong.length, surplus.length)}` +
      list('Missing', missing) +
      list('Wrong', wrong) +
      list('Surplus', surplus),
  );
}

function isCounter(key: string): boolean {
  return key.endsWith('.num_batches_tracked');
}

/** What probably happened, from how much fits. */
function remedy(found: number, missing: number, wrong: number, surplus: number): string {
  if (found === 0 && wrong === 0 && missing > 0)
    return "Nothing in it is an AutoencoderDC's: give the folder of the autoencoder's weights.";
  if (missing > 0 && wrong === 0 && surplus === 0) return 'It is incomplete: fetch all of its files again.';
  return 'Use the config.json and the weights of one and the same model.';
}
