// Weights made from hashes are the documented numbers.
import { describe, expect, test } from 'vitest';
import { readJson } from './fixtures.ts';
import { fnv1a32, hashTensor } from './hash_weights.ts';

interface Checks {
  readonly checks: Readonly<Record<string, { readonly first: readonly number[]; readonly sum: number }>>;
}

const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0);

describe('hash weights', () => {
  test('start from the documented hash of a name', () => {
    expect(fnv1a32('a')).toBe(0xe40c292c);
    expect(fnv1a32('encoder.conv_in.weight')).toBe(2580430937);
  });

  test('are the documented values times the scale of a convolution', () => {
    const scale = Math.sqrt(3 / 27);
    const documented = [0.9325568675994873, -0.47555017471313477, 0.6094820499420166, -0.7916162014007568];
    const first = hashTensor('encoder.conv_in.weight', [128, 3, 3, 3]).subarray(0, 4);
    expect([...first]).toEqual(documented.map((t) => Math.fround(scale * t)));
  });

  test.for([
    ['sana-quarter', 'encoder.conv_in', [32, 3, 3, 3]],
    ['mix-quarter', 'encoder.conv_in.conv', [16, 3, 3, 3]],
    ['dc-ae-f32c32-sana-1.0', 'encoder.conv_in', [128, 3, 3, 3]],
  ] as const)('are those of Python in %s', async ([model, layer, shape]) => {
    const { checks } = await readJson<Checks>(`test/fixtures/hash-models/${model}/fixture.json`);
    for (const [name, dims] of [
      [`${layer}.weight`, shape],
      [`${layer}.bias`, [shape[0]]],
    ] as const) {
      const { first, sum: total } = checks[name]!;
      const tensor = hashTensor(name, dims);
      expect([...tensor.subarray(0, first.length)]).toEqual(first);
      expect(sum(tensor)).toBeCloseTo(total, 3);
    }
  });

  test('can be had from the middle of a tensor on', () => {
    const whole = hashTensor('encoder.conv_in.weight', [128, 3, 3, 3]);
    const part = hashTensor('encoder.conv_in.weight', [128, 3, 3, 3], new Float32Array(100), 1234);
    expect([...part]).toEqual([...whole.subarray(1234, 1334)]);
  });

  test('of norms lie around one', () => {
    expect(sum(hashTensor('norm.weight', [4096])) / 4096).toBeCloseTo(1, 1);
    expect(Math.min(...hashTensor('norm.running_var', [4096]))).toBeGreaterThanOrEqual(0.5);
    expect([...hashTensor('norm.num_batches_tracked', [2])]).toEqual([0, 0]);
  });
});
