// ReLU linear attention, second pass: y = (sum of v k^T) q / (sum of k . q + 1e-15) with q = relu(q). A workgroup
// handles some tokens of one head: it adds the partial sums of all spans in order, and a thread computes one quad for
// four tokens at a time. Sums and the division are f32: 1e-15 is zero in f16, and an all-zero query must give 0, not
// NaN.
import package::view::pixel;
import package::quad::{Output, store_quad};
import package::attention::{Attention, load, relu, token};

const WORKGROUP = 64u;
override SUMS: u32 = 1u; // quads of one head's sums
override TOKENS: u32 = 4u; // of a workgroup

// [span][batch * head][head_dim rows of v k^T, then k]
@group(0) @binding(2) var<storage, read> partial: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<Output>;
@group(0) @binding(4) var<uniform> params: Attention;

var<workgroup> sums: array<vec4<f32>, SUMS>;

fn token_at(n: u32, head: u32, t: u32) -> u32 {
  return token(params, n, head, t / params.cols, t % params.cols);
}

fn put(n: u32, head: u32, t: u32, q: u32, value: vec4<f32>, norm: f32) {
  if t < params.rows * params.cols {
    let first = pixel(params.y, n, t / params.cols, t % params.cols) + head * params.head_quads;
    y[first + q] = store_quad(value / (norm + 1e-15));
  }
}

fn apply(n: u32, head: u32, t: u32, q: u32) {
  let quads = params.head_quads;
  let last = params.rows * params.cols - 1u;
  let t0 = token_at(n, head, t);
  let t1 = token_at(n, head, min(t + 1u, last));
  let t2 = token_at(n, head, min(t + 2u, last));
  let t3 = token_at(n, head, min(t + 3u, last));
  var y0 = vec4<f32>();
  var y1 = vec4<f32>();
  var y2 = vec4<f32>();
  var y3 = vec4<f32>();
  var norm = vec4<f32>();
  for (var i = 0u; i < quads; i++) {
    let q0 = relu(load(params, head, t0 + i));
    let q1 = relu(load(params, head, t1 + i));
    let q2 = relu(load(params, head, t2 + i));
    let q3 = relu(load(params, head, t3 + i));
    let row = 4u * i * quads + q;
    let rows = mat4x4<f32>(sums[row], sums[row + quads], sums[row + 2u * quads], sums[row + 3u * quads]);
    y0 += rows * q0;
    y1 += rows * q1;
    y2 += rows * q2;
    y3 += rows * q3;
    norm += sums[4u * quads * quads + i] * mat4x4<f32>(q0, q1, q2, q3);
  }
  put(n, head, t, q, y0, norm.x);
  put(n, head, t + 1u, q, y1, norm.y);
  put(n, head, t + 2u, q, y2, norm.z);
  put(n, head, t + 3u, q, y3, norm.w);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) id: vec3<u32>) {
  for (var i = lane; i < SUMS; i += WORKGROUP) {
    var sum = vec4<f32>();
    for (var span = 0u; span < params.spans; span++) {
      sum += partial[(span * params.batch_heads + id.z) * SUMS + i];
    }
    sums[i] = sum;
  }
  workgroupBarrier();
  let quads = params.head_quads;
  let first = id.x * TOKENS;
  let end = min(first + TOKENS, params.rows * params.cols);
  for (var i = lane; ; i += WORKGROUP) {
    let t = first + 4u * (i / quads);
    if t >= end {
      break;
    }
    apply(id.z / params.heads, id.z % params.heads, t, i % quads);
  }
}
