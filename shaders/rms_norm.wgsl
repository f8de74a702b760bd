// RMSNorm over channels (arXiv 1910.07467): v / sqrt(mean(v^2) + eps) * weight + bias, then an activation, then a residual.
// A thread normalises one pixel.
import package::view::{View, pixel};
import package::activation::activate;

override WORKGROUP: u32 = 64u;

struct Params {
  x: View,
  residual: View,
  y: View,
  rows: u32, // pixels
  cols: u32,
  quads: u32, // channels / 4, rounded up
  channels: u32,
  eps: f32,
  biased: u32,
  activation: u32,
  added: u32, // 1: add the residual
}

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> residual: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> affine: array<vec4<f32>>; // weight, then bias
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if id.x >= params.cols {
    return;
  }
  let start = pixel(params.x, id.z, id.y, id.x);
  var squares = vec4<f32>();
  for (var q = 0u; q < params.quads; q++) {
    let v = x[start + q];
    squares = fma(v, v, squares);
  }
  let scale = inverseSqrt(dot(squares, vec4<f32>(1.0)) / f32(params.channels) + params.eps);
  let out = pixel(params.y, id.z, id.y, id.x);
  let shortcut = pixel(params.residual, id.z, id.y, id.x);
  for (var q = 0u; q < params.quads; q++) {
    var v = x[start + q] * scale * affine[q];
    if params.biased == 1u {
      v += affine[params.quads + q];
    }
    v = activate(params.activation, v);
    if params.added == 1u {
      v += residual[shortcut + q];
    }
    y[out + q] = v;
  }
}
