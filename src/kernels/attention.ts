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
import reduceCode from '../../shaders/attention_reduce.wgsl?static';
import applyCode from '../../shaders/attention_apply.wgsl?stored';
import quadraticCode from '../../shaders/attention_quadratic.wgsl?stored';
import sumsCode from '../../shaders/attention_sums.wgsl?stored';
import { groups, NONE, tensorResource, view, type Dispatch, type Resource } from './dispatch.ts';
import { variantFor, storedShader } from './storage.ts';
import { struct, type View } from './struct.ts';

const sumsShader = storedShader('attention_sums', sumsCode, ['read', 'read', 'write', 'uniform']);
const reduceShader: Shader = { name: 'attention_reduce', code: reduceCode, bindings: ['read', 'write', 'uniform'] };
const applyShader = storedShader('attention_apply', applyCode, ['read', 'read', 'read', 'write', 'uniform']);
const quadraticShader = storedShader('attention_quadratic', quadraticCode, ['read', 'read', 'write', 'uniform']);

const params = struct({
  qkv: 'view',
  second: 'view',
  y: 'view',
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
const reduceParams = struct({ spans: 'u32', quads: 'u32' });

/** Tokens that one workgroup of the second pass applies the sums of one head to: what it costs to add these up is shared by all. */
const APPLY_TOKENS = 256;

/** The branches that a dispatch works on, and the sizes that follow. */
interface Heads {
  readonly resources: readonly Resource[];
  /** Of one branch. */
  readonly branchHeads: number;
  /** Of all branches. */
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

function attentionParams(op: { branches: Branches; rect: Rect }, y: View, spans: Spans): ArrayBuffer {
  const { branches, rect } = op;
  const [qkv, second = qkv] = branches;
  const { branchHeads, heads, batchHeads, headQuads } = headsOf(op);
  return params({
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
    shader: variantFor(sumsShader, tensorsOf(branches), y),
    constants: {},
    resources: [...resources, tensorResource(y)],
    params: attentionParams(op, view(y), { first: rect.y / spanRows, rows: spanRows }),
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
    params: reduceParams({ spans: x.n, quads }),
    grid: [groups(quads), 1, 1],
  };
}

/** Linear attention, second pass. A workgroup applies one head's sums to some tokens; a thread computes one quad of four at a time. */
export function attentionApply(op: AttentionApplyOp): Dispatch {
  const { label, rect, branches, sums, y, firstHead } = op;
  const { resources, batchHeads, headQuads } = headsOf(op);
  return {
    label,
    shader: variantFor(applyShader, tensorsOf(branches), y),
    constants: { SUMS: (4 * headQuads + 1) * headQuads, TOKENS: APPLY_TOKENS },
    resources: [...resources, tensorResource(sums), tensorResource(y)],
    params: attentionParams(op, view(y, { at: rect, quad: firstHead * headQuads }), { count: sums.n }),
    grid: [Math.ceil((rect.height * rect.width) / APPLY_TOKENS), 1, batchHeads],
  };
}

/** Quadratic attention. A thread computes one quad of one head for one token. */
export function attentionQuadratic(op: AttentionQuadraticOp): Dispatch {
  const { label, rect, branches, y, firstHead } = op;
  const { resources, batchHeads, headQuads } = headsOf(op);
  return {
    label,
    shader: variantFor(quadraticShader, tensorsOf(branches), y),
    constants: {},
    resources: [...resources, tensorResource(y)],
    params: attentionParams(op, view(y, { at: rect, quad: firstHead * headQuads }), {}),
    grid: [groups(headQuads * rect.height * rect.width), 1, batchHeads],
  };
}
