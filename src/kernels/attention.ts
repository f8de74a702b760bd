import type { Shader } from '../gpu/pipelines.ts';
import type { AttentionApplyOp, AttentionQuadraticOp, AttentionReduceOp, AttentionSumsOp } from '../graph/ops.ts';
import type { Rect } from '../graph/rects.ts';
import { channelsOf, quadsOf, tensorBytes, type Tensor } from '../graph/tensor.ts';
import applyCode from '../../shaders/attention_apply.wgsl?static';
import quadraticCode from '../../shaders/attention_quadratic.wgsl?static';
import reduceCode from '../../shaders/attention_reduce.wgsl?static';
import sumsCode from '../../shaders/attention_sums.wgsl?static';
import { groups, tensorResource, view, type Dispatch } from './dispatch.ts';
import { struct, type View } from './struct.ts';

const sumsShader: Shader = { name: 'attention_sums', code: sumsCode, bindings: ['read', 'write', 'uniform'] };
const reduceShader: Shader = { name: 'attention_reduce', code: reduceCode, bindings: ['read', 'write', 'uniform'] };
const applyShader: Shader = {
  name: 'attention_apply',
  code: applyCode,
  bindings: ['read', 'read', 'write', 'uniform'],
};
const quadraticShader: Shader = {
  name: 'attention_quadratic',
  code: quadraticCode,
  bindings: ['read', 'write', 'uniform'],
};

const params = struct({
  qkv: 'view',
  y: 'view',
  rows: 'u32',
  cols: 'u32',
  heads: 'u32',
  head_quads: 'u32',
  first_span: 'u32',
  span: 'u32',
  batch_heads: 'u32',
});
const reduceParams = struct({ spans: 'u32', quads: 'u32' });

interface Heads {
  readonly heads: number;
  readonly headQuads: number;
}

function headsOf({ layout }: Tensor): Heads {
  const { channels, group } = layout;
  return { heads: channels / (3 * group), headQuads: quadsOf(channelsOf(group)) };
}

interface Spans {
  /** First span of the rectangle. */
  readonly first: number;
  /** Tokens in a span. */
  readonly tokens: number;
}

function attentionParams(qkv: Tensor, rect: Rect, y: View, spans: Spans = { first: 0, tokens: 0 }): ArrayBuffer {
  const { heads, headQuads } = headsOf(qkv);
  return params({
    qkv: view(qkv, { at: rect }),
    y,
    rows: rect.height,
    cols: rect.width,
    heads,
    head_quads: headQuads,
    first_span: spans.first,
    span: spans.tokens,
    batch_heads: qkv.n * heads,
  });
}

/** Linear attention, first pass. A thread sums one quad of k by one quad of v over a span of tokens. */
export function attentionSums({ label, rect, qkv, y, spanRows }: AttentionSumsOp): Dispatch {
  const { heads, headQuads } = headsOf(qkv);
  const spans = { first: rect.y / spanRows, tokens: spanRows * rect.width };
  return {
    label,
    shader: sumsShader,
    constants: {},
    resources: [tensorResource(qkv), tensorResource(y)],
    params: attentionParams(qkv, rect, view(y), spans),
    grid: [groups(headQuads ** 2), Math.ceil(rect.height / spanRows), qkv.n * heads],
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

/** Linear attention, second pass. A thread computes one quad of one head for four tokens. */
export function attentionApply({ label, rect, qkv, sums, y, firstHead }: AttentionApplyOp): Dispatch {
  const { heads, headQuads } = headsOf(qkv);
  const tokens = rect.height * rect.width;
  return {
    label,
    shader: applyShader,
    constants: {},
    resources: [tensorResource(qkv), tensorResource(sums), tensorResource(y)],
    params: attentionParams(qkv, rect, view(y, { at: rect, quad: firstHead * headQuads })),
    grid: [groups(headQuads * Math.ceil(tokens / 4)), 1, qkv.n * heads],
  };
}

/** Quadratic attention. A thread computes one quad of one head for one token. */
export function attentionQuadratic({ label, rect, qkv, y, firstHead }: AttentionQuadraticOp): Dispatch {
  const { heads, headQuads } = headsOf(qkv);
  const tokens = rect.height * rect.width;
  return {
    label,
    shader: quadraticShader,
    constants: {},
    resources: [tensorResource(qkv), tensorResource(y)],
    params: attentionParams(qkv, rect, view(y, { at: rect, quad: firstHead * headQuads })),
    grid: [groups(headQuads * tokens), 1, qkv.n * heads],
  };
}
