import type { Graph } from './build.ts';
import { IDENTITY, inputs, type ConvOp, type Op, type RMSNormOp } from './ops.ts';
import { quadsOf } from './tensor.ts';

/** The most quads of a pixel that one workgroup of shaders/winograd_output.wgsl handles. */
export const NORM_QUADS = 128;

/**
 * Moves RMSNorms, and the residuals behind them, into the last pass of the convolutions before them, if a workgroup of
 * that pass handles all channels of its pixels. Algorithms must have been chosen.
 */
export function fuseNorms(graph: Graph): Graph {
  const reads = new Map<number, number>([[graph.output.id, 1]]);
  for (const { id } of graph.ops.flatMap(inputs)) reads.set(id, (reads.get(id) ?? 0) + 1);
  const ops: Op[] = [];
  for (const op of graph.ops) {
    const last = ops.at(-1);
    if (last?.type === 'conv' && op.type === 'rms-norm' && fits(last, op) && reads.get(last.y.id) === 1) {
      const shortcut = op.residual && { source: op.residual, shuffle: IDENTITY };
      ops.splice(-1, 1, { ...last, y: op.y, norm: op.affine, shortcut });
    } else ops.push(op);
  }
  return { ...graph, ops };
}

function fits({ algorithm, store, shortcut, y }: ConvOp, norm: RMSNormOp): boolean {
  const winograd = algorithm === 'winograd2' || algorithm === 'winograd4';
  const plain = store === 'plain' && shortcut === undefined && norm.activation === undefined;
  return winograd && plain && norm.x === y && quadsOf(y.layout) <= NORM_QUADS;
}
