// A rectangle of a stored activation [N, H, W, quads] -> [N, C, rows, cols] f32 as callers want it.
import package::view::{View, pixel};

const WORKGROUP = 64u;

struct Params {
  x: View,
  rows: u32,
  cols: u32,
  channels: u32,
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
  y[((id.z * params.channels + c) * params.rows + id.y) * params.cols + col] = x[pixel(params.x, id.z, id.y, col) + c / 4u][c % 4u];
}
