// The seam of two overlapping tiles: y's first rows or columns fade in over x's last ones, in place.
import package::view::{View, pixel};

const WORKGROUP = 64u;

struct Params {
  x: View,
  y: View,
  cols: u32,
  quads: u32,
  extent: u32,
  down: u32, // 1: along rows, 0: along columns
}

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if id.x >= params.cols * params.quads {
    return;
  }
  let col = id.x / params.quads;
  let q = id.x % params.quads;
  let weight = f32(select(col, id.y, params.down == 1u)) / f32(params.extent);
  let at = pixel(params.y, id.z, id.y, col) + q;
  y[at] = x[pixel(params.x, id.z, id.y, col) + q] * (1.0 - weight) + y[at] * weight;
}
