import type { Shader } from '../gpu/pipelines.ts';
import {
  tensorsOf,
  type AttentionApplyOp,
  type AttentionQuadraticOp,
  type AttentionReduceOp,
  type AttentionSumsOp,
  type Branches,
} from '../graph/ops.ts';
import type { Rect } from '../graph/rects.ts';
import { channelsOf, quadsOf, tensorBytes } from '../graph/tensor.ts';
import reduceCode from '../../shaders/attention_reduce.wgsl?link=static';
import applyCode from '../../shaders/attention_apply.wgsl?link=same';
import quadraticCode from '../../shaders/attention_quadratic.wgsl?link=same';
import sumsCode from '../../shaders/attention_sums.wgsl?link=input';
import { groups, NONE, tensorResource, view, type Dispatch, type Resource } from './dispatch.ts';
import { byStorage, commonStorage } from './storage.ts';
import { struct, type View } from './struct.ts';

const sumsShader = byStorage('attention_sums', sumsCode, ['read', 'read', 'write', 'uniform']);
const reduceShader: Shader = { name: 'attention_reduce', code: reduceCode, bindings: ['read', 'write', 'uniform'] };
const applyShader = byStorage('attention_apply', applyCode, ['read', 'read', 'read', 'write', 'uniform']);
const quadraticShader = byStorage('attention_quadratic', quadraticCode, ['read', 'read', 'write', 'uniform']);

/** The params of the shaders that import shaders/attention.wgsl. */
export const attentionParams = struct({
  qkv: 'View',
  second: 'View',
  y: 'View',
  rows: 'u32',
  cols: 'u32',
  branch_heads: 'u32',
  heads: 'u32',
  head_quads: 'u32',
  first_span: 'u32',
  span_rows: 'u32',
  spans: 'u32',
  batch_heads: 'u32',
});
/** The params of shaders/attention_reduce.wgsl. */
export const attentionReduceParams = struct({ spans: 'u32', quads: 'u32' });

/** Tokens of a workgroup in the second pass. They share the cost of adding up one head's sums. */
const APPLY_TOKENS = 256;

/** The branches of a dispatch and the sizes that follow from them. */
interface Heads {
  readonly resources: readonly Resource[];
  /** Heads of one branch. */
  readonly branchHeads: number;
  /** Heads of all branches. */
  readonly heads: number;
  readonly batchHeads: number;
  readonly headQuads: number;
}

function headsOf({ branches: [qkv, second] }: { branches: Branches }): Heads {
  const { channels, group } = qkv.layout;
  const branchHeads = channels / (3 * group);
  const heads = branchHeads * (second ? 2 : 1);
  return {
    resources: [tensorResource(qkv), second ? tensorResource(second) : NONE],
    branchHeads,
    heads,
    batchHeads: qkv.n * heads,
    headQuads: quadsOf(channelsOf(group)),
  };
}

interface Spans {
  /** First span of the rectangle. */
  readonly first?: number;
  /** Rows of a span. */
  readonly rows?: number;
  /** Spans of the image. */
  readonly count?: number;
}

function paramsOf(op: { branches: Branches; rect: Rect }, y: View, spans: Spans): ArrayBuffer {
  const { branches, rect } = op;
  const [qkv, second = qkv] = branches;
  const { branchHeads, heads, batchHeads, headQuads } = headsOf(op);
  return attentionParams({
    qkv: view(qkv, { at: rect }),
    second: view(second, { at: rect }),
    y,
    rows: rect.height,
    cols: rect.width,
    branch_heads: branchHeads,
    heads,
    head_quads: headQuads,
    first_span: spans.first ?? 0,
    span_rows: spans.rows ?? 0,
    spans: spans.count ?? 0,
    batch_heads: batchHeads,
  });
}

/** Linear attention, first pass. A thread sums one quad of k by one quad of v over a span of tokens. */
export function attentionSums(op: AttentionSumsOp): Dispatch {
  const { label, rect, branches, y, spanRows } = op;
  const { resources, batchHeads, headQuads } = headsOf(op);
  return {
    label,
    shader: sumsShader[commonStorage(tensorsOf(branches))],
    constants: {},
    resources: [...resources, tensorResource(y)],
    params: paramsOf(op, view(y), { first: rect.y / spanRows, rows: spanRows }),
    grid: [groups(headQuads ** 2), Math.ceil(rect.height / spanRows), batchHeads],
  };
}

/** Linear attention, between the passes. A thread adds one quad of all partial sums. */
export function attentionReduce({ label, x, y }: AttentionReduceOp): Dispatch {
  const quads = tensorBytes(y) / 16;
  return {
    label,
    shader: reduceShader,
    constants: {},
    resources: [tensorResource(x), tensorResource(y)],
    params: attentionReduceParams({ spans: x.n, quads }),
    grid: [groups(quads), 1, 1],
  };
}

/**
 * Linear attention, second pass. A workgroup applies one head's sums to some tokens. A thread computes one quad of four
 * tokens at a time.
 */
export function attentionApply(op: AttentionApplyOp): Dispatch {
  const { label, rect, branches, sums, y, firstHead } = op;
  const { resources, batchHeads, headQuads } = headsOf(op);
  return {
    label,
    shader: applyShader[commonStorage([...tensorsOf(branches), y])],
    constants: { SUMS: (4 * headQuads + 1) * headQuads, TOKENS: APPLY_TOKENS },
    resources: [...resources, tensorResource(sums), tensorResource(y)],
    params: paramsOf(op, view(y, { at: rect, quad: firstHead * headQuads }), { count: sums.n }),
    grid: [Math.ceil((rect.height * rect.width) / APPLY_TOKENS), 1, batchHeads],
  };
}

/** Quadratic attention. A thread computes one quad of one head for one token. */
export function attentionQuadratic(op: AttentionQuadraticOp): Dispatch {
  const { label, rect, branches, y, firstHead } = op;
  const { resources, batchHeads, headQuads } = headsOf(op);
  return {
    label,
    shader: quadraticShader[commonStorage([...tensorsOf(branches), y])],
    constants: {},
    resources: [...resources, tensorResource(y)],
    params: paramsOf(op, view(y, { at: rect, quad: firstHead * headQuads }), {}),
    grid: [groups(headQuads * rect.height * rect.width), 1, batchHeads],
  };
}
