// ReLU attention in its quadratic form, which the reference uses if tokens <= head_dim: scores = relu(k)^T relu(q),
// divided by their sum over keys + 1e-15, times v. A thread computes one quad of one head for one token.
import package::view::pixel;
import package::quad::{Output, store_quad};
import package::attention::{Attention, load, relu, token};

const WORKGROUP = 64u;

@group(0) @binding(2) var<storage, read_write> y: array<Output>;
@group(0) @binding(3) var<uniform> params: Attention;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let quads = params.head_quads;
  let tokens = params.rows * params.cols;
  let q = id.x % quads;
  let t = id.x / quads;
  if t >= tokens {
    return;
  }
  let n = id.z / params.heads;
  let head = id.z % params.heads;
  let query = token(params, n, head, t / params.cols, t % params.cols);
  var sum = vec4<f32>();
  var norm = 0.0;
  for (var s = 0u; s < tokens; s++) {
    let key = token(params, n, head, s / params.cols, s % params.cols);
    var score = 0.0;
    for (var i = 0u; i < quads; i++) {
      score += dot(relu(load(params, head, query + i)), relu(load(params, head, key + quads + i)));
    }
    sum = fma(vec4<f32>(score), load(params, head, key + 2u * quads + q), sum);
    norm += score;
  }
  y[pixel(params.y, n, t / params.cols, t % params.cols) + head * quads + q] = store_quad(sum / (norm + 1e-15));
}
