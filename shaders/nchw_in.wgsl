// Copies a caller's [N, C, H, W] f32 to a stored activation [N, H, W, quads].
import package::view::{View, pixel};

const WORKGROUP = 64u;

struct Params {
  y: View,
  rows: u32, // H
  cols: u32, // W
  quads: u32, // channels / 4, rounded up
  channels: u32, // C
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if id.x >= params.cols * params.quads {
    return;
  }
  let col = id.x % params.cols;
  let q = id.x / params.cols;
  var v = vec4<f32>();
  for (var i = 0u; i < 4u; i++) {
    let c = 4u * q + i;
    if c < params.channels {
      v[i] = x[((id.z * params.channels + c) * params.rows + id.y) * params.cols + col];
    }
  }
  y[pixel(params.y, id.z, id.y, col) + q] = v;
}
