// Depthwise k x k convolution with zero padding and stride 1. With `gated`, GLUMBConv's gate follows: the first half of
// the channels times silu of the second half. A thread computes one quad of four pixels.
import package::view::{View, pixel};
import package::quad::{Output, store_quad};
import package::activation::silu;
import package::taps::convolve;

const WORKGROUP = 64u;

struct Params {
  x: View,
  y: View,
  rows: u32, // pixel rows of the output
  cols: u32, // pixel columns of the output
  quads: u32, // channels of the output / 4
  taps: u32, // kernel height = kernel width
  biased: u32, // 1: add the bias
  gated: u32, // 1: apply the gate; x then has twice as many channels
}

@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<Output>;
@group(0) @binding(4) var<uniform> params: Params;

fn convolved(n: u32, row: u32, col: u32, q: u32) -> array<vec4<f32>, 4> {
  var start = vec4<f32>();
  if params.biased == 1u {
    start = bias[q];
  }
  return convolve(params.x, n, row, col, q, params.taps, start);
}

fn put(n: u32, row: u32, col: u32, q: u32, value: vec4<f32>) {
  if col < params.cols {
    y[pixel(params.y, n, row, col) + q] = store_quad(value);
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let col = 4u * (id.x / params.quads);
  let q = id.x % params.quads;
  if col >= params.cols {
    return;
  }
  var v = convolved(id.z, id.y, col, q);
  if params.gated == 1u {
    let gate = convolved(id.z, id.y, col, q + params.quads);
    v[0] *= silu(gate[0]);
    v[1] *= silu(gate[1]);
    v[2] *= silu(gate[2]);
    v[3] *= silu(gate[3]);
  }
  put(id.z, id.y, col, q, v[0]);
  put(id.z, id.y, col + 1u, q, v[1]);
  put(id.z, id.y, col + 2u, q, v[2]);
  put(id.z, id.y, col + 3u, q, v[3]);
}
