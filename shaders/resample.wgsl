// A ChannelShuffle without a convolution before it: pixel-(un)shuffle, nearest x2, channel average, channel repeat or
// copy. Then an affine map for each channel (batch norm at inference) and an activation. A thread computes one quad of
// one pixel.
import package::view::{View, pixel};
import package::quad::{Output, store_quad};
import package::activation::activate;
import package::channel_shuffle::{ChannelShuffle, shuffled_quad};

const WORKGROUP = 64u;

struct Params {
  source: View,
  y: View,
  shuffle: ChannelShuffle,
  rows: u32, // pixel rows of the output
  cols: u32, // pixel columns of the output
  quads: u32, // channels of the output / 4, rounded up
  affine_quads: u32, // distance of the scales from the shifts; 0: no affine
  activation: u32, // see activation.wgsl; 0: none
}

@group(0) @binding(1) var<storage, read> affine: array<vec4<f32>>; // shift, then scale
@group(0) @binding(2) var<storage, read_write> y: array<Output>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let col = id.x / params.quads;
  let q = id.x % params.quads;
  if col >= params.cols {
    return;
  }
  var v = shuffled_quad(params.shuffle, params.source, id.z, id.y, col, q);
  if params.affine_quads > 0u {
    v = fma(v, affine[params.affine_quads + q], affine[q]);
  }
  y[pixel(params.y, id.z, id.y, col) + q] = store_quad(activate(params.activation, v));
}
