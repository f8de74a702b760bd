// The subgroup-matrix kernels compute a convolution. The test adapters do not offer subgroup matrices, so plain
// functions replace Chromium's builtins. Real drivers stay untested.
import { expect, test } from 'vitest';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { conv2d } from '../../src/model/layers.ts';
import { fileGpu } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { relativeMaxError } from '../support/fixtures.ts';
import { randomTensor, randomWeights } from '../support/meets.ts';
import * as reference from '../support/reference.ts';
import { runModule } from '../support/run_module.ts';

const shared = fileGpu();
const note = worstErrors('subgroup matrices, emulated');
const VARIANTS = [
  { kernel: 'matrix', dtype: 'f32', tolerance: 1e-5 },
  { kernel: 'f16-matrix', dtype: 'f16', tolerance: 5e-3 },
] as const;

const hasF16 = (await navigator.gpu.requestAdapter())?.features.has('shader-f16') === true;
const possible = VARIANTS.filter(({ dtype }) => dtype === 'f32' || hasF16);

test.for(possible)('$kernel', async ({ kernel, dtype, tolerance }) => {
  using _ = emulation(shared.gpu);
  for (const [inChannels, outChannels, height, width] of [
    [5, 3, 3, 2], // less than a block of anything
    [20, 36, 21, 27], // lanes 8
    [33, 17, 30, 41], // lanes 4
  ] as const) {
    const layer = conv2d('conv', inChannels, outChannels);
    const weights = randomWeights(layer);
    const input = randomTensor('input', [2, inChannels, height, width]);
    const bias = weights.get('conv.bias')!;
    const expected = reference.conv(input, weights.get('conv.weight')!, { bias, padding: 1 });
    const { data } = await runModule(shared.gpu, (b, x) => b.conv(layer, x), input, weights, {
      dtype,
      target: { algorithm: 'winograd2', kernels: { conv: kernel, multiply: kernel } },
    });
    const error = relativeMaxError(data, expected.data);
    note(kernel, `${inChannels} to ${outChannels} channels`, error);
    expect(error).toBeLessThanOrEqual(tolerance);
  }
});

/** Replaces subgroup matrices: every thread of a subgroup has the whole matrix, and the first one stores it. */
function emulation({ device }: Gpu): Disposable {
  const { createShaderModule } = GPUDevice.prototype;
  let emulated = 0;
  device.createShaderModule = (descriptor) => {
    if (!descriptor.code.includes(ENABLE)) return createShaderModule.call(device, descriptor);
    emulated++;
    return createShaderModule.call(device, { ...descriptor, code: plainMatrices(descriptor.code) });
  };
  return {
    [Symbol.dispose]: () => {
      delete (device as { createShaderModule?: unknown }).createShaderModule;
      expect(emulated).toBe(1);
    },
  };
}

const ENABLE = 'enable chromium_experimental_subgroup_matrix;';

function plainMatrices(code: string): string {
  const plain = code
    .replace(ENABLE, '')
    .replace(/diagnostic\(off, chromium[^;]*;/, 'diagnostic(off, derivative_uniformity);')
    .replace(/enable subgroups;/, '')
    .replace(/subgroup_matrix_(?:left|right)<\s*Number, SIZE, SIZE\s*>/g, 'array<f32, SIZE * SIZE>')
    .replace(/subgroup_matrix_result<\s*f32, SIZE, SIZE\s*>/g, 'array<f32, SIZE * SIZE>')
    .replace(/subgroupMatrixLoad<\s*Left\s*>\(&x_block,/g, 'load_left(')
    .replace(/subgroupMatrixLoad<\s*Right\s*>\(&weight_block,/g, 'load_right(')
    .replace(
      /\(\*sums\)\[i\] = subgroupMatrixMultiplyAccumulate\(left, right, \(\*sums\)\[i\]\);/,
      'accumulate(left, right, sums, i);',
    )
    .replace(
      /subgroupMatrixStore\(&sum_block, first, matrices\[i\], false,/,
      'store_matrix(thread, first, matrices[i],',
    );
  return `${plain}
alias Matrix = array<f32, SIZE * SIZE>;
fn load_left(first: u32, _columns: bool, stride: u32) -> Matrix {
  var m: Matrix;
  for (var i = 0u; i < params.loop_end * SIZE * SIZE; i++) { m[i] = f32(x_block[first + i / SIZE * stride + i % SIZE]); }
  return m;
}
fn load_right(first: u32, _columns: bool, stride: u32) -> Matrix {
  var m: Matrix;
  for (var i = 0u; i < params.loop_end * SIZE * SIZE; i++) { m[i] = f32(weight_block[first + i / SIZE * stride + i % SIZE]); }
  return m;
}
fn accumulate(left: Matrix, right: Matrix, sums: ptr<function, Sums>, at: u32) {
  var l = left;
  var r = right;
  for (var i = 0u; i < params.loop_end * SIZE * SIZE; i++) {
    for (var k = 0u; k < SIZE; k++) { (*sums)[at][i] += l[i / SIZE * SIZE + k] * r[k * SIZE + i % SIZE]; }
  }
}
fn store_matrix(thread: u32, first: u32, matrix: Matrix, stride: u32) {
  var m = matrix;
  if thread % SUBGROUP == 0u {
    for (var i = 0u; i < params.loop_end * SIZE * SIZE; i++) { sum_block[first + i / SIZE * stride + i % SIZE] = m[i]; }
  }
}
`.replaceAll('params.loop_end', 'min(params.batch, 1u)'); // 1; a constant would make the compiler unroll these loops
}
