// The choice of a convolution's algorithm, and the passes of Winograd and phases over bands.
import { describe, expect, test } from 'vitest';
import { chooseAlgorithms } from '../../src/graph/algorithms.ts';
import { GraphBuilder, type Graph } from '../../src/graph/build.ts';
import { flops } from '../../src/graph/ops.ts';
import { inputRects } from '../../src/graph/ops.ts';
import type { ConvOp, Op } from '../../src/graph/ops.ts';
import { contains, intersection, type Rect } from '../../src/graph/rects.ts';
import { channelsOf, tensorBytes } from '../../src/graph/tensor.ts';
import { bytesMoved } from '../../src/plan/traffic.ts';
import type { Target } from '../../src/graph/target.ts';
import { expandConvolutions, tileMatrixBytes } from '../../src/graph/expand.ts';
import { tileInput, TILE_GEOMETRIES, type Algorithm, type TileAlgorithm } from '../../src/graph/tile_geometry.ts';
import { dcUpBlock2d } from '../../src/model/blocks.ts';
import { conv2d } from '../../src/model/layers.ts';

const TARGET: Target = {
  weights: 'f32',
  activations: 'f32',
  numerics: 'fast',
  products: 'f32',
  software: true,
  kernels: { conv: 'subgroups', multiply: 'subgroups' },
};
const BINDING = 128 * 2 ** 20;

function convGraph(channels: number, side: number, upsample = false, kernel = 3, stride = 1): Graph {
  const builder = new GraphBuilder();
  const input = builder.tensor('input', { n: 1, height: side, width: side }, channelsOf(channels));
  const output = upsample
    ? builder.up(dcUpBlock2d('up', channels, channels, true, false), input)
    : builder.conv(conv2d('conv', channels, channels, { kernel, stride }), input);
  return { ops: builder.ops, input, output };
}

function chosen(graph: Graph, target: Partial<Target> = {}, binding = BINDING): Algorithm[] {
  const { ops } = chooseAlgorithms(graph, { ...TARGET, ...target }, binding);
  return ops.map((op) => (op.type === 'conv' ? op.algorithm : 'direct'));
}

describe('the algorithm of a convolution', () => {
  test('is the one with the least work', () => {
    expect(chosen(convGraph(128, 64))).toEqual(['winograd4']);
    expect(chosen(convGraph(512, 2))).toEqual(['direct']); // its weights' transform would cost more than it saves
    expect(chosen(convGraph(128, 64, false, 1))).toEqual(['direct']);
    expect(chosen(convGraph(128, 64, false, 3, 2))).toEqual(['direct']);
    expect(chosen(convGraph(128, 64, true))).toEqual(['phases']);
  });

  test('is never F(4x4, 3x3) where numerics are strict', () => {
    expect(chosen(convGraph(128, 64), { numerics: 'strict' })).toEqual(['winograd2']);
    expect(chosen(convGraph(128, 64), { numerics: 'strict', algorithm: 'winograd4' })).toEqual(['winograd2']);
  });

  test('is one of whose matrices a tile fits the device', () => {
    expect(chosen(convGraph(512, 64), {}, 5 * 2 ** 20)).toEqual(['winograd4']);
    expect(chosen(convGraph(512, 64), {}, 4 * 2 ** 20)).toEqual(['winograd2']);
    expect(chosen(convGraph(512, 64), {}, 2 ** 20)).toEqual(['direct']);
  });
});

