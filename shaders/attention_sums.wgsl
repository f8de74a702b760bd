// ReLU linear attention, first pass: for every head and every span of tokens, the sums over tokens of v k^T and of k,
// with k = relu(k). In SanaMultiscaleLinearAttention.apply_linear_attention the sum of k comes from the row of ones
// that pads v. The next pass adds spans in a fixed order, so results are deterministic.
import package::attention::{Attention, load, relu, token};

const WORKGROUP = 64u;

// [span][batch * head][head_dim rows of v k^T, then k]
@group(0) @binding(2) var<storage, read_write> sums: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Attention;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let quads = params.head_quads;
  // A thread sums four rows (one quad of k) by one quad of v.
  if id.x >= quads * quads {
    return;
  }
  let kq = quads + id.x / quads;
  let vq = 2u * quads + id.x % quads;
  let n = id.z / params.heads;
  let head = id.z % params.heads;
  var r0 = vec4<f32>();
  var r1 = vec4<f32>();
  var r2 = vec4<f32>();
  var r3 = vec4<f32>();
  var k_sum = vec4<f32>();
  let stride = select(params.second.quads, params.qkv.quads, head < params.branch_heads);
  let end = min((id.y + 1u) * params.span_rows, params.rows);
  for (var row = id.y * params.span_rows; row < end; row++) {
    var at = token(params, n, head, row, 0u);
    // Four tokens at a time, so that their loads overlap.
    for (var col = 0u; col < params.cols; col += 4u) {
      let last = min(params.cols - 1u - col, 3u);
      let a1 = at + min(1u, last) * stride;
      let a2 = at + min(2u, last) * stride;
      let a3 = at + last * stride;
      let k0 = relu(load(params, head, at + kq));
      let k1 = select(vec4<f32>(), relu(load(params, head, a1 + kq)), last >= 1u);
      let k2 = select(vec4<f32>(), relu(load(params, head, a2 + kq)), last >= 2u);
      let k3 = select(vec4<f32>(), relu(load(params, head, a3 + kq)), last >= 3u);
      let v = mat4x4<f32>(
        load(params, head, at + vq),
        load(params, head, a1 + vq),
        load(params, head, a2 + vq),
        load(params, head, a3 + vq),
      );
      r0 += v * vec4<f32>(k0.x, k1.x, k2.x, k3.x);
      r1 += v * vec4<f32>(k0.y, k1.y, k2.y, k3.y);
      r2 += v * vec4<f32>(k0.z, k1.z, k2.z, k3.z);
      r3 += v * vec4<f32>(k0.w, k1.w, k2.w, k3.w);
      k_sum += (k0 + k1) + (k2 + k3);
      at += 4u * stride;
    }
  }
  let base = ((params.first_span + id.y) * params.batch_heads + id.z) * (4u * quads + 1u) * quads;
  let first = base + 4u * (kq - quads) * quads + vq - 2u * quads;
  sums[first] = r0;
  sums[first + quads] = r1;
  sums[first + 2u * quads] = r2;
  sums[first + 3u * quads] = r3;
  if id.x % quads == 0u {
    sums[base + 4u * quads * quads + kq - quads] = k_sum;
  }
}
