// python/dcae.py, the second implementation of the format. Files that it wrote before are read everywhere; with Python
// and NumPy it also reads and writes during the tests.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { packLatent, unpackLatent } from '../../src/codec/index.ts';
import { latentOf, modelWith } from '../support/codec.ts';
import { nanoLatent } from '../support/nano_latent.ts';
import { findPython } from '../support/python.ts';

const FOLDER = 'test/fixtures/codec/python';
const python = findPython();
const folder = mkdtempSync(join(tmpdir(), 'dcae-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The numbers of a .npy file of float32. */
function npy(path: string): Float32Array {
  const bytes = readFileSync(path);
  expect(bytes.toString('latin1', 0, 128)).toContain("'<f4'");
  return new Float32Array(new Uint8Array(bytes.subarray(10 + bytes.readUInt16LE(8))).buffer);
}

/** A .npy file of float32. */
function asNpy(data: Float32Array, shape: readonly number[]): Buffer {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  const head = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${text.padEnd(117)}\n`, 'latin1');
  head.writeUInt16LE(118, 8);
  return Buffer.concat([head, new Uint8Array(data.buffer)]);
}

const nano = nanoLatent();

/** A small latent, [2, 3, 4, 5], that both sides can make: multiples of 1/64. */
const small = latentOf([2, 3, 4, 5], (i) => (((i * 37) % 101) - 50) / 64);

/** Folders of files of each version of the format. */
const VERSIONS = [
  [1, 'v1'],
  [2, 'v2'],
] as const;

describe.each(VERSIONS)('a file of version %i of the Python program', (version, of) => {
  test.each(['f32', 'f16'])('coded exactly in %s is read exactly', async (exact) => {
    const { latent, info } = await unpackLatent(readFileSync(`${FOLDER}/${of}/small.${exact}.dcae`));
    expect(latent).toEqual({ ...small, imageSize: undefined });
    expect([info.version, info.coding]).toEqual([version, exact]);
    expect([info.checkpoint.id, info.metadata.title]).toEqual(['someone/nano', 'Python']);
  });

  test('that is quantised is read to within half a step', async () => {
    const { latent, info } = await unpackLatent(readFileSync(`${FOLDER}/${of}/small.q60.dcae`));
    const step = info.quantiser!.steps[0]!;
    latent.data.forEach((value, i) => expect(Math.abs(value - small.data[i]!)).toBeLessThanOrEqual(step / 2 + 1e-6));
  });
});

if (python) {
  const run = (...args: string[]): Buffer => execFileSync(python, ['python/dcae.py', ...args]);

  describe('while Python runs', () => {
    const corner = latentOf([1, 16, 12, 12], (i) => {
      const [c, y, x] = [Math.floor(i / 144), Math.floor(i / 12) % 12, i % 12];
      return nano.data[c * 1024 + y * 32 + x]!;
    });

    test.each([
      { quality: 40 },
      { quality: 30, channels: 5 },
      { exact: 'f32' as const },
      { exact: 'f16' as const, channels: 9 },
    ])(
      'Python reads a file that TypeScript wrote with %o',
      async (options) => {
        const { bytes } = await packLatent(corner, { model: modelWith(16), ...options });
        const [file, array] = [join(folder, 'ours.dcae'), join(folder, 'ours.npy')];
        writeFileSync(file, bytes);
        run('to-npy', file, array);
        expect(npy(array)).toEqual((await unpackLatent(bytes)).latent.data);
      },
      30_000,
    );

    test('Python reads files whose channels are partly or all zero', async () => {
      for (const zero of [(c: number) => c % 3 > 0, () => true]) {
        const data = corner.data.map((value, i) => (zero(Math.floor(i / 144)) ? 0 : value));
        const model = { ...modelWith(16), config: { ...modelWith(16).config, uniformQuantiserStep: 1 } };
        const { bytes } = await packLatent({ ...corner, data }, { model, quality: 40 });
        const [file, array] = [join(folder, 'zero.dcae'), join(folder, 'zero.npy')];
        writeFileSync(file, bytes);
        run('to-npy', file, array);
        expect(npy(array)).toEqual((await unpackLatent(bytes)).latent.data);
      }
    });

    test('TypeScript reads the channels that Python kept', async () => {
      const [array, file] = [join(folder, 'some.npy'), join(folder, 'some.dcae')];
      writeFileSync(array, asNpy(small.data, small.shape));
      run('from-npy', array, file, '--exact', 'f32', '--channels', '2');
      const { latent, info } = await unpackLatent(readFileSync(file));
      expect(info.channels).toEqual({ kept: 2, coded: 2 });
      expect(latent.data).toEqual(small.data.map((value, i) => (Math.floor(i / 20) % 3 < 2 ? value : 0)));
    });

    test.each(['f32', 'f16', 'q60'])('Python writes the same file as before: %s', (kind) => {
      const [array, file] = [join(folder, 'small.npy'), join(folder, 'small.dcae')];
      writeFileSync(array, asNpy(small.data, small.shape));
      const how = kind === 'q60' ? ['--quality', '60', '--scaling-factor', '0.5'] : ['--exact', kind];
      run('from-npy', array, file, ...how, '--checkpoint', 'someone/nano', '--title', 'Python');
      expect(readFileSync(file).equals(readFileSync(`${FOLDER}/v2/small.${kind}.dcae`))).toBe(true);
    });
  });
} else {
  test('Python with NumPy is not installed: only files that it wrote before are tested', () => {
    console.info('python/dcae.py was not run: no python3 with NumPy here');
  });
}
