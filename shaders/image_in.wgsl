// Copies a picture in a texture (sRGB values, not linearised) to a stored activation in [-1, 1]. Beyond the picture its
// last row and column repeat, so padding adds no hard edge. Transparent pixels are composited on the background.
import package::view::{View, pixel};

const WORKGROUP = 64u;

struct Params {
  y: View,
  rows: u32, // pixel rows that are written
  cols: u32, // pixel columns that are written
  height: u32, // rows of the whole picture
  width: u32, // columns of the whole picture
  top: u32, // row of the picture at the first pixel that is written
  left: u32, // column of the picture at that pixel
  texture_top: u32, // row of the picture at the texture's origin
  texture_left: u32, // column of the picture at the texture's origin
  red: f32, // background, sRGB values in [0, 1]
  green: f32,
  blue: f32,
}

@group(0) @binding(0) var image: texture_2d<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if id.x >= params.cols {
    return;
  }
  let at = min(vec2<u32>(params.left + id.x, params.top + id.y), vec2<u32>(params.width, params.height) - 1u);
  let texel = textureLoad(image, at - vec2<u32>(params.texture_left, params.texture_top), 0);
  var rgb = texel.rgb;
  if texel.a < 1.0 {
    rgb = mix(vec3<f32>(params.red, params.green, params.blue), rgb, texel.a);
  }
  y[pixel(params.y, id.z, id.y, id.x)] = vec4<f32>(rgb * 2.0 - 1.0, 0.0);
}
