// ReLU linear attention, between the passes: adds the partial sums of all spans in order.
const WORKGROUP = 64u;

struct Params {
  spans: u32,
  quads: u32, // of one span's sums
}

@group(0) @binding(0) var<storage, read> partial: array<vec4<f32>>; // [span][quads]
@group(0) @binding(1) var<storage, read_write> sums: array<vec4<f32>>; // [quads]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if id.x >= params.quads {
    return;
  }
  var sum = vec4<f32>();
  for (var s = 0u; s < params.spans; s++) {
    sum += partial[s * params.quads + id.x];
  }
  sums[id.x] = sum;
}
