// Dense convolution as an implicit GEMM from registers: 3x3 (stride 1 or 2), 1x1, and linear layers, with everything that
// follows it in the network as an epilogue. A thread computes 2 rows x 4 columns x 8 channels; a workgroup shares its channels, so
// that weights are read once for 64 threads. Sums are f32.
import package::view::{View, pixel, stored_pixel};
import package::weight::{Weight, load_weight};
import package::activation::activate;
import package::gather::{Gather, gather};

override WORKGROUP: u32 = 64u;

const SHUFFLE = 1u;
const UNSHUFFLE = 2u;

struct Params {
  x: View,
  source: View,
  y: View,
  gather: Gather,
  rows: u32, // pixels of the convolution, before the store resamples them
  cols: u32,
  taps: u32, // kernel height = kernel width
  stride: u32,
  upsample: u32, // 1: read x through a nearest x2 upsampling; x.y and x.x then count upsampled pixels
  in_quads: u32,
  out_quads: u32, // output channels / 4, rounded up, before the store resamples them
  first_tile: u32, // this weight slice's first tile of 8 channels
  phase_quads: u32, // pixel-shuffle: quads of one of the four phases
  store: u32, // 0 plain, SHUFFLE, UNSHUFFLE
  activation: u32,
  affine_quads: u32, // 0: no affine
  scaled: u32, // 1: scales follow the affine's shifts (batch norm); 0: it is a bias
  shortcut: u32, // 1: add the gathered source
}

@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weight: array<Weight>; // [tile][tap][channel in][8]
@group(0) @binding(3) var<storage, read> affine: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(5) var<uniform> params: Params;

// Where tap (dy, dx) of convolution pixel (row, col) starts in x; -1 outside the image.
fn tap_start(n: u32, row: u32, col: u32, dy: u32, dx: u32) -> i32 {
  let sy = i32(row * params.stride + dy) + params.x.y;
  let sx = i32(col * params.stride + dx) + params.x.x;
  return stored_pixel(params.x, n, sy >> params.upsample, sx >> params.upsample);
}

fn load(start: i32, q: u32) -> vec4<f32> {
  return select(vec4<f32>(), x[u32(max(start, 0)) + q], start >= 0);
}

fn multiply_add(v: vec4<f32>, w0: vec4<f32>, w1: vec4<f32>, w2: vec4<f32>, w3: vec4<f32>, sum: vec4<f32>) -> vec4<f32> {
  return fma(v.wwww, w3, fma(v.zzzz, w2, fma(v.yyyy, w1, fma(v.xxxx, w0, sum))));
}

fn finish(sum: vec4<f32>, q: u32) -> vec4<f32> {
  if params.affine_quads == 0u {
    return activate(params.activation, sum);
  }
  let quad = min(q, params.affine_quads - 1u);
  if params.scaled == 1u {
    return activate(params.activation, fma(sum, affine[params.affine_quads + quad], affine[quad]));
  }
  return activate(params.activation, sum + affine[quad]);
}

fn store(n: u32, row: u32, col: u32, q: u32, value: vec4<f32>) {
  var v = value;
  if params.shortcut == 1u {
    v += gather(params.gather, params.source, n, row, col, q);
  }
  y[pixel(params.y, n, row, col) + q] = v;
}

