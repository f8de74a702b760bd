/** Arguments to commands. Nothing here touches files or the GPU. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { codeOf, UsageError } from './failure.ts';
import type { Topic } from './help.ts';

/** The options that `compress` and `decompress` share. */
interface FileOptions {
  /** The input files, at least one. */
  readonly files: readonly string[];
  /** A file or a folder; beside each input if absent. */
  readonly output: string | undefined;
  /** A folder, an id of the hub or a URL; the checkpoint that comes with the package if absent. */
  readonly model: string | undefined;
  /** Whether existing files may be replaced. */
  readonly force: boolean;
}

/** Writes pictures to .dcae files. */
export interface CompressCommand extends FileOptions {
  readonly name: 'compress';
  /** 1 to 100. */
  readonly quality: number | undefined;
  /** The first channels to keep; all if absent. */
  readonly channels: number | undefined;
  readonly exact: 'f32' | 'f16' | undefined;
  /** Whether the picture's EXIF block goes into the file. */
  readonly keepExif: boolean;
}

/** Writes the pictures of .dcae files. */
export interface DecompressCommand extends FileOptions {
  readonly name: 'decompress';
  /** Accepts a model other than the one that the file was made with. */
  readonly anyModel: boolean;
}

/** Prints the headers of .dcae files. */
export interface InspectCommand {
  readonly name: 'inspect';
  readonly files: readonly string[];
  readonly json: boolean;
}

/** A command that was understood. */
export type Command =
  | CompressCommand
  | DecompressCommand
  | InspectCommand
  | { readonly name: 'help'; readonly topic: Topic }
  | { readonly name: 'version' };

const HELP = { help: { type: 'boolean', short: 'h' } } as const;
const FILES = {
  ...HELP,
  output: { type: 'string', short: 'o' },
  model: { type: 'string', short: 'm' },
  force: { type: 'boolean', short: 'f' },
} as const;
const COMPRESS = {
  ...FILES,
  quality: { type: 'string', short: 'q' },
  channels: { type: 'string' },
  exact: { type: 'string' },
  'keep-exif': { type: 'boolean' },
} as const;
const DECOMPRESS = { ...FILES, 'any-model': { type: 'boolean' } } as const;
const INSPECT = { ...HELP, json: { type: 'boolean' } } as const;

/**
 * Reads the arguments of the command line.
 *
 * @param args - the arguments after the program's name
 * @throws UsageError if they are no valid command
 */
export function parseCommand(args: readonly string[]): Command {
  const [name, ...rest] = args;
  switch (name) {
    case undefined:
      throw new UsageError('A command is missing. The commands are compress, decompress and inspect.');
    case 'compress':
      return parseCompress(rest);
    case 'decompress':
      return parseDecompress(rest);
    case 'inspect':
      return parseInspect(rest);
    case '--help':
    case '-h':
    case 'help':
      return { name: 'help', topic: 'all' };
    case '--version':
    case '-v':
      return { name: 'version' };
    default:
      throw new UsageError(`There is no command "${name}". The commands are compress, decompress and inspect.`);
  }
}

function parseCompress(args: string[]): Command {
  const { values, positionals } = parse(args, COMPRESS);
  if (values.help === true) return { name: 'help', topic: 'compress' };
  const { exact, quality, channels } = values;
  if (exact !== undefined && exact !== 'f32' && exact !== 'f16') {
    throw new UsageError(`--exact must be f32 or f16; it was ${exact}.`);
  }
  if (exact !== undefined && quality !== undefined) {
    throw new UsageError('--exact and --quality exclude each other. Leave one of them out.');
  }
  return {
    name: 'compress',
    ...fileOptions(values, positionals),
    quality: quality === undefined ? undefined : wholeNumber('--quality', quality, 1, 100),
    channels: channels === undefined ? undefined : wholeNumber('--channels', channels, 1, 4096),
    exact,
    keepExif: values['keep-exif'] ?? false,
  };
}

function parseDecompress(args: string[]): Command {
  const { values, positionals } = parse(args, DECOMPRESS);
  if (values.help === true) return { name: 'help', topic: 'decompress' };
  return { name: 'decompress', ...fileOptions(values, positionals), anyModel: values['any-model'] ?? false };
}

function parseInspect(args: string[]): Command {
  const { values, positionals } = parse(args, INSPECT);
  if (values.help === true) return { name: 'help', topic: 'inspect' };
  return { name: 'inspect', files: inputs(positionals), json: values.json ?? false };
}

function parse<T extends NonNullable<ParseArgsConfig['options']>>(args: string[], options: T) {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    if (codeOf(error)?.startsWith('ERR_PARSE_ARGS') !== true || !(error instanceof Error)) throw error;
    throw new UsageError(error.message);
  }
}

function fileOptions(
  values: { output?: string | undefined; model?: string | undefined; force?: boolean | undefined },
  positionals: readonly string[],
): FileOptions {
  const { output, model, force = false } = values;
  if (output === '') throw new UsageError('--output must name a file or a folder; it was empty.');
  if (model === '') throw new UsageError('--model must be a folder, an id of the hub or a URL; it was empty.');
  return { files: inputs(positionals), output, model, force };
}

function inputs(files: readonly string[]): readonly string[] {
  if (files.length > 0) return files;
  throw new UsageError('A file is missing. Name at least one.');
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(`${name} must be a whole number from ${least} to ${most}; it was ${text}.`);
}
