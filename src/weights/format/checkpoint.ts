import { CheckpointError, SourceError } from '../../errors.ts';
import type { ByteSource } from '../sources/byte_source.ts';
import { isMissing, WebPageError } from '../sources/failures.ts';
import { fromOriginal, isOriginal } from './original.ts';
import { bullets } from './problems.ts';
import { readJson, type RetryPolicy } from '../read/read.ts';
import { readHeader, type SafetensorsHeader } from './safetensors.ts';
import type { TensorInfo } from './tensor_info.ts';

/** A file of weights: its path in the source and its size in bytes. */
export interface CheckpointFile {
  readonly path: string;
  readonly size: number;
}

/** All tensors of a checkpoint, by diffusers' key, before any weight has been read. */
export interface Checkpoint {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly files: readonly CheckpointFile[];
  /** What the files' keys were: those of diffusers, or of the original efficientvit release (already translated). */
  readonly format: 'diffusers' | 'original';
}

/** Which files to open. */
export interface OpenOptions {
  readonly signal?: AbortSignal | undefined;
  /** The weights' file, `….safetensors` or `….safetensors.index.json`; found by diffusers' naming where this is missing. */
  readonly weightsName?: string | undefined;
  /** diffusers' `variant`: `"fp16"` looks for `diffusion_pytorch_model.fp16.safetensors`. */
  readonly variant?: string | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
}

/**
 * Reads the headers of a checkpoint: `diffusion_pytorch_model.safetensors`, else its sharded form with the index, else
 * `model.safetensors` as the original repositories have it.
 *
 * Rejects with a SourceError (status 404 where there are no weights), a CheckpointError where a file is damaged or the shards
 * don't fit their index, or the signal's reason.
 */
export async function openCheckpoint(source: ByteSource, options: OpenOptions = {}): Promise<Checkpoint> {
  const candidates = options.weightsName === undefined ? weightNames(options.variant) : [options.weightsName];
  const misses: unknown[] = [];
  for (const name of candidates) {
    try {
      return await open(source, name, options);
    } catch (error) {
      // A shard that is missing while its index is there is damage, not a reason to look elsewhere.
      if (error instanceof CheckpointError || !isMissing(error)) throw error;
      misses.push(error);
    }
  }
  const page = misses.find((error) => error instanceof WebPageError);
  const where = source.label ?? 'the source';
  const hint =
    options.variant === undefined
      ? 'Give the folder that holds them'
      : `Leave variant "${options.variant}" out, or give the folder that has it`;
  throw new SourceError(
    `No weights in ${where}: looked for ${candidates.join(', ')}${page === undefined ? '' : ' (the server answers missing files with a web page)'}. ` +
      `${hint}; in a pipeline it is usually "vae".`,
    { status: 404, cause: misses[0] },
  );
}

/** diffusers' names, most likely first; a variant stands before the last dot. */
function weightNames(variant: string | undefined): string[] {
  const names = [
    'diffusion_pytorch_model.safetensors',
    'diffusion_pytorch_model.safetensors.index.json',
    'model.safetensors',
  ];
  return variant === undefined ? names : names.map((name) => name.replace(/\.(?=[^.]*$)/, `.${variant}.`));
}

async function open(source: ByteSource, name: string, { signal, retry }: OpenOptions): Promise<Checkpoint> {
  if (!name.endsWith('.json')) return checkpointOf([await header(source, name, signal, retry)]);
  const weightMap = parseIndex(await readJson(source, name, signal, retry), name);
  const shards = [...new Set(weightMap.values())];
  const headers = await Promise.all(
    shards.map(async (shard) => {
      try {
        return await header(source, inFolderOf(name, shard), signal, retry);
      } catch (cause) {
        if (!isMissing(cause)) throw cause;
        throw new CheckpointError(
          `${shard} is missing, a shard that ${name} names. Fetch it too; all of ${shards.join(', ')} are needed.`,
          { cause },
        );
      }
    }),
  );
  checkIndex(weightMap, headers, name);
  return checkpointOf(headers);
}

interface OpenFile extends SafetensorsHeader {
  readonly path: string;
}

async function header(
  source: ByteSource,
  path: string,
  signal: AbortSignal | undefined,
  retry: Partial<RetryPolicy> | undefined,
): Promise<OpenFile> {
  return { path, ...(await readHeader(source, path, signal, retry)) };
}

function checkpointOf(headers: readonly OpenFile[]): Checkpoint {
  const infos = headers.flatMap((file) => file.tensors);
  const original = isOriginal(infos.map((info) => info.name));
  return {
    tensors: original ? fromOriginal(infos) : new Map(infos.map((info) => [info.name, info])),
    files: headers.map(({ path, size }) => ({ path, size })),
    format: original ? 'original' : 'diffusers',
  };
}

/** More shards than any model has: each one costs a request. */
const shardLimit = 1024;

/** The index's `weight_map`: which shard holds which key. */
function parseIndex(json: unknown, file: string): ReadonlyMap<string, string> {
  const map = typeof json === 'object' && json !== null && 'weight_map' in json ? json.weight_map : undefined;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw new CheckpointError(`${file} has no weight_map object. Use the index that came with the shards.`);
  }
  const weightMap = new Map<string, string>();
  const problems: string[] = [];
  for (const [key, shard] of Object.entries(map)) {
    // Shards lie beside their index: an index must not send us elsewhere.
    if (typeof shard !== 'string' || !/^[^/\\:?#%]+\.safetensors$/.test(shard))
      problems.push(`"${key}" is in ${JSON.stringify(shard).slice(0, 80)}`);
    else weightMap.set(key, shard);
  }
  if (problems.length > 0)
    throw new CheckpointError(
      `${file} names shards that aren't names of .safetensors files beside it:${bullets(problems)}`,
    );
  const shards = new Set(weightMap.values()).size;
  if (shards === 0 || shards > shardLimit) {
    throw new CheckpointError(
      `${file} names ${shards} shards; allowed are 1 to ${shardLimit}. Use the index that came with the shards.`,
    );
  }
  return weightMap;
}

/** What the index promises and what the shards hold must be the same. */
function checkIndex(weightMap: ReadonlyMap<string, string>, headers: readonly OpenFile[], file: string): void {
  const holders = new Map<string, string[]>();
  for (const { path, tensors } of headers) {
    const shard = path.slice(path.lastIndexOf('/') + 1);
    for (const { name } of tensors) holders.set(name, [...(holders.get(name) ?? []), shard]);
  }
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
    throw new CheckpointError(
      `${file} and its shards don't fit together:${bullets(problems)}\nFetch all of them again.`,
    );
}

function inFolderOf(path: string, name: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1) + name;
}
