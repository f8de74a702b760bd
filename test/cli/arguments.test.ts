// The command line without a GPU: arguments, output paths and messages.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { packLatent } from '../../src/codec/index.ts';
import { parseCommand } from '../../cli/arguments.ts';
import { UsageError } from '../../cli/failure.ts';
import { planOutputs, writeOutput } from '../../cli/outputs.ts';
import { optionalPackage } from '../../cli/packages.ts';
import { pictureFormat } from '../../cli/pictures.ts';
import { run } from '../../cli/run.ts';
import { latentOf, modelWith } from '../support/codec.ts';

const folder = mkdtempSync(join(tmpdir(), 'dcae-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a command and collects its output. */
async function runIn(...args: string[]): Promise<{ status: number; printed: string; warned: string }> {
  const [printed, warned]: [string[], string[]] = [[], []];
  const terminal = {
    print: (line: string) => void printed.push(line),
    warn: (line: string) => void warned.push(line),
    show: () => undefined,
  };
  return { status: await run(args, terminal), printed: printed.join('\n'), warned: warned.join('\n') };
}

describe('arguments', () => {
  test('name files and options in any order', () => {
    expect(parseCommand(['compress', '-q', '40', 'a.jpg', '-o', 'out/', 'b.png', '--force'])).toEqual({
      name: 'compress',
      files: ['a.jpg', 'b.png'],
      output: 'out/',
      model: undefined,
      force: true,
      quality: 40,
      channels: undefined,
      exact: undefined,
      keepExif: false,
    });
    expect(parseCommand(['decompress', '--model=owner/name', '--any-model', 'x.dcae'])).toMatchObject({
      name: 'decompress',
      model: 'owner/name',
      anyModel: true,
    });
    expect(parseCommand(['inspect', 'x.dcae'])).toEqual({ name: 'inspect', files: ['x.dcae'], json: false });
  });

  test.each([
    [[], 'A command is missing'],
    [['shrink', 'a.jpg'], 'no command "shrink"'],
    [['compress'], 'A file is missing'],
    [['compress', 'a.jpg', '-q', '0'], '--quality must be a whole number from 1 to 100; it was 0'],
    [['compress', 'a.jpg', '-q', '4e1'], 'it was 4e1'],
    [['compress', 'a.jpg', '-q', '40', '--exact', 'f16'], 'exclude each other'],
    [['compress', 'a.jpg', '--exact', 'f64'], '--exact must be f32 or f16'],
    [['compress', 'a.jpg', '--qualty', '40'], "Unknown option '--qualty'"],
    [['compress', 'a.jpg', '--output', ''], '--output must name'],
    [['decompress', 'x.dcae', '-q', '40'], "Unknown option '-q'"],
  ])('%j are refused with status 2', async (args, message) => {
    expect(() => parseCommand(args)).toThrow(UsageError);
    const { status, warned } = await runIn(...args);
    expect(status).toBe(2);
    expect(warned).toContain(message);
    expect(warned).toContain('--help');
  });

  test('--help and --version print to standard output with status 0', async () => {
    for (const args of [['--help'], ['compress', '--help'], ['decompress', '-h'], ['inspect', '-h'], ['--version']]) {
      const { status, printed, warned } = await runIn(...args);
      expect([status, warned]).toEqual([0, '']);
      expect(printed).toMatch(/^(Usage: dc-ae-webgpu|\d+\.\d+\.\d+)/);
    }
  });
});

describe('outputs', () => {
  const plan = (files: string[], output?: string, force = false) => planOutputs({ files, output, force }, '.dcae');

  test('lie beside their inputs, in a folder, or where the option says', async () => {
    expect(await plan(['a/photo.one.jpg'])).toEqual([
      { input: 'a/photo.one.jpg', output: join('a', 'photo.one.dcae') },
    ]);
    expect(await plan(['a/x.jpg', 'y.png'], 'small/')).toEqual([
      { input: 'a/x.jpg', output: join('small', 'x.dcae') },
      { input: 'y.png', output: join('small', 'y.dcae') },
    ]);
    expect(await plan(['x.jpg'], folder)).toEqual([{ input: 'x.jpg', output: join(folder, 'x.dcae') }]);
    expect(await plan(['x.jpg'], 'y.bin')).toEqual([{ input: 'x.jpg', output: 'y.bin' }]);
  });

  test('are refused if two inputs share one, or if an input would be replaced', async () => {
    await expect(plan(['a.jpg', 'a.png'])).rejects.toThrow('a.jpg and a.png would both become a.dcae');
    await expect(plan(['a.jpg', 'b.jpg'], 'c.dcae')).rejects.toThrow('one file for 2 inputs');
    await expect(plan(['a.dcae'])).rejects.toThrow('would replace itself');
  });

  test('are replaced only with --force', async () => {
    const path = join(folder, 'kept.dcae');
    writeFileSync(path, 'before');
    await expect(plan([join(folder, 'kept.jpg')])).rejects.toThrow('exists already');
    await expect(writeOutput(path, new Uint8Array(1), false)).rejects.toThrow('--force');
    expect(await plan([join(folder, 'kept.jpg')], undefined, true)).toHaveLength(1);
    await writeOutput(path, new Uint8Array(1), true);
    await expect(writeOutput(join(folder, 'none', 'x'), new Uint8Array(1), true)).rejects.toThrow('does not exist');
  });

  test('have a format by their extension', () => {
    expect(['a.PNG', 'b.jpg', 'c.webp'].map(pictureFormat)).toEqual(['png', 'jpeg', 'webp']);
    expect(() => pictureFormat('x.bmp')).toThrow('no format has the extension ".bmp"');
  });
});

test('inspect prints headers without a GPU, and goes on after a file that fails', async () => {
  const file = join(folder, 'small.dcae');
  const latent = { ...latentOf([1, 3, 4, 5], (i) => Math.sin(i)), imageSize: { height: 32, width: 40 } };
  const { bytes } = await packLatent(latent, { model: modelWith(3), quality: 40, metadata: { title: 'A title' } });
  writeFileSync(file, bytes);
  const { status, printed, warned } = await runIn('inspect', join(folder, 'missing.dcae'), file);
  expect(status).toBe(1);
  expect(warned).toContain('There is no file');
  expect(printed).toContain('40 × 32 pixels');
  expect(printed).toContain('quality 40');
  expect(printed).toContain('someone/nano');
  const json = JSON.parse((await runIn('inspect', '--json', file)).printed) as { image: unknown; file: string };
  expect(json).toMatchObject({ file, image: { height: 32, width: 40 }, metadata: { title: 'A title' } });
});

test('a package that is not installed is an error with the commands that install it', async () => {
  const missing = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
  const load = optionalPackage('webgpu', 'runs the model on the GPU', () => Promise.reject(missing));
  await expect(load).rejects.toThrow('npm install webgpu sharp');
  await expect(load).rejects.toThrow('npx -p dc-ae-webgpu -p webgpu -p sharp dc-ae-webgpu');
});