test('bytes moved: what an op reads and writes of its tensors, not all that they hold', () => {
  const graph = convGraph(32, 64);
  const image = 64 * 64 * 32 * 4;
  const weights = (32 * 32 * 9 + 32) * 4;
  const conv = graph.ops[0] as ConvOp;
  expect(bytesMoved({ ...conv, algorithm: 'direct' }, 'f32')).toBe(2 * image + weights);
  expect(bytesMoved({ ...conv, algorithm: 'direct' }, 'f16')).toBe(2 * image + weights / 2 + (32 * 4) / 2);
  const rows = { ...conv.rect, y: 8, height: 16 };
  expect(bytesMoved({ ...conv, algorithm: 'direct', rect: rows }, 'f32')).toBe((image * (16 + 18)) / 64 + weights);
  let id = 1000;
  const bytes = (scratch: number, type: Op['type']): number =>
    expandConvolutions([{ ...conv, algorithm: 'winograd4' }], {
      scratchBytes: scratch,
      matrixBytes: Infinity,
      id: () => id++,
    })
      .filter((op) => op.type === type)
      .reduce((sum, op) => sum + bytesMoved(op, 'f32'), 0);
  const tiles = 16 * 16 * 36 * 32 * 4;
  expect(bytes(Infinity, 'winograd-input')).toBe(image + tiles);
  // 16 bands, each with two more rows
  expect(bytes(2 ** 17, 'winograd-input')).toBe(image + (15 * 2 * image) / 64 + tiles);
  expect(bytes(2 ** 17, 'winograd-output')).toBe(image + tiles + 16 * 32 * 4);
});

test('large matrices are made slice by slice, in as few bands as their room allows', () => {
  const conv = { ...(convGraph(512, 32).ops[0] as ConvOp), algorithm: 'winograd4' as const };
  const matrixBytes = 3 * tileMatrixBytes(conv, 'winograd4');
  let id = 1000;
  const ops = expandConvolutions([conv], { scratchBytes: 2 ** 20, matrixBytes, id: () => id++ });
  const multiplies = ops.filter((op) => op.type === 'winograd-multiply');
  expect(multiplies.map(({ slice }) => slice)).toEqual([
    { firstTile: 0, tiles: 3 },
    { firstTile: 3, tiles: 3 },
    { firstTile: 6, tiles: 2 },
  ]);
  expect(ops.filter((op) => op.type === 'winograd-weight').map(({ slice }) => slice.tiles)).toEqual([3, 3, 2]);
  expect(new Set(multiplies.map(({ matrices }) => matrices.id)).size).toBe(1);
  const [matrices] = multiplies.map((op) => tensorBytes(op.matrices));
  expect(matrices).toBe(matrixBytes);
  expect(multiplies.reduce((sum, op) => sum + flops(op), 0)).toBe(2 * 36 * 8 * 8 * 512 * 512);
});

const RECTS: readonly Rect[] = [
  { y: 0, x: 0, height: 64, width: 64 },
  { y: 10, x: 6, height: 22, width: 34 },
  { y: 62, x: 0, height: 2, width: 64 },
];

describe.each(['winograd2', 'winograd4', 'phases'] as const)('passes of %s', (algorithm: TileAlgorithm) => {
  const graph = convGraph(32, algorithm === 'phases' ? 32 : 64, algorithm === 'phases');
  const whole = graph.ops[0] as ConvOp;

  test.for(RECTS)('over %o: bands cover it once, and read no more than its halo', (rect) => {
    const scratch = 256 * 2 ** 10;
    const op: ConvOp = { ...whole, rect, algorithm };
    let id = 1000;
    const ops = expandConvolutions([op], { scratchBytes: scratch, matrixBytes: Infinity, id: () => id++ });
    const of = <T extends Op['type']>(type: T) =>
      ops.filter((each): each is Extract<Op, { type: T }> => each.type === type);
    const stored = of('winograd-output');
    expect(stored.reduce((sum, each) => sum + each.rect.height * each.rect.width, 0)).toBe(rect.height * rect.width);
    stored.forEach((a, i) => {
      expect(contains(rect, a.rect)).toBe(true);
      for (const b of stored.slice(i + 1)) expect(intersection(a.rect, b.rect).height).toBe(0);
    });
    const [halo] = inputRects(op, rect);
    for (const input of of('winograd-input')) {
      expect(contains(halo!.rect, tileInput(input.rect, TILE_GEOMETRIES[algorithm]))).toBe(true);
      expect(input.rect).toEqual({ ...input.y.origin, height: input.y.height, width: input.y.width });
    }
    const tensors = [...of('winograd-input'), ...of('winograd-multiply')].slice(0, 2).map(({ y }) => tensorBytes(y));
    if (of('winograd-input').length > 1) expect(tensors[0]! + tensors[1]!).toBeLessThanOrEqual(2 * scratch);
  });
});
