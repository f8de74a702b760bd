// A pixel has the same bits in whatever rectangle it is computed. Region-by-region runs depend on this.
import { expect, test } from 'vitest';
import type { GraphBuilder } from '../../src/graph/build.ts';
import type { ConvOp } from '../../src/graph/ops.ts';
import type { Rect } from '../../src/graph/rects.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import type { Algorithm } from '../../src/graph/tile_geometry.ts';
import { dcUpBlock2d } from '../../src/model/blocks.ts';
import { conv2d } from '../../src/model/layers.ts';
import { supportedVariants } from '../../src/loading/target.ts';
import { fileGpu } from '../support/device.ts';
import { randomTensor, randomWeights } from '../support/meets.ts';
import { runModule, type RunModuleOptions } from '../support/run_module.ts';

const shared = fileGpu();
const SIDE = 22;
const CUTS: readonly (readonly [number, number])[] = [
  [0, 6],
  [6, 14],
  [14, SIDE],
];

/** Replaces the graph's convolution by nine, each of one rectangle. */
function cut(builder: GraphBuilder): void {
  const op = builder.ops.pop() as ConvOp;
  for (const [top, bottom] of CUTS) {
    for (const [left, right] of CUTS) {
      const rect: Rect = { y: top, x: left, height: bottom - top, width: right - left };
      builder.ops.push({ ...op, rect });
    }
  }
}

/** One algorithm with each variant of the convolution kernel, planned as for the adapters that choose the variant. */
function everyKernel(algorithm: Algorithm): RunModuleOptions[] {
  return supportedVariants(shared.gpu, 'f16').map((kernel) => ({
    dtype: kernel === 'f16' ? 'f16' : 'f32',
    target: {
      algorithm,
      software: kernel === 'registers' || kernel === 'subgroups',
      kernels: { conv: kernel, multiply: kernel },
    },
  }));
}

test.for<[Algorithm, boolean]>([
  ['direct', false],
  ['winograd2', false],
  ['winograd4', false],
  ['direct', true],
  ['phases', true],
])('%s, upsampling: %s', async ([algorithm, upsample]) => {
  const layer = upsample ? dcUpBlock2d('up', 12, 12, true, true) : conv2d('conv', 12, 12);
  const build = (b: GraphBuilder, x: Tensor) => (layer.type === 'Conv2d' ? b.conv(layer, x) : b.up(layer, x));
  const side = upsample ? SIDE / 2 : SIDE;
  const input = randomTensor('input', [2, 12, side, side]);
  let first: ArrayLike<number> | undefined;
  for (const options of everyKernel(algorithm)) {
    const whole = await runModule(shared.gpu, build, input, randomWeights(layer), options);
    const inParts = await runModule(
      shared.gpu,
      (b, x) => {
        const y = build(b, x);
        cut(b);
        return y;
      },
      input,
      randomWeights(layer),
      options,
    );
    expect(inParts.data).toEqual(whole.data);
    // All variants give the same bits, except the one with products in f16.
    first ??= whole.data;
    if (options.dtype === 'f32') expect(whole.data).toEqual(first);
  }
});

// 520 channels make nine weight tiles. With bindings of this size the weight lies in two buffers, and the slices of its
// matrices cross their boundary.
test.for(['winograd2', 'winograd4'] as const)('%s: matrices in slices give the same bits', async (algorithm) => {
  const layer = conv2d('conv', 40, 520);
  const input = randomTensor('input', [2, 40, 10, 12]);
  for (const options of everyKernel(algorithm)) {
    const run = (binding: number) =>
      runModule(shared.gpu, (b, x) => b.conv(layer, x), input, randomWeights(layer), { ...options, binding });
    const whole = await run(Infinity);
    expect((await run(760_000)).data).toEqual(whole.data);
  }
});
