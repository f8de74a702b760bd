// Parameters find their tensors; missing, misshapen and surplus tensors are named.
import { describe, expect, test } from 'vitest';
import { matchParameters } from '../../src/weights/format/parameters.ts';
import type { TensorInfo } from '../../src/weights/format/tensor_info.ts';

describe('matchParameters', () => {
  const expected = [
    { key: 'encoder.a.weight', shape: [2, 3] },
    { key: 'encoder.a.bias', shape: [2] },
    { key: 'decoder.norm.num_batches_tracked', shape: [] },
    { key: 'decoder.b.weight', shape: [4] },
  ];
  const mapOf = (...infos: TensorInfo[]) => new Map(infos.map((one) => [one.name, one]));
  const whole = [info('encoder.a.weight', [2, 3]), info('encoder.a.bias', [2]), info('decoder.b.weight', [4])];

  test('finds the tensors in the order of the parameters', () => {
    const { tensors } = matchParameters(expected, mapOf(...[...whole].reverse()));
    expect([...tensors.keys()]).toEqual(['encoder.a.weight', 'encoder.a.bias', 'decoder.b.weight']);
  });

  test('lists surplus tensors, but neither num_batches_tracked nor those of a network that is not loaded', () => {
    const tensors = mapOf(...whole, info('encoder.norm.num_batches_tracked', []), info('encoder.other', [1]));
    const decoder = matchParameters(expected.slice(3), tensors, { networks: ['decoder'] });
    expect([decoder.tensors.size, decoder.surplus]).toEqual([1, []]);
    expect(matchParameters(expected, tensors).surplus).toEqual(['encoder.other']);
    const more = mapOf(...whole, info('latents_mean', [32]), { ...info('ema', [0]), dtype: 'F4' });
    expect(matchParameters(expected.slice(3), more, { networks: ['decoder'] }).surplus).toEqual([
      'latents_mean',
      'ema',
    ]);
  });

  test('lists everything that is missing, misshapen and surplus in one error', () => {
    const tensors = mapOf(
      info('encoder.a.weight', [3, 2]),
      { ...info('decoder.b.weight', [4]), dtype: 'I8' },
      info('decoder.c', [1]),
    );
    let message = '';
    try {
      matchParameters(expected, tensors, { context: 'model.safetensors' });
    } catch (error) {
      message = String(error);
    }
    expect(message).toBe(
      "CheckpointError: model.safetensors doesn't match the config. Use the config.json and the weights of one and the same model.\n" +
        'Missing (1):\n- encoder.a.bias\n' +
        'Wrong (2):\n- encoder.a.weight: has [3, 2], needs [2, 3]\n- decoder.b.weight: is I8; allowed are F32, F16, BF16, F64\n' +
        'Surplus (1):\n- decoder.c',
    );
  });

  test('keeps long lists short and names the likely cause', () => {
    const many = Array.from({ length: 40 }, (_, i) => ({ key: `encoder.${i}`, shape: [1] }));
    expect(() => matchParameters(many, mapOf(info('encoder.0', [1])))).toThrow(
      /incomplete[^]*- encoder\.12\n- and 27 more$/,
    );
    expect(() => matchParameters(many, new Map())).toThrow('It has no tensor of an AutoencoderDC');
  });
});

function info(name: string, shape: readonly number[], start = 0): TensorInfo {
  const bytes = 4 * shape.reduce((product, n) => product * n, 1);
  return { name, dtype: 'F32', shape, file: 'model.safetensors', start, end: start + bytes };
}
