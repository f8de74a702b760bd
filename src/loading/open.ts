import { findCheckpoint } from '../config/checkpoints.ts';
import { parseConfig, type AutoencoderDCConfig } from '../config/config.ts';
import { configToJson, isParsedConfig } from '../config/to_json.ts';
import { InputError } from '../errors.ts';
import type { ByteSource } from '../weights/sources/byte_source.ts';
import { openCheckpoint, type Checkpoint, type OpenOptions } from '../weights/format/checkpoint.ts';
import { isMissing } from '../weights/sources/failures.ts';
import { resolveConfig } from '../weights/format/infer.ts';
import { readJson } from '../weights/read/read.ts';
import { openFile, openFolder, type OpenedSource, type SourceInput } from '../weights/sources/source.ts';
import type { LoadOptions } from './load_options.ts';

/** A checkpoint whose config and headers have been read. */
export interface OpenedModel {
  readonly opened: OpenedSource;
  readonly config: AutoencoderDCConfig;
  readonly checkpoint: Checkpoint;
}

/** Wraps a source: the cache comes in here. */
export type Wrap = (opened: OpenedSource) => Promise<ByteSource>;

/** Opens a folder in diffusers' layout, or that of an original release. */
export async function openPretrained(input: SourceInput, options: LoadOptions, wrap: Wrap): Promise<OpenedModel> {
  const opened = openFolder(input, options);
  const { signal, retry, variant } = options;
  const source = await wrap(opened);
  const given = options.config === undefined ? optionalJson(source, 'config.json', options) : undefined;
  return await resolve({ ...opened, source }, { signal, retry, variant }, given, options);
}

/** Opens a single file of weights, whatever its format; a config.json beside it isn't looked for, as in diffusers. */
export async function openSingleFile(
  input: string | URL | Blob,
  options: LoadOptions,
  wrap: Wrap,
): Promise<OpenedModel> {
  const opened = openFile(input, options);
  const { signal, retry } = options;
  const source = await wrap(opened);
  return await resolve({ ...opened, source }, { signal, retry, weightsName: opened.file }, undefined, options);
}

async function resolve(
  opened: OpenedSource,
  openOptions: OpenOptions,
  json: Promise<unknown> | undefined,
  options: LoadOptions,
): Promise<OpenedModel> {
  const [checkpoint, given, found] = await Promise.all([
    openCheckpoint(opened.source, openOptions),
    givenConfig(options),
    json,
  ]);
  if (given !== undefined) return { opened, checkpoint, config: given };
  const { config, warning } = resolveConfig(found, checkpoint.tensors, opened.repo);
  if (warning !== undefined) warn(warning, options);
  return { opened, checkpoint, config };
}

/** What `options.config` says: an object, or a repository whose config it is. */
async function givenConfig(options: LoadOptions): Promise<AutoencoderDCConfig | undefined> {
  const { config } = options;
  if (config === undefined) return undefined;
  // A parsed one may have been put together by hand: it is checked like any other.
  if (typeof config !== 'string') return parseConfig(isParsedConfig(config) ? configToJson(config) : config);
  const known = findCheckpoint(config);
  if (known !== undefined) return known.config;
  if (!/^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(config)) {
    throw new InputError(
      `options.config "${config}" is neither a repository's id ("owner/name") nor the name of a released checkpoint. Give one, or a config.json as an object.`,
    );
  }
  const { hubUrl, accessToken, fetch, signal, retry } = options;
  const { source } = openFolder(config, { hubUrl, accessToken, fetch });
  return parseConfig(await readJson(source, 'config.json', signal, retry));
}

async function optionalJson(source: ByteSource, path: string, { signal, retry }: LoadOptions): Promise<unknown> {
  try {
    return await readJson(source, path, signal, retry);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Tells the caller what isn't an error. */
export function warn(message: string, { onWarning }: LoadOptions): void {
  if (onWarning !== undefined) onWarning(message);
  // eslint-disable-next-line no-console -- said once for each load, to whoever didn't ask to be told otherwise
  else console.warn(`dc-ae-webgpu: ${message}`);
}
