// RMSNorm over channels (arXiv 1910.07467): v / sqrt(mean(v^2) + eps) * weight + bias, then an activation, then a
// residual. A thread normalises one pixel. With `lanes`, eight neighbouring threads share one, so their reads are
// adjacent; a GPU's memory is faster then. On software adapters the barriers would cost more.
import package::view::{View, pixel};
import package::quad::{Input, Output, load_quad, store_quad};
import package::activation::activate;

const WORKGROUP = 64u;
@if(lanes) const LANES = 8u;
@else const LANES = 1u;

struct Params {
  x: View,
  residual: View,
  y: View,
  rows: u32, // pixel rows
  cols: u32, // pixel columns
  quads: u32, // channels / 4, rounded up
  channels: u32, // without padding
  eps: f32, // added to the mean square
  biased: u32, // 1: the norm has a bias
  activation: u32, // see activation.wgsl; 0: none
  added: u32, // 1: add the residual
}

@group(0) @binding(0) var<storage, read> x: array<Input>;
@group(0) @binding(1) var<storage, read> residual: array<Input>;
@group(0) @binding(2) var<storage, read> affine: array<vec4<f32>>; // weight, then bias
@group(0) @binding(3) var<storage, read_write> y: array<Output>;
@group(0) @binding(4) var<uniform> params: Params;

@if(lanes) var<workgroup> partial: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % LANES;
  let col = id.x / LANES;
  let inside = col < params.cols;
  let start = pixel(params.x, id.z, id.y, min(col, params.cols - 1u));
  var squares = vec4<f32>();
  for (var q = lane; q < params.quads; q += LANES) {
    let v = load_quad(x[start + q]);
    squares = fma(v, v, squares);
  }
  var sum = dot(squares, vec4<f32>(1.0));
  @if(lanes) {
    partial[thread] = sum;
    workgroupBarrier();
    sum = 0.0;
    for (var i = thread - lane; i < thread - lane + LANES; i++) {
      sum += partial[i];
    }
  }
  if !inside {
    return;
  }
  let scale = inverseSqrt(sum / f32(params.channels) + params.eps);
  let out = pixel(params.y, id.z, id.y, col);
  let shortcut = pixel(params.residual, id.z, id.y, col);
  for (var q = lane; q < params.quads; q += LANES) {
    var v = load_quad(x[start + q]) * scale * affine[q];
    if params.biased == 1u {
      v += affine[params.quads + q];
    }
    v = activate(params.activation, v);
    if params.added == 1u {
      v += load_quad(residual[shortcut + q]);
    }
    y[out + q] = store_quad(v);
  }
}
