// Dense convolution as an implicit GEMM from registers: 3x3 (stride 1 or 2), 1x1, and linear layers, with everything that
// follows it in the network as an epilogue. A thread computes a tile of 2 rows x 4 columns (`wide`: 4 x 8) x 8 channels. Neighbouring lanes
// take neighbouring channels, up to 8 of them: they read the same pixels and consecutive weights. Sums are f32.
import package::view::{View, pixel, stored_pixel};
import package::weight::{Weight, load_weight};
import package::activation::activate;
import package::gather::{Gather, gather};

@if(wide) const WORKGROUP = 8u;
@else const WORKGROUP = 64u;

@if(wide) const ROWS = 4u;
@else const ROWS = 2u;
@if(wide) const COLS = 8u;
@else const COLS = 4u;
const PIXELS = ROWS * COLS;
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
  first_tile: u32, // this weight slice's first tile
  lanes: u32, // lanes side by side along channels; a weight tile is 8 channels for each
  batch: u32,
  sums: u32, // 2 * PIXELS, hidden from the compiler: lavapipe would unroll the epilogue's loops and take ten seconds over it
  phase_quads: u32, // pixel-shuffle: quads of one of the four phases
  store: u32, // 0 plain, SHUFFLE, UNSHUFFLE
  activation: u32,
  affine_quads: u32, // 0: no affine
  scaled: u32, // 1: scales follow the affine's shifts (batch norm); 0: it is a bias
  shortcut: u32, // 1: add the gathered source
}

@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weight: array<Weight>; // [tile][tap][channel in][8 * lanes]
@group(0) @binding(3) var<storage, read> affine: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(5) var<uniform> params: Params;

