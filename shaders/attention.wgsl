import package::view::{View, pixel};
import package::quad::{Input, load_quad};

// Multi-head attention over the tokens (pixels) of a rectangle, for one or two branches: qkv itself and a multi-scale
// one. The channels of a branch are, head by head, head_dim of q, of k and of v, each padded to whole quads.
struct Attention {
  qkv: View,
  second: View,
  y: View,
  rows: u32, // pixel rows; each pixel is a token
  cols: u32, // pixel columns
  branch_heads: u32, // heads of one branch
  heads: u32, // of all branches
  head_quads: u32, // channels of one head / 4
  first_span: u32, // index of the rectangle's first span; each span has one partial sum
  span_rows: u32, // rows of tokens in a span
  spans: u32, // of the whole image
  batch_heads: u32, // batch size * heads
}

@group(0) @binding(0) var<storage, read> qkv: array<Input>;
@group(0) @binding(1) var<storage, read> second: array<Input>;

// First quad of a token's q, k and v for one head, in the branch that has the head.
fn token(params: Attention, n: u32, head: u32, row: u32, col: u32) -> u32 {
  if head < params.branch_heads {
    return pixel(params.qkv, n, row, col) + head * 3u * params.head_quads;
  }
  return pixel(params.second, n, row, col) + (head - params.branch_heads) * 3u * params.head_quads;
}

// Quad i of the branch that has the head.
fn load(params: Attention, head: u32, i: u32) -> vec4<f32> {
  if head < params.branch_heads {
    return load_quad(qkv[i]);
  }
  return load_quad(second[i]);
}

fn relu(v: vec4<f32>) -> vec4<f32> {
  return max(v, vec4<f32>());
}
