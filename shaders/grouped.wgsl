// Grouped 1x1 convolution with as many output as input channels: the second step of a multi-scale branch, whose groups
// are one head's q, k or v. A thread computes one quad of one pixel.
import package::view::{View, pixel};
import package::quad::{Input, Output, load_quad, store_quad};
import package::weight::{Weight, load_weight};

const WORKGROUP = 64u;

struct Params {
  x: View,
  y: View,
  rows: u32, // pixel rows of the output
  cols: u32, // pixel columns of the output
  quads: u32, // channels / 4
  group_quads: u32, // channels of one group / 4
}

@group(0) @binding(0) var<storage, read> x: array<Input>;
@group(0) @binding(1) var<storage, read> weight: array<Weight>; // [channel out / 4][channel in of the group][4]
@group(0) @binding(2) var<storage, read_write> y: array<Output>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let col = id.x / params.quads;
  let q = id.x % params.quads;
  if col >= params.cols {
    return;
  }
  let start = pixel(params.x, id.z, id.y, col) + q - q % params.group_quads;
  var w = q * params.group_quads * 4u;
  var sum = vec4<f32>();
  for (var i = 0u; i < params.group_quads; i++) {
    let v = load_quad(x[start + i]);
    sum = fma(v.xxxx, load_weight(weight[w]), sum);
    sum = fma(v.yyyy, load_weight(weight[w + 1u]), sum);
    sum = fma(v.zzzz, load_weight(weight[w + 2u]), sum);
    sum = fma(v.wwww, load_weight(weight[w + 3u]), sum);
    w += 4u;
  }
  y[pixel(params.y, id.z, id.y, col) + q] = store_quad(sum);
}
