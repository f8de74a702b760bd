/** Paths of output files. */
import { stat, writeFile } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { codeOf, SetupError, UsageError } from './failure.ts';

/** An input file and the file to write. */
export interface Job {
  readonly input: string;
  readonly output: string;
}

/** The command's options that choose the outputs. */
interface OutputOptions {
  readonly files: readonly string[];
  readonly output: string | undefined;
  readonly force: boolean;
}

/**
 * Chooses an output for each input: the given file, or the input's name with another extension, in the given folder or
 * beside the input. Writes nothing.
 *
 * @param extension - of outputs that are not named, such as `.dcae`
 * @throws UsageError if two inputs have one output, or several inputs are to be one file; SetupError if an output
 * exists and `force` is false
 */
export async function planOutputs({ files, output, force }: OutputOptions, extension: string): Promise<readonly Job[]> {
  const isFolder = output !== undefined && (/[\\/]$/.test(output) || (await kindOf(output)) === 'folder');
  if (output !== undefined && !isFolder && files.length > 1) {
    throw new UsageError(
      `--output is "${output}", one file for ${files.length} inputs. Name a folder that exists, or end the ` +
        'name with "/".',
    );
  }
  const jobs = files.map((input) => {
    if (output !== undefined && !isFolder) return { input, output };
    const stem = basename(input, extname(input)) + extension;
    return { input, output: output === undefined ? join(input, '..', stem) : join(output, stem) };
  });
  const taken = new Map<string, string>();
  for (const { input, output: path } of jobs) {
    const other = taken.get(resolve(path));
    if (other !== undefined) {
      throw new UsageError(`${other} and ${input} would both become ${path}. Compress them one by one with --output.`);
    }
    taken.set(resolve(path), input);
    if (resolve(path) === resolve(input)) {
      throw new UsageError(`${input} would replace itself. Choose another --output.`);
    }
    if (!force && (await kindOf(path)) !== undefined) throw exists(path);
  }
  return jobs;
}

/**
 * Writes an output file.
 *
 * @throws SetupError if it exists and `force` is false, or if its folder does not exist
 */
export async function writeOutput(path: string, bytes: Uint8Array, force: boolean): Promise<void> {
  try {
    await writeFile(path, bytes, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw exists(path);
    if (codeOf(error) === 'ENOENT') throw new SetupError(`The folder of ${path} does not exist. Create it first.`);
    throw error;
  }
}

function exists(path: string): SetupError {
  return new SetupError(`${path} exists already. Choose another --output, or replace it with --force.`);
}

async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch {
    return undefined;
  }
}
