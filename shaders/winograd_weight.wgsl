// Transforms the weights of a 3x3 convolution into the matrices of Winograd's multiplications, [tile][position][channel
// in][8 * lanes]. A thread transforms four output channels of one input channel.
import package::weight::{Weight, load_weight};
import package::conv_params::params;
import package::winograd::SIZE;

const WORKGROUP = 64u;

@group(0) @binding(2) var<storage, read> weight: array<Weight>; // [tile][tap][channel in][8 * lanes]
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;

alias Taps = array<vec4<f32>, 3>;

// G
@if(f4) const G = array<vec3<f32>, 6>(
  vec3<f32>(64.0 / 81.0, 0.0, 0.0),
  vec3<f32>(-128.0 / 243.0, -32.0 / 81.0, -8.0 / 27.0),
  vec3<f32>(-128.0 / 243.0, 32.0 / 81.0, -8.0 / 27.0),
  vec3<f32>(32.0 / 243.0, 16.0 / 81.0, 8.0 / 27.0),
  vec3<f32>(32.0 / 243.0, -16.0 / 81.0, 8.0 / 27.0),
  vec3<f32>(0.0, 0.0, 1.0),
);
@if(f2) const G = array<vec3<f32>, 4>(
  vec3<f32>(1.0, 0.0, 0.0),
  vec3<f32>(0.5, 0.5, 0.5),
  vec3<f32>(0.5, -0.5, 0.5),
  vec3<f32>(0.0, 0.0, 1.0),
);
@if(phases) const G = array<vec3<f32>, 3>(
  vec3<f32>(1.0, 0.0, 0.0),
  vec3<f32>(1.0, 1.0, 1.0),
  vec3<f32>(0.0, 0.0, 1.0),
);

fn combine(g: vec3<f32>, taps: Taps) -> vec4<f32> {
  return g.x * taps[0] + g.y * taps[1] + g.z * taps[2];
}

// Three taps, `step` apart.
fn load_taps(first: u32, step: u32) -> Taps {
  return Taps(load_weight(weight[first]), load_weight(weight[first + step]), load_weight(weight[first + 2u * step]));
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let stride = params.in_quads * 8u * params.lanes; // from one tap or position to the next
  if id.x >= stride {
    return;
  }
  let tap = (params.first_tile + id.y) * 9u * stride + id.x;
  let w0 = load_taps(tap, 3u * stride);
  let w1 = load_taps(tap + stride, 3u * stride);
  let w2 = load_taps(tap + 2u * stride, 3u * stride);
  var out = (params.matrix_tile + id.y) * SIZE * SIZE * stride + id.x;
  for (var i = 0u; i < SIZE; i++) {
    let g = Taps(combine(G[i], w0), combine(G[i], w1), combine(G[i], w2));
    for (var j = 0u; j < SIZE; j++) {
      y[out] = combine(G[j], g);
      out += stride;
    }
  }
}
