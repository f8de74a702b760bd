// Copies one picture of a stored activation in [-1, 1] to a texture. Values are clamped; the store rounds them to 8
// bits.
import package::view::{View, pixel};

const WORKGROUP = 64u;

struct Params {
  x: View,
  rows: u32, // pixel rows
  cols: u32, // pixel columns
  channels: u32, // 1 grey, 3 RGB, 4 RGBA
  n: u32, // index of the picture in the batch
}

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var image: texture_storage_2d<rgba8unorm, write>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if id.x >= params.cols {
    return;
  }
  var v = clamp(x[pixel(params.x, params.n, id.y, id.x)] * 0.5 + 0.5, vec4<f32>(), vec4<f32>(1.0));
  if params.channels == 1u {
    v = v.xxxx;
  }
  if params.channels < 4u {
    v.w = 1.0;
  }
  textureStore(image, vec2<u32>(id.x, id.y), v);
}
