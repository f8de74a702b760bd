// ReLU linear attention, first pass: for every head and every span of tokens, the sums over tokens of v k^T and of k, with
// k = relu(k). (SanaMultiscaleLinearAttention.apply_linear_attention: the row of ones that pads v makes the sum of k.)
// Spans are summed in a fixed order by the second pass, so the result does not depend on timing.
import package::view::View;
import package::attention::{Attention, token};

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<storage, read> qkv: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> sums: array<vec4<f32>>; // [span][batch * head][head_dim rows of v k^T, then k]
@group(0) @binding(2) var<uniform> params: Attention;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let quads = params.head_quads;
  // one thread: four rows (one quad of k) by one quad of v
  if id.x >= quads * quads {
    return;
  }
  let kq = id.x / quads;
  let vq = id.x % quads;
  let n = id.z / params.heads;
  let head = id.z % params.heads;
  var r0 = vec4<f32>();
  var r1 = vec4<f32>();
  var r2 = vec4<f32>();
  var r3 = vec4<f32>();
  var k_sum = vec4<f32>();
  let end = min((id.y + 1u) * params.span, params.rows * params.cols);
  for (var t = id.y * params.span; t < end; t++) {
    let start = token(params, n, head, t);
    let k = max(qkv[start + quads + kq], vec4<f32>());
    let v = qkv[start + 2u * quads + vq];
    r0 = fma(k.xxxx, v, r0);
    r1 = fma(k.yyyy, v, r1);
    r2 = fma(k.zzzz, v, r2);
    r3 = fma(k.wwww, v, r3);
    k_sum += k;
  }
  let base = ((params.first_span + id.y) * params.batch_heads + id.z) * (4u * quads + 1u) * quads;
  let row = base + 4u * kq * quads + vq;
  sums[row] = r0;
  sums[row + quads] = r1;
  sums[row + 2u * quads] = r2;
  sums[row + 3u * quads] = r3;
  if vq == 0u {
    sums[base + 4u * quads * quads + kq] = k_sum;
  }
}
