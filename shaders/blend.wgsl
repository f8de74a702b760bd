// Blends the seam of two overlapping tiles in place: y's first rows or columns fade in over x's last ones.
import package::view::{View, pixel};

const WORKGROUP = 64u;

struct Params {
  x: View,
  y: View,
  cols: u32, // pixels of the seam
  quads: u32, // channels / 4, rounded up
  extent: u32, // rows (down) or columns of the seam
  down: u32, // 1: tiles one below the other, 0: side by side
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
