// Winograd's products on GPUs: what conv.wgsl does as `multiply`, but a workgroup first brings a block of both factors into its own memory, where
// each number is then read eight times. A thread computes 8 tiles x 8 channels; `lanes` threads lie side by side along channels.
import package::conv_params::params;
import package::view::pixel;

const WORKGROUP = 64u;
const DEPTH = 4u; // channel quads of a block
const MAX_TILES = 128u; // 8 * WORKGROUP / lanes, which are 4 or 8
const MAX_QUADS = 16u; // 2 * lanes

@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>; // [tile of rows][place][channel in][8 * lanes]
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;

var<workgroup> x_block: array<vec4<f32>, DEPTH * MAX_TILES>; // [quad][tile]
var<workgroup> weight_block: array<vec4<f32>, 4u * DEPTH * MAX_QUADS>; // [channel in][row quad]

fn multiply_add_tile(w: mat4x4<f32>, v: vec4<f32>, sum: vec4<f32>) -> vec4<f32> {
  return fma(v.wwww, w[3], fma(v.zzzz, w[2], fma(v.yyyy, w[1], fma(v.xxxx, w[0], sum))));
}

// Four tiles, `step` apart in x_block.
fn multiply_add(w: mat4x4<f32>, first: u32, step: u32, sums: mat4x4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(
    multiply_add_tile(w, x_block[first], sums[0]),
    multiply_add_tile(w, x_block[first + step], sums[1]),
    multiply_add_tile(w, x_block[first + 2u * step], sums[2]),
    multiply_add_tile(w, x_block[first + 3u * step], sums[3]),
  );
}

fn load_weights(first: u32, step: u32) -> mat4x4<f32> {
  return mat4x4<f32>(
    weight_block[first],
    weight_block[first + step],
    weight_block[first + 2u * step],
    weight_block[first + 3u * step],
  );
}

fn store(n: u32, tile: u32, quad: u32, a: vec4<f32>, b: vec4<f32>) {
  if tile < params.cols && quad < params.out_quads {
    let first = pixel(params.y, n, 0u, tile) + quad;
    y[first] = a;
    if quad + 1u < params.out_quads {
      y[first + 1u] = b;
    }
  }
}

fn store_four(n: u32, tile: u32, step: u32, quad: u32, a: mat4x4<f32>, b: mat4x4<f32>) {
  store(n, tile, quad, a[0], b[0]);
  store(n, tile + step, quad, a[1], b[1]);
  store(n, tile + 2u * step, quad, a[2], b[2]);
  store(n, tile + 3u * step, quad, a[3], b[3]);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let n = group.z;
  let lane = thread % params.lanes;
  let step = WORKGROUP / params.lanes; // threads along tiles, and from one of a thread's tiles to the next
  let tiles = 8u * step;
  let first_tile = group.y * tiles;
  let own_tile = thread / params.lanes;
  let row_quads = 2u * params.lanes;
  let matrix = (group.x * params.batch + n) / params.images * params.in_quads * 4u * row_quads;

  var a0 = mat4x4<f32>(); var a1 = mat4x4<f32>();
  var b0 = mat4x4<f32>(); var b1 = mat4x4<f32>();
  for (var q = 0u; q < params.in_quads; q += DEPTH) {
    for (var i = thread; i < DEPTH * tiles; i += WORKGROUP) {
      let quad = q + i % DEPTH; // neighbours read neighbouring channels
      let tile = first_tile + i / DEPTH;
      let inside = (quad < params.in_quads) & (tile < params.cols);
      let v = x[select(0u, (n * params.cols + tile) * params.in_quads + quad, inside)];
      x_block[i % DEPTH * tiles + i / DEPTH] = select(vec4<f32>(), v, inside);
    }
    for (var i = thread; i < 4u * DEPTH * row_quads; i += WORKGROUP) {
      let inside = 4u * q + i / row_quads < 4u * params.in_quads;
      let w = weight[select(0u, matrix + 4u * q * row_quads + i, inside)];
      weight_block[i] = select(vec4<f32>(), w, inside);
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k++) {
      let first = k * tiles + own_tile;
      let u = load_weights(4u * k * row_quads + 2u * lane, row_quads);
      a0 = multiply_add(u, first, step, a0);
      a1 = multiply_add(u, first + 4u * step, step, a1);
      let v = load_weights(4u * k * row_quads + 2u * lane + 1u, row_quads);
      b0 = multiply_add(v, first, step, b0);
      b1 = multiply_add(v, first + 4u * step, step, b1);
    }
    workgroupBarrier();
  }
  let quad = 2u * ((params.first_tile + group.x) * params.lanes + lane);
  store_four(n, first_tile + own_tile, step, quad, a0, b0);
  store_four(n, first_tile + own_tile + 4u * step, step, quad, a1, b1);
}
