// python/decoder.py, an independent decoder. Parts of a large picture that it made are what
// test/plan/regions.full.gpu.test.ts compares.
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { findPython } from '../support/python.ts';

const python = findPython();

if (python) {
  test('the Python decoder gives what diffusers gives in double precision, as far as float32 stores it', () => {
    const folder = 'test/fixtures/hash-models/sana-quarter';
    const told = execFileSync(python, ['python/decoder.py', 'check', folder], { encoding: 'utf8', stdio: 'pipe' });
    const errors = [...told.matchAll(/: (\S+) of the largest value/g)].map(([, error]) => Number(error));
    expect(errors.length).toBe(2);
    expect(Math.max(...errors)).toBeLessThan(1e-7);
  });
} else {
  test('Python with NumPy is not on this machine: only what it made before is tested', () => {
    console.info('python/decoder.py was not run: no python3 with NumPy here');
  });
}
