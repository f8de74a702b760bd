/** Runs commands. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { DcAeError, FormatError } from 'dc-ae-webgpu';
import { compress, decompress, describeExif, inspect } from 'dc-ae-webgpu/codec';
import {
  parseCommand,
  type Command,
  type CompressCommand,
  type DecompressCommand,
  type InspectCommand,
} from './arguments.ts';
import { describeFile, sizeText } from './describe.ts';
import { SetupError, UsageError } from './failure.ts';
import { helpText } from './help.ts';
import { openModel } from './model.ts';
import { planOutputs, writeOutput, type Job } from './outputs.ts';
import { checkFile, encodePicture, pictureFormat, readPicture } from './pictures.ts';
import type { Terminal } from './terminal.ts';

/**
 * Runs the command line.
 *
 * @param args - the arguments after the program's name
 * @returns the exit status: 0, 1 if a file failed, or 2 if the command cannot be understood
 */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await runCommand(parseCommand(args), terminal);
  } catch (error) {
    terminal.warn(textOf(error));
    if (!(error instanceof UsageError)) return 1;
    terminal.warn('"dc-ae-webgpu --help" lists commands and options.');
    return 2;
  }
}

function runCommand(command: Command, terminal: Terminal): Promise<number> | number {
  switch (command.name) {
    case 'help':
      terminal.print(helpText(command.topic));
      return 0;
    case 'version':
      terminal.print(packageVersion());
      return 0;
    case 'compress':
      return runCompress(command, terminal);
    case 'decompress':
      return runDecompress(command, terminal);
    case 'inspect':
      return runInspect(command, terminal);
  }
}

async function runCompress(command: CompressCommand, terminal: Terminal): Promise<number> {
  const { quality, channels, exact, keepExif, force } = command;
  const jobs = await planOutputs(command, '.dcae');
  // The decoder is loaded as well: files hold its fingerprint, so that another decoder is refused.
  using model = await openModel(command.model, 'both', terminal);
  return await forEach(jobs, terminal, async ({ input, output }) => {
    const { orientation, exif, notes, ...pixels } = await readPicture(input);
    const { bytes, stats } = await compress(model.ae, pixels, {
      quality,
      channels,
      exact,
      checkpointUrl: model.url,
      metadata: {
        exif: keepExif ? exif : undefined,
        orientationApplied: orientation > 1 ? orientation : undefined,
      },
    });
    await writeOutput(output, bytes, force);
    return [sizeText({ bytes: stats.bytes, image: pixels }), ...notes].join('; ');
  });
}

async function runDecompress(command: DecompressCommand, terminal: Terminal): Promise<number> {
  const { anyModel, force } = command;
  const jobs = await planOutputs(command, '.png');
  for (const { output } of jobs) pictureFormat(output);
  using model = await openModel(command.model, 'decoder', terminal);
  return await forEach(jobs, terminal, async ({ input, output }) => {
    await checkFile(input);
    const { image, info } = await decompress(model.ae, await readFile(input), { anyModel });
    const pixels = { ...image, data: new Uint8Array(image.data) };
    const { bytes, notes } = await encodePicture(pixels, output, info.metadata);
    await writeOutput(output, bytes, force);
    return [`${image.width} × ${image.height} pixels, ${bytes.length.toLocaleString('en')} bytes`, ...notes].join('; ');
  });
}

async function runInspect({ files, json }: InspectCommand, terminal: Terminal): Promise<number> {
  let failures = 0;
  for (const file of files) {
    try {
      await checkFile(file);
      const info = await inspect(await readFile(file));
      terminal.print(json ? jsonOf(file, info) : describeFile(file, info));
    } catch (error) {
      failures++;
      terminal.warn(`${file}: ${textOf(error)}`);
    }
  }
  return failures > 0 ? 1 : 0;
}

/** Works through files one by one. A file that fails does not stop the others. */
async function forEach(jobs: readonly Job[], terminal: Terminal, work: (job: Job) => Promise<string>): Promise<number> {
  let failures = 0;
  for (const [i, job] of jobs.entries()) {
    const number = jobs.length > 1 ? `[${i + 1}/${jobs.length}] ` : '';
    terminal.show(`${number}${job.input}`);
    const start = performance.now();
    try {
      const summary = await work(job);
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      terminal.print(`${number}${job.input} → ${job.output}: ${summary}, ${seconds} s`);
    } catch (error) {
      failures++;
      terminal.warn(`${number}${job.input}: ${textOf(error)}`);
    }
  }
  if (failures > 0 && jobs.length > 1) terminal.warn(`${failures} of ${jobs.length} files failed.`);
  return failures > 0 ? 1 : 0;
}

/** The message of an error with a remedy, or the stack of an unexpected one. */
function textOf(error: unknown): string {
  if (error instanceof FormatError && error.problem === 'wrong-model') {
    return `${error.message.replaceAll('anyModel: true', '--any-model')} --model names a checkpoint.`;
  }
  if (error instanceof DcAeError || error instanceof UsageError || error instanceof SetupError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** A header as JSON, with the length of an ICC profile and the facts of an EXIF block in place of their bytes. */
function jsonOf(file: string, { metadata, ...info }: Awaited<ReturnType<typeof inspect>>): string {
  const { icc, exif, ...rest } = metadata;
  const shown = { ...rest, ...(icc && { iccBytes: icc.length }), ...(exif && { exif: describeExif(exif) }) };
  return JSON.stringify({ file, ...info, metadata: shown });
}

function packageVersion(): string {
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
  return version;
}