// Finishes and stores a tile: sums[8 * second four channels + 4 * lower row + column]. Looped, because inlining it sixteen times takes
// drivers seconds to compile.
fn store_tile(n: u32, row: u32, col: u32, quad: u32, sums: ptr<function, array<vec4<f32>, 16>>) {
  for (var i = 0u; i < 16u; i++) {
    (*sums)[i] = finish((*sums)[i], quad + (i >> 3u));
  }
  if params.store == UNSHUFFLE {
    // each channel of a 2x2 block of pixels becomes one quad of one pixel
    for (var i = 0u; i < 16u; i += 2u + (i & 2u) * 2u) {
      let block = transpose(mat4x4<f32>((*sums)[i], (*sums)[i + 1u], (*sums)[i + 4u], (*sums)[i + 5u]));
      (*sums)[i] = block[0];
      (*sums)[i + 1u] = block[1];
      (*sums)[i + 4u] = block[2];
      (*sums)[i + 5u] = block[3];
    }
  }
  for (var i = 0u; i < 16u; i++) {
    let q = quad + (i >> 3u);
    let y = row + ((i >> 2u) & 1u);
    let x = col + (i & 3u);
    if params.store == UNSHUFFLE {
      let channel = 4u * q + ((i & 1u) | ((i >> 1u) & 2u));
      if (col + (i & 2u) < params.cols) & (channel < params.y.quads) {
        store(n, row / 2u, (col + (i & 2u)) / 2u, channel, (*sums)[i]);
      }
    } else if (y < params.rows) & (x < params.cols) & (q < params.out_quads) {
      if params.store == SHUFFLE {
        let phase = q / params.phase_quads;
        store(n, 2u * y + (phase >> 1u), 2u * x + (phase & 1u), q % params.phase_quads, (*sums)[i]);
      } else {
        store(n, y, x, q, (*sums)[i]);
      }
    }
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let tiles_x = (params.cols + 3u) / 4u;
  let tile = group.x * WORKGROUP + lane;
  let row = 2u * (tile / tiles_x);
  let col = 4u * (tile % tiles_x);
  let n = group.z;
  if row >= params.rows {
    return;
  }
  let k = params.taps;
  var w = group.y * k * k * params.in_quads * 8u;

  // a: the first four channels, b: the second; 0-3: the upper row, 4-7: the lower
  var a0 = vec4<f32>(); var a1 = vec4<f32>(); var a2 = vec4<f32>(); var a3 = vec4<f32>();
  var a4 = vec4<f32>(); var a5 = vec4<f32>(); var a6 = vec4<f32>(); var a7 = vec4<f32>();
  var b0 = vec4<f32>(); var b1 = vec4<f32>(); var b2 = vec4<f32>(); var b3 = vec4<f32>();
  var b4 = vec4<f32>(); var b5 = vec4<f32>(); var b6 = vec4<f32>(); var b7 = vec4<f32>();

  for (var dy = 0u; dy < k; dy++) {
    for (var dx = 0u; dx < k; dx++) {
      let p0 = tap_start(n, row, col, dy, dx);
      let p1 = tap_start(n, row, col + 1u, dy, dx);
      let p2 = tap_start(n, row, col + 2u, dy, dx);
      let p3 = tap_start(n, row, col + 3u, dy, dx);
      let p4 = tap_start(n, row + 1u, col, dy, dx);
      let p5 = tap_start(n, row + 1u, col + 1u, dy, dx);
      let p6 = tap_start(n, row + 1u, col + 2u, dy, dx);
      let p7 = tap_start(n, row + 1u, col + 3u, dy, dx);
      for (var q = 0u; q < params.in_quads; q++) {
        let x0 = load(p0, q); let x1 = load(p1, q); let x2 = load(p2, q); let x3 = load(p3, q);
        let x4 = load(p4, q); let x5 = load(p5, q); let x6 = load(p6, q); let x7 = load(p7, q);

        let u0 = load_weight(weight[w]);
        let u1 = load_weight(weight[w + 2u]);
        let u2 = load_weight(weight[w + 4u]);
        let u3 = load_weight(weight[w + 6u]);
        a0 = multiply_add(x0, u0, u1, u2, u3, a0);
        a1 = multiply_add(x1, u0, u1, u2, u3, a1);
        a2 = multiply_add(x2, u0, u1, u2, u3, a2);
        a3 = multiply_add(x3, u0, u1, u2, u3, a3);
        a4 = multiply_add(x4, u0, u1, u2, u3, a4);
        a5 = multiply_add(x5, u0, u1, u2, u3, a5);
        a6 = multiply_add(x6, u0, u1, u2, u3, a6);
        a7 = multiply_add(x7, u0, u1, u2, u3, a7);

        let v0 = load_weight(weight[w + 1u]);
        let v1 = load_weight(weight[w + 3u]);
        let v2 = load_weight(weight[w + 5u]);
        let v3 = load_weight(weight[w + 7u]);
        b0 = multiply_add(x0, v0, v1, v2, v3, b0);
        b1 = multiply_add(x1, v0, v1, v2, v3, b1);
        b2 = multiply_add(x2, v0, v1, v2, v3, b2);
        b3 = multiply_add(x3, v0, v1, v2, v3, b3);
        b4 = multiply_add(x4, v0, v1, v2, v3, b4);
        b5 = multiply_add(x5, v0, v1, v2, v3, b5);
        b6 = multiply_add(x6, v0, v1, v2, v3, b6);
        b7 = multiply_add(x7, v0, v1, v2, v3, b7);
        w += 8u;
      }
    }
  }

  var sums = array<vec4<f32>, 16>(a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7);
  store_tile(n, row, col, 2u * (params.first_tile + group.y), &sums);
}
