// Depthwise k x k convolution, zero padding, stride 1; with `gated`, GLUMBConv's gate behind it: the first half of the channels times
// silu of the second, so that the expanded tensor is read once and its product alone is written.
import package::view::{View, pixel, stored_pixel};
import package::weight::{Weight, load_weight};
import package::activation::silu;

override WORKGROUP: u32 = 64u;

struct Params {
  x: View,
  y: View,
  rows: u32, // pixels of the output
  cols: u32,
  quads: u32, // channels of the output / 4
  taps: u32, // kernel height = kernel width
  weight_quads: u32, // channels of the input / 4
  biased: u32,
  gated: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<Weight>; // [tap][channel]
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> params: Params;

fn convolve(n: u32, row: u32, col: u32, q: u32) -> vec4<f32> {
  let outside = arrayLength(&x) - params.weight_quads;
  var sum = vec4<f32>();
  if params.biased == 1u {
    sum = bias[q];
  }
  for (var dy = 0u; dy < params.taps; dy++) {
    for (var dx = 0u; dx < params.taps; dx++) {
      let start = stored_pixel(params.x, n, i32(row + dy) + params.x.y, i32(col + dx) + params.x.x, outside);
      let w = load_weight(weight[(dy * params.taps + dx) * params.weight_quads + q]);
      sum = fma(x[start + q], w, sum);
    }
  }
  return sum;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let col = id.x / params.quads;
  let q = id.x % params.quads;
  if col >= params.cols {
    return;
  }
  var v = convolve(id.z, id.y, col, q);
  if params.gated == 1u {
    v *= silu(convolve(id.z, id.y, col, q + params.quads));
  }
  y[pixel(params.y, id.z, id.y, col) + q] = v;
}
