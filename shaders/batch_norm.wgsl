// Batch norm at inference as an affine map for each channel: scale = weight / sqrt(variance + eps), shift = bias - mean
// * scale.
const WORKGROUP = 64u;

struct Params {
  quads: u32, // channels / 4, rounded up
  eps: f32,
}

@group(0) @binding(0) var<storage, read> statistics: array<vec4<f32>>; // weight, bias, mean, variance
@group(0) @binding(1) var<storage, read_write> affine: array<vec4<f32>>; // shift, scale
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let q = id.x;
  let quads = params.quads;
  if q >= quads {
    return;
  }
  let scale = statistics[q] / sqrt(statistics[3u * quads + q] + params.eps);
  affine[q] = statistics[quads + q] - statistics[2u * quads + q] * scale;
  affine[quads + q] = scale;
}
