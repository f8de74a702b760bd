/** The index of a checkpoint in several files: which of them, the shards, holds which tensor. */
import { CheckpointError } from '../../errors.ts';
import { bullets } from './message_text.ts';
import type { TensorInfo } from './tensor_info.ts';

/** A limit against hostile indexes: each shard costs a request, and no model has so many. */
const MAX_SHARDS = 1024;

/**
 * Parses the `weight_map` of an index.
 *
 * @param json - the index, parsed
 * @param path - the index's own path; shards are named relative to its folder
 * @returns the path of each key's shard in the source
 * @throws CheckpointError if it cannot be used
 */
export function parseIndex(json: unknown, path: string): ReadonlyMap<string, string> {
  const map = typeof json === 'object' && json !== null && 'weight_map' in json ? json.weight_map : undefined;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw new CheckpointError(`${path} has no weight_map object. Use the index that came with the shards.`);
  }
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  const weightMap = new Map<string, string>();
  const problems: string[] = [];
  for (const [key, shard] of Object.entries(map)) {
    const name = typeof shard === 'string' ? shardName(shard) : undefined;
    if (name === undefined) problems.push(`"${key}" is in ${JSON.stringify(shard).slice(0, 80)}`);
    else weightMap.set(key, folder + name);
  }
  if (problems.length > 0) {
    throw new CheckpointError(
      `${path} names shards that are not .safetensors files in its own folder:${bullets(problems)}\nUse the ` +
        'index that came ' +
        'with the shards.',
    );
  }
  const shards = new Set(weightMap.values()).size;
  if (shards === 0 || shards > MAX_SHARDS) {
    throw new CheckpointError(
      `${path} names ${shards} shards; allowed are 1 to ${MAX_SHARDS}. Use the index that came with the shards.`,
    );
  }
  return weightMap;
}

/** Normalises `./a.safetensors`; `undefined` for a path that leads out of the index's folder, or to another server. */
function shardName(shard: string): string | undefined {
  const segments = shard.split('/').filter((segment) => segment !== '.');
  const isInside = segments.every((segment) => segment !== '' && segment !== '..' && !/[\\:?#]/.test(segment));
  return isInside && /\.safetensors$/.test(shard) ? segments.join('/') : undefined;
}

/**
 * Compares an index with the tensors that the shards hold.
 *
 * @throws CheckpointError that lists every difference
 */
export function checkIndex(weightMap: ReadonlyMap<string, string>, tensors: readonly TensorInfo[], path: string): void {
  const holders = new Map<string, string[]>();
  for (const { name, file } of tensors) holders.set(name, [...(holders.get(name) ?? []), file]);
  const problems: string[] = [];
  for (const [key, shard] of weightMap) {
    const held = holders.get(key);
    if (held?.includes(shard) !== true)
      problems.push(`${key} should be in ${shard}, is in ${held?.join(' and ') ?? 'none'}`);
  }
  for (const [key, held] of holders) {
    if (held.length > 1) problems.push(`${key} is in ${held.join(' and ')}`);
    else if (!weightMap.has(key)) problems.push(`${key} is in ${held.join()}, but not in the index`);
  }
  if (problems.length > 0)
    throw new CheckpointError(`${path} and its shards do not match:${bullets(problems)}\nFetch all of them again.`);
}
