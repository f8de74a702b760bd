/** Opens a checkpoint: its source, its config and its headers. */
import { findCheckpoint } from '../config/checkpoints.ts';
import { parseConfig, type AutoencoderDCConfig } from '../config/config.ts';
import { configToJson, isParsedConfig } from '../config/to_json.ts';
import { InputError, SourceError } from '../errors.ts';
import { resolveConfig } from '../weights/format/infer.ts';
import { openCheckpoint, type Checkpoint, type OpenOptions } from '../weights/read/checkpoint.ts';
import { readJson } from '../weights/read/read.ts';
import type { ByteSource } from '../weights/sources/byte_source.ts';
import { isMissing, mayBeMissing, WebPageError } from '../weights/sources/failures.ts';
import { openFile, openFolder, type OpenedSource, type SourceInput } from '../weights/sources/open_source.ts';
import type { LoadOptions } from './load_options.ts';
import { warn } from './warn.ts';

/** A checkpoint whose config and headers have been read. */
export interface OpenedModel {
  readonly opened: OpenedSource;
  readonly config: AutoencoderDCConfig;
  readonly checkpoint: Checkpoint;
}

/** Wraps a source in the cache. */
export type WrapSource = (opened: OpenedSource) => Promise<ByteSource>;

/** Opens a folder in diffusers' layout, or in that of an original release. */
export async function openPretrained(input: SourceInput, options: LoadOptions, wrap: WrapSource): Promise<OpenedModel> {
  const opened = openFolder(input, options);
  const { signal, retry, variant } = options;
  const source = await wrap(opened);
  const reading = options.config === undefined ? readConfig(source, options) : undefined;
  return await resolve({ ...opened, source }, { signal, retry, variant }, reading, options);
}

/**
 * Opens a single file of weights in either format. Like diffusers, it does not look for a config.json beside the file.
 */
export async function openSingleFile(
  input: string | URL | Blob,
  options: LoadOptions,
  wrap: WrapSource,
): Promise<OpenedModel> {
  const opened = openFile(input, options);
  const { signal, retry } = options;
  const source = await wrap(opened);
  return await resolve({ ...opened, source }, { signal, retry, weightsName: opened.file }, undefined, options);
}

async function resolve(
  opened: OpenedSource,
  openOptions: OpenOptions,
  reading: Promise<FoundJson> | undefined,
  options: LoadOptions,
): Promise<OpenedModel> {
  reading?.catch(() => undefined); // reported below
  const [checkpoint, given] = await Promise.all([
    openCheckpoint(opened.source, openOptions),
    givenConfig(options),
  ]).catch(async (error: unknown) => {
    throw await withConfigProblem(error, reading);
  });
  if (given !== undefined) return { opened, checkpoint, config: given };
  const found = await reading;
  const { config, warning } = resolveConfig(found?.json, checkpoint.tensors, {
    repo: opened.repo,
    noConfig: found?.problem,
  });
  if (warning !== undefined) warn(warning, options);
  return { opened, checkpoint, config };
}

/** Parses `options.config`: an object, or a repository whose config.json it is. */
async function givenConfig(options: LoadOptions): Promise<AutoencoderDCConfig | undefined> {
  const { config } = options;
  if (config === undefined) return undefined;
  // A parsed config is checked again, because it may have been put together by hand.
  if (typeof config !== 'string') return parseConfig(isParsedConfig(config) ? configToJson(config) : config);
  const known = findCheckpoint(config.trim());
  if (known !== undefined) return known.config;
  if (!config.includes('/')) {
    throw new InputError(
      `options.config "${config}" is neither a repository's id ("owner/name") nor the name of a released ` +
        'checkpoint. Give one ' +
        'of these, or a config.json as an object.',
    );
  }
  const { hubUrl, accessToken, fetch, signal, retry } = options;
  const { source } = openFolder(config, { hubUrl, accessToken, fetch });
  return parseConfig(await readJson(source, 'config.json', signal, retry));
}

/** The contents of config.json, or why it could not be read. */
interface FoundJson {
  readonly json: unknown;
  readonly problem: string | undefined;
}

/** Reads config.json, which original releases and single folders of weights may lack. */
async function readConfig(source: ByteSource, { signal, retry }: LoadOptions): Promise<FoundJson> {
  try {
    return { json: await readJson(source, 'config.json', signal, retry), problem: undefined };
  } catch (error) {
    if (!mayBeMissing(error)) throw error;
    const where = source.label ?? 'the source';
    const problem =
      error instanceof WebPageError
        ? `config.json cannot be read: ${error.message}`
        : isMissing(error)
          ? `config.json does not exist in ${where}.`
          : `config.json cannot be read from ${where}: the server refuses access.`;
    return { json: undefined, problem };
  }
}

/** Adds to a failure to find weights that config.json is missing, too: the address is then probably wrong. */
async function withConfigProblem(error: unknown, reading: Promise<FoundJson> | undefined): Promise<unknown> {
  if (!(error instanceof SourceError) || !isMissing(error) || reading === undefined) return error;
  const { problem } = await reading.catch(() => ({ problem: undefined }));
  if (problem === undefined) return error;
  return new SourceError(`${problem} ${error.message}`, { status: 404, cause: error });
}
