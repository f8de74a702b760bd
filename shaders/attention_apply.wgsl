// ReLU linear attention, second pass: y = (sum of v k^T) q / (sum of k . q + 1e-15) with q = relu(q). A thread computes one quad of
// one head for four tokens. Sums and the division are f32: 1e-15 is zero in f16, and an all-zero query must give 0, not NaN.
import package::view::{View, pixel};
import package::attention::{Attention, token};

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<storage, read> qkv: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> sums: array<vec4<f32>>; // [batch * head][head_dim rows of v k^T, then k]
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Attention;

fn put(n: u32, head: u32, t: u32, q: u32, value: vec4<f32>, norm: f32) {
  if t < params.rows * params.cols {
    y[pixel(params.y, n, t / params.cols, t % params.cols) + head * params.head_quads + q] = value / (norm + 1e-15);
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let quads = params.head_quads;
  let tokens = params.rows * params.cols;
  let q = id.x % quads;
  let t = 4u * (id.x / quads);
  if t >= tokens {
    return;
  }
  let n = id.z / params.heads;
  let head = id.z % params.heads;
  let t0 = token(params, n, head, t);
  let t1 = token(params, n, head, min(t + 1u, tokens - 1u));
  let t2 = token(params, n, head, min(t + 2u, tokens - 1u));
  let t3 = token(params, n, head, min(t + 3u, tokens - 1u));
  let base = id.z * (4u * quads + 1u) * quads;
  var y0 = vec4<f32>();
  var y1 = vec4<f32>();
  var y2 = vec4<f32>();
  var y3 = vec4<f32>();
  var norm = vec4<f32>();
  for (var i = 0u; i < quads; i++) {
    let q0 = max(qkv[t0 + i], vec4<f32>());
    let q1 = max(qkv[t1 + i], vec4<f32>());
    let q2 = max(qkv[t2 + i], vec4<f32>());
    let q3 = max(qkv[t3 + i], vec4<f32>());
    let row = base + 4u * i * quads + q;
    let rows = mat4x4<f32>(sums[row], sums[row + quads], sums[row + 2u * quads], sums[row + 3u * quads]);
    y0 += rows * q0;
    y1 += rows * q1;
    y2 += rows * q2;
    y3 += rows * q3;
    norm += sums[base + 4u * quads * quads + i] * mat4x4<f32>(q0, q1, q2, q3);
  }
  put(n, head, t, q, y0, norm.x);
  put(n, head, t + 1u, q, y1, norm.y);
  put(n, head, t + 2u, q, y2, norm.z);
  put(n, head, t + 3u, q, y3, norm.w);
}