// Where tap (dy, dx) of the tile's i-th pixel starts in x.
fn tap_start(i: u32, n: u32, row: u32, col: u32, dy: u32, dx: u32, outside: u32) -> u32 {
  let sy = i32((row + i / COLS) * params.stride + dy) + params.x.y;
  let sx = i32((col + i % COLS) * params.stride + dx) + params.x.x;
  return stored_pixel(params.x, n, sy >> params.upsample, sx >> params.upsample, outside);
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

// Finishes and stores a tile: sums[i] and sums[PIXELS + i] are eight channels of its i-th pixel. Looped: it runs once, and unrolled it takes
// drivers seconds to compile.
fn store_tile(n: u32, row: u32, col: u32, quad: u32, sums: ptr<function, array<vec4<f32>, 2 * PIXELS>>) {
  for (var i = 0u; i < params.sums; i++) {
    (*sums)[i] = finish((*sums)[i], quad + i / PIXELS);
  }
  for (var i = 0u; i < params.sums; i++) {
    let q = quad + i / PIXELS;
    let y = row + (i % PIXELS) / COLS;
    let x = col + i % COLS;
    if (y >= params.rows) | (x >= params.cols) | (q >= params.out_quads) {
      continue;
    }
    if params.store == UNSHUFFLE {
      // each channel of a 2x2 block of pixels becomes one quad of one pixel; this one takes the channel that its place in the block numbers
      let place = 2u * (y & 1u) + (x & 1u);
      let corner = i - (y & 1u) * COLS - (x & 1u);
      let channel = 4u * q + place;
      if channel < params.y.quads {
        let v = vec4<f32>(
          (*sums)[corner][place],
          (*sums)[corner + 1u][place],
          (*sums)[corner + COLS][place],
          (*sums)[corner + COLS + 1u][place],
        );
        store(n, y / 2u, x / 2u, channel, v);
      }
    } else if params.store == SHUFFLE {
      let phase = q / params.phase_quads;
      store(n, 2u * y + (phase >> 1u), 2u * x + (phase & 1u), q % params.phase_quads, (*sums)[i]);
    } else {
      store(n, y, x, q, (*sums)[i]);
    }
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = group.z % params.batch;
  let pixel_group = (group.z / params.batch) * groups.y + group.y;
  // wide: a workgroup has one tile of pixels, which lets a CPU's compiler see that all lanes read x at the same place
  @if(wide) let tile = pixel_group;
  @else let tile = pixel_group * (WORKGROUP / params.lanes) + lane / params.lanes;
  @if(wide) let channel_lane = lane;
  @else let channel_lane = lane % params.lanes;
  let tiles_x = (params.cols + COLS - 1u) / COLS;
  let row = ROWS * (tile / tiles_x);
  let col = COLS * (tile % tiles_x);
  let quad = 2u * ((params.first_tile + group.x) * params.lanes + channel_lane);
  if (row >= params.rows) | (channel_lane >= params.lanes) | (quad >= params.out_quads) {
    return;
  }
  let outside = arrayLength(&x) - params.in_quads;
  let k = params.taps;
  let w_stride = 2u * params.lanes;
  var w = group.x * k * k * params.in_quads * 4u * w_stride + 2u * channel_lane;

  // One variable for each sum, a for the first four channels and b for the second: indexed arrays would not stay in registers.
  var a0 = vec4<f32>(); var a1 = vec4<f32>(); var a2 = vec4<f32>(); var a3 = vec4<f32>();
  var a4 = vec4<f32>(); var a5 = vec4<f32>(); var a6 = vec4<f32>(); var a7 = vec4<f32>();
  @if(wide) var a8 = vec4<f32>();
  @if(wide) var a9 = vec4<f32>();
  @if(wide) var a10 = vec4<f32>();
  @if(wide) var a11 = vec4<f32>();
  @if(wide) var a12 = vec4<f32>();
  @if(wide) var a13 = vec4<f32>();
  @if(wide) var a14 = vec4<f32>();
  @if(wide) var a15 = vec4<f32>();
  @if(wide) var a16 = vec4<f32>();
  @if(wide) var a17 = vec4<f32>();
  @if(wide) var a18 = vec4<f32>();
  @if(wide) var a19 = vec4<f32>();
  @if(wide) var a20 = vec4<f32>();
  @if(wide) var a21 = vec4<f32>();
  @if(wide) var a22 = vec4<f32>();
  @if(wide) var a23 = vec4<f32>();
  @if(wide) var a24 = vec4<f32>();
  @if(wide) var a25 = vec4<f32>();
  @if(wide) var a26 = vec4<f32>();
  @if(wide) var a27 = vec4<f32>();
  @if(wide) var a28 = vec4<f32>();
  @if(wide) var a29 = vec4<f32>();
  @if(wide) var a30 = vec4<f32>();
  @if(wide) var a31 = vec4<f32>();
  var b0 = vec4<f32>(); var b1 = vec4<f32>(); var b2 = vec4<f32>(); var b3 = vec4<f32>();
  var b4 = vec4<f32>(); var b5 = vec4<f32>(); var b6 = vec4<f32>(); var b7 = vec4<f32>();
  @if(wide) var b8 = vec4<f32>();
  @if(wide) var b9 = vec4<f32>();
  @if(wide) var b10 = vec4<f32>();
  @if(wide) var b11 = vec4<f32>();
  @if(wide) var b12 = vec4<f32>();
  @if(wide) var b13 = vec4<f32>();
  @if(wide) var b14 = vec4<f32>();
  @if(wide) var b15 = vec4<f32>();
  @if(wide) var b16 = vec4<f32>();
  @if(wide) var b17 = vec4<f32>();
  @if(wide) var b18 = vec4<f32>();
  @if(wide) var b19 = vec4<f32>();
  @if(wide) var b20 = vec4<f32>();
  @if(wide) var b21 = vec4<f32>();
  @if(wide) var b22 = vec4<f32>();
  @if(wide) var b23 = vec4<f32>();
  @if(wide) var b24 = vec4<f32>();
  @if(wide) var b25 = vec4<f32>();
  @if(wide) var b26 = vec4<f32>();
  @if(wide) var b27 = vec4<f32>();
  @if(wide) var b28 = vec4<f32>();
  @if(wide) var b29 = vec4<f32>();
  @if(wide) var b30 = vec4<f32>();
  @if(wide) var b31 = vec4<f32>();

  for (var dy = 0u; dy < k; dy++) {
    for (var dx = 0u; dx < k; dx++) {
      let p0 = tap_start(0u, n, row, col, dy, dx, outside);
      let p1 = tap_start(1u, n, row, col, dy, dx, outside);
      let p2 = tap_start(2u, n, row, col, dy, dx, outside);
      let p3 = tap_start(3u, n, row, col, dy, dx, outside);
      let p4 = tap_start(4u, n, row, col, dy, dx, outside);
      let p5 = tap_start(5u, n, row, col, dy, dx, outside);
      let p6 = tap_start(6u, n, row, col, dy, dx, outside);
      let p7 = tap_start(7u, n, row, col, dy, dx, outside);
      @if(wide) let p8 = tap_start(8u, n, row, col, dy, dx, outside);
      @if(wide) let p9 = tap_start(9u, n, row, col, dy, dx, outside);
      @if(wide) let p10 = tap_start(10u, n, row, col, dy, dx, outside);
      @if(wide) let p11 = tap_start(11u, n, row, col, dy, dx, outside);
      @if(wide) let p12 = tap_start(12u, n, row, col, dy, dx, outside);
      @if(wide) let p13 = tap_start(13u, n, row, col, dy, dx, outside);
      @if(wide) let p14 = tap_start(14u, n, row, col, dy, dx, outside);
      @if(wide) let p15 = tap_start(15u, n, row, col, dy, dx, outside);
      @if(wide) let p16 = tap_start(16u, n, row, col, dy, dx, outside);
      @if(wide) let p17 = tap_start(17u, n, row, col, dy, dx, outside);
      @if(wide) let p18 = tap_start(18u, n, row, col, dy, dx, outside);
      @if(wide) let p19 = tap_start(19u, n, row, col, dy, dx, outside);
      @if(wide) let p20 = tap_start(20u, n, row, col, dy, dx, outside);
      @if(wide) let p21 = tap_start(21u, n, row, col, dy, dx, outside);
      @if(wide) let p22 = tap_start(22u, n, row, col, dy, dx, outside);
      @if(wide) let p23 = tap_start(23u, n, row, col, dy, dx, outside);
      @if(wide) let p24 = tap_start(24u, n, row, col, dy, dx, outside);
      @if(wide) let p25 = tap_start(25u, n, row, col, dy, dx, outside);
      @if(wide) let p26 = tap_start(26u, n, row, col, dy, dx, outside);
      @if(wide) let p27 = tap_start(27u, n, row, col, dy, dx, outside);
      @if(wide) let p28 = tap_start(28u, n, row, col, dy, dx, outside);
      @if(wide) let p29 = tap_start(29u, n, row, col, dy, dx, outside);
      @if(wide) let p30 = tap_start(30u, n, row, col, dy, dx, outside);
      @if(wide) let p31 = tap_start(31u, n, row, col, dy, dx, outside);
      for (var q = 0u; q < params.in_quads; q++) {
        let x0 = x[p0 + q]; let x1 = x[p1 + q]; let x2 = x[p2 + q]; let x3 = x[p3 + q];
        let x4 = x[p4 + q]; let x5 = x[p5 + q]; let x6 = x[p6 + q]; let x7 = x[p7 + q];
        @if(wide) let x8 = x[p8 + q];
        @if(wide) let x9 = x[p9 + q];
        @if(wide) let x10 = x[p10 + q];
        @if(wide) let x11 = x[p11 + q];
        @if(wide) let x12 = x[p12 + q];
        @if(wide) let x13 = x[p13 + q];
        @if(wide) let x14 = x[p14 + q];
        @if(wide) let x15 = x[p15 + q];
        @if(wide) let x16 = x[p16 + q];
        @if(wide) let x17 = x[p17 + q];
        @if(wide) let x18 = x[p18 + q];
        @if(wide) let x19 = x[p19 + q];
        @if(wide) let x20 = x[p20 + q];
        @if(wide) let x21 = x[p21 + q];
        @if(wide) let x22 = x[p22 + q];
        @if(wide) let x23 = x[p23 + q];
        @if(wide) let x24 = x[p24 + q];
        @if(wide) let x25 = x[p25 + q];
        @if(wide) let x26 = x[p26 + q];
        @if(wide) let x27 = x[p27 + q];
        @if(wide) let x28 = x[p28 + q];
        @if(wide) let x29 = x[p29 + q];
        @if(wide) let x30 = x[p30 + q];
        @if(wide) let x31 = x[p31 + q];

        let u0 = load_weight(weight[w]);
        let u1 = load_weight(weight[w + w_stride]);
        let u2 = load_weight(weight[w + 2u * w_stride]);
        let u3 = load_weight(weight[w + 3u * w_stride]);
        a0 = multiply_add(x0, u0, u1, u2, u3, a0);
        a1 = multiply_add(x1, u0, u1, u2, u3, a1);
        a2 = multiply_add(x2, u0, u1, u2, u3, a2);
        a3 = multiply_add(x3, u0, u1, u2, u3, a3);
        a4 = multiply_add(x4, u0, u1, u2, u3, a4);
        a5 = multiply_add(x5, u0, u1, u2, u3, a5);
        a6 = multiply_add(x6, u0, u1, u2, u3, a6);
        a7 = multiply_add(x7, u0, u1, u2, u3, a7);
        @if(wide) a8 = multiply_add(x8, u0, u1, u2, u3, a8);
        @if(wide) a9 = multiply_add(x9, u0, u1, u2, u3, a9);
        @if(wide) a10 = multiply_add(x10, u0, u1, u2, u3, a10);
        @if(wide) a11 = multiply_add(x11, u0, u1, u2, u3, a11);
        @if(wide) a12 = multiply_add(x12, u0, u1, u2, u3, a12);
        @if(wide) a13 = multiply_add(x13, u0, u1, u2, u3, a13);
        @if(wide) a14 = multiply_add(x14, u0, u1, u2, u3, a14);
        @if(wide) a15 = multiply_add(x15, u0, u1, u2, u3, a15);
        @if(wide) a16 = multiply_add(x16, u0, u1, u2, u3, a16);
        @if(wide) a17 = multiply_add(x17, u0, u1, u2, u3, a17);
        @if(wide) a18 = multiply_add(x18, u0, u1, u2, u3, a18);
        @if(wide) a19 = multiply_add(x19, u0, u1, u2, u3, a19);
        @if(wide) a20 = multiply_add(x20, u0, u1, u2, u3, a20);
        @if(wide) a21 = multiply_add(x21, u0, u1, u2, u3, a21);
        @if(wide) a22 = multiply_add(x22, u0, u1, u2, u3, a22);
        @if(wide) a23 = multiply_add(x23, u0, u1, u2, u3, a23);
        @if(wide) a24 = multiply_add(x24, u0, u1, u2, u3, a24);
        @if(wide) a25 = multiply_add(x25, u0, u1, u2, u3, a25);
        @if(wide) a26 = multiply_add(x26, u0, u1, u2, u3, a26);
        @if(wide) a27 = multiply_add(x27, u0, u1, u2, u3, a27);
        @if(wide) a28 = multiply_add(x28, u0, u1, u2, u3, a28);
        @if(wide) a29 = multiply_add(x29, u0, u1, u2, u3, a29);
        @if(wide) a30 = multiply_add(x30, u0, u1, u2, u3, a30);
        @if(wide) a31 = multiply_add(x31, u0, u1, u2, u3, a31);

        let v0 = load_weight(weight[w + 1u]);
        let v1 = load_weight(weight[w + w_stride + 1u]);
        let v2 = load_weight(weight[w + 2u * w_stride + 1u]);
        let v3 = load_weight(weight[w + 3u * w_stride + 1u]);
        b0 = multiply_add(x0, v0, v1, v2, v3, b0);
        b1 = multiply_add(x1, v0, v1, v2, v3, b1);
        b2 = multiply_add(x2, v0, v1, v2, v3, b2);
        b3 = multiply_add(x3, v0, v1, v2, v3, b3);
        b4 = multiply_add(x4, v0, v1, v2, v3, b4);
        b5 = multiply_add(x5, v0, v1, v2, v3, b5);
        b6 = multiply_add(x6, v0, v1, v2, v3, b6);
        b7 = multiply_add(x7, v0, v1, v2, v3, b7);
        @if(wide) b8 = multiply_add(x8, v0, v1, v2, v3, b8);
        @if(wide) b9 = multiply_add(x9, v0, v1, v2, v3, b9);
        @if(wide) b10 = multiply_add(x10, v0, v1, v2, v3, b10);
        @if(wide) b11 = multiply_add(x11, v0, v1, v2, v3, b11);
        @if(wide) b12 = multiply_add(x12, v0, v1, v2, v3, b12);
        @if(wide) b13 = multiply_add(x13, v0, v1, v2, v3, b13);
        @if(wide) b14 = multiply_add(x14, v0, v1, v2, v3, b14);
        @if(wide) b15 = multiply_add(x15, v0, v1, v2, v3, b15);
        @if(wide) b16 = multiply_add(x16, v0, v1, v2, v3, b16);
        @if(wide) b17 = multiply_add(x17, v0, v1, v2, v3, b17);
        @if(wide) b18 = multiply_add(x18, v0, v1, v2, v3, b18);
        @if(wide) b19 = multiply_add(x19, v0, v1, v2, v3, b19);
        @if(wide) b20 = multiply_add(x20, v0, v1, v2, v3, b20);
        @if(wide) b21 = multiply_add(x21, v0, v1, v2, v3, b21);
        @if(wide) b22 = multiply_add(x22, v0, v1, v2, v3, b22);
        @if(wide) b23 = multiply_add(x23, v0, v1, v2, v3, b23);
        @if(wide) b24 = multiply_add(x24, v0, v1, v2, v3, b24);
        @if(wide) b25 = multiply_add(x25, v0, v1, v2, v3, b25);
        @if(wide) b26 = multiply_add(x26, v0, v1, v2, v3, b26);
        @if(wide) b27 = multiply_add(x27, v0, v1, v2, v3, b27);
        @if(wide) b28 = multiply_add(x28, v0, v1, v2, v3, b28);
        @if(wide) b29 = multiply_add(x29, v0, v1, v2, v3, b29);
        @if(wide) b30 = multiply_add(x30, v0, v1, v2, v3, b30);
        @if(wide) b31 = multiply_add(x31, v0, v1, v2, v3, b31);
        w += 4u * w_stride;
      }
    }
  }

  @if(wide) var sums = array<vec4<f32>, 64>(
    a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15,
    a16, a17, a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, a30, a31,
    b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15,
    b16, b17, b18, b19, b20, b21, b22, b23, b24, b25, b26, b27, b28, b29, b30, b31,
  );
  @else var sums = array<vec4<f32>, 16>(
    a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7,
  );
  store_tile(n, row, col, quad, &sums);
}
