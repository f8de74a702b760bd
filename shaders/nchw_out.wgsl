// Copies a rectangle of a stored activation [N, H, W, quads] to a caller's [N, C, rows, cols] f32.
import package::view::{View, pixel};

const WORKGROUP = 64u;

struct Params {
  x: View,
  rows: u32, // pixel rows of the rectangle
  cols: u32, // pixel columns of the rectangle
  channels: u32, // C
}

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if id.x >= params.cols * params.channels {
    return;
  }
  let col = id.x % params.cols;
  let c = id.x / params.cols;
  let value = x[pixel(params.x, id.z, id.y, col) + c / 4u][c % 4u];
  y[((id.z * params.channels + c) * params.rows + id.y) * params.cols + col] = value;
}
