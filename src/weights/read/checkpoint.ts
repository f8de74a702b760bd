/** Opens a checkpoint: finds its files and reads their headers. */
import { CheckpointError, SourceError } from '../../errors.ts';
import { withoutPrefix } from '../format/key_prefix.ts';
import { fromOriginal, isOriginal } from '../format/original.ts';
import type { SafetensorsHeader } from '../format/safetensors.ts';
import { checkIndex, parseIndex } from '../format/shard_index.ts';
import type { TensorInfo } from '../format/tensor_info.ts';
import type { ByteSource } from '../sources/byte_source.ts';
import { isMissing, mayBeMissing, WebPageError } from '../sources/failures.ts';
import { readHeader } from './header.ts';
import { readJson, type ReadOptions } from './read.ts';

/** A file of weights: its path in the source and its size in bytes. */
export interface CheckpointFile {
  readonly path: string;
  readonly size: number;
}

/** All tensors of a checkpoint, before any weight has been read. */
export interface Checkpoint {
  /** By diffusers' key. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly files: readonly CheckpointFile[];
  /** The key names in the files: diffusers', or the original efficientvit release's, which are translated. */
  readonly format: 'diffusers' | 'original';
}

/** Options for opening a checkpoint. */
export interface OpenOptions extends ReadOptions {
  /** The file of weights or its index, `….index.json`. By default, diffusers' names are tried. */
  readonly weightsName?: string | undefined;
  /** diffusers' `variant`: `"fp16"` looks for `diffusion_pytorch_model.fp16.safetensors`. */
  readonly variant?: string | undefined;
}

/**
 * Reads the headers of a checkpoint: `diffusion_pytorch_model.safetensors`, or else its shards by their index, or else
 * `model.safetensors`, as in the original repositories. A name that the server forbids counts as missing if a later one
 * exists.
 *
 * Rejects with a SourceError (status 404 if there are no weights), a CheckpointError if a file is damaged or the shards
 * do not match their index, or the signal's reason.
 */
export async function openCheckpoint(source: ByteSource, options: OpenOptions = {}): Promise<Checkpoint> {
  const candidates = options.weightsName === undefined ? weightNames(options.variant) : [options.weightsName];
  const misses: unknown[] = [];
  for (const name of candidates) {
    try {
      return await open(source, name, options);
    } catch (error) {
      // A missing shard is damage if its index exists, not a reason to look elsewhere.
      if (error instanceof CheckpointError || !mayBeMissing(error)) throw error;
      misses.push(error);
    }
  }
  const forbidden = misses.find((error) => !isMissing(error));
  if (forbidden !== undefined) throw forbidden;
  const hasPages = misses.some((error) => error instanceof WebPageError);
  const where = source.label ?? 'the source';
  throw new SourceError(
    `No weights in ${where}: looked for ${candidates.join(', ')}` +
      `${hasPages ? ' (the server answers missing files with a web page)' : ''}. ${await missingHint(source, options)}`,
    { status: 404, cause: misses[0] },
  );
}

/** diffusers' names, most likely first. A variant comes before the last dot. */
function weightNames(variant: string | undefined): string[] {
  const names = [
    'diffusion_pytorch_model.safetensors',
    'diffusion_pytorch_model.safetensors.index.json',
    'model.safetensors',
  ];
  return variant === undefined ? names : names.map((name) => name.replace(/\.(?=[^.]*$)/, `.${variant}.`));
}

/** The remedy for a folder without weights, which is often that of a whole pipeline. */
async function missingHint(source: ByteSource, { variant, signal, retry }: OpenOptions): Promise<string> {
  const folders = await weightFolders(source).catch(() => []);
  const found = folders.length === 0 ? '' : ` Weights are in ${folders.join(', ')}.`;
  if (folders.some((folder) => /(^|\/)vae$/.test(folder))) return `Pass \`subfolder: 'vae'\`.${found}`;
  if (folders.length > 0) return `Pass \`subfolder\` to choose a folder.${found}`;
  const pipeline = await readJson(source, 'model_index.json', signal, retry).catch(() => undefined);
  if (typeof pipeline === 'object' && pipeline !== null) {
    const parts = Object.keys(pipeline).filter((key) => !key.startsWith('_'));
    return `This is a pipeline of ${parts.join(', ')}: pass \`subfolder: 'vae'\`.`;
  }
  return variant === undefined
    ? "Give the folder that holds them; in a pipeline, pass `subfolder: 'vae'`."
    : `Leave variant "${variant}" out, or give the folder that has it.`;
}

/** The folders in which a source has weights, if it can list its files. */
async function weightFolders(source: ByteSource): Promise<string[]> {
  const paths = (await source.list?.()) ?? [];
  const folders = paths.filter((path) => path.endsWith('.safetensors') && path.includes('/'));
  return [...new Set(folders.map((path) => path.slice(0, path.lastIndexOf('/'))))];
}

async function open(source: ByteSource, name: string, options: OpenOptions): Promise<Checkpoint> {
  if (!name.endsWith('.json')) return checkpointOf([await openFile(source, name, options)]);
  const weightMap = parseIndex(await readJson(source, name, options.signal, options.retry), name);
  const shards = [...new Set(weightMap.values())];
  const files = await Promise.all(
    shards.map(async (shard) => {
      try {
        return await openFile(source, shard, options);
      } catch (cause) {
        if (!isMissing(cause)) throw cause;
        throw new CheckpointError(
          `${shard} is missing, a shard that ${name} names. Fetch it too; all of ${shards.join(', ')} are needed.`,
          { cause },
        );
      }
    }),
  );
  checkIndex(
    weightMap,
    files.flatMap(({ tensors }) => tensors),
    name,
  );
  return checkpointOf(files);
}

interface OpenFile extends SafetensorsHeader {
  readonly path: string;
}

async function openFile(source: ByteSource, path: string, options: OpenOptions): Promise<OpenFile> {
  return { path, ...(await readHeader(source, path, options)) };
}

function checkpointOf(files: readonly OpenFile[]): Checkpoint {
  const infos = withoutPrefix(files.flatMap(({ tensors }) => tensors));
  const isFromOriginal = isOriginal(infos.map(({ name }) => name));
  return {
    tensors: isFromOriginal ? fromOriginal(infos) : new Map(infos.map((info) => [info.name, info])),
    files: files.map(({ path, size }) => ({ path, size })),
    format: isFromOriginal ? 'original' : 'diffusers',
  };
}
