import package::view::{View, pixel};

// Multi-head attention over the tokens (pixels) of a rectangle. Channels of qkv, head by head: head_dim of q, of k, of v, each padded
// to whole quads: consecutive channels of to_q, to_k and to_v laid end to end.
struct Attention {
  qkv: View,
  y: View,
  rows: u32, // tokens, as pixels
  cols: u32,
  heads: u32,
  head_quads: u32, // channels of one head / 4
  first_span: u32, // number of the rectangle's first span: a partial sum is over one
  span: u32, // tokens in a span
  batch_heads: u32, // batch size * heads
}

// First quad of token t's q, k and v for one head.
fn token(params: Attention, n: u32, head: u32, t: u32) -> u32 {
  return pixel(params.qkv, n, t / params.cols, t % params.cols) + head * 3u * params.head_quads;
}
