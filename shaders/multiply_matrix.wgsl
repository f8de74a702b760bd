// Winograd's multiplications by Chromium's experimental subgroup matrices, with sums in f32: the same products and the
// same grid as the `multiply` variant of conv_tile.wgsl. Two subgroups of 32 threads multiply blocks that the workgroup
// has copied to its memory.
//
// This file is plain WGSL: wesl 0.7 rejects the experiment's names, so the linker does not read it. src/kernels/conv.ts
// puts numbers_f32.wgsl or numbers_f16.wgsl before it.

const WORKGROUP = 64u;
const DEPTH = 4u; // channel quads of a block
const CHANNELS = 4u * DEPTH; // of a block
const PIXELS = 8u; // tiles that a thread stores
const MAX_PIXELS = 128u; // PIXELS * WORKGROUP / lanes; lanes is 4 or 8
const MAX_QUADS = 16u; // 2 * lanes
const STEP = WORKGROUP / DEPTH; // distance in a block between two tiles that a thread copies
const SUBGROUP = 32u;
const MATRICES = 2048u / (SIZE * SIZE); // of a subgroup: half of 64 tiles x 64 channels, or half of 128 x 32

struct Params {
  cols: u32, // Winograd tiles of an image: a row of `x` and `y`
  in_quads: u32, // input channels / 4, rounded up
  out_quads: u32, // output channels / 4, rounded up
  lanes: u32, // threads side by side along channels; a weight tile has 8 rows for each
  first_tile: u32, // first weight tile of this dispatch
  batch: u32, // images times positions of a Winograd tile
  images: u32, // entries of the batch that share one matrix
}

@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // [batch][tile][channel quad]
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>; // [weight tile][position][channel in][8 * lanes]
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>; // [batch][tile][channel quad]
@group(0) @binding(5) var<uniform> params: Params;

alias Left = subgroup_matrix_left<Number, SIZE, SIZE>;
alias Right = subgroup_matrix_right<Number, SIZE, SIZE>;
alias Sums = array<subgroup_matrix_result<f32, SIZE, SIZE>, MATRICES>;
var<workgroup> x_block: array<Number, CHANNELS * MAX_PIXELS>; // [tile][channel in]
var<workgroup> weight_block: array<Number, 4u * CHANNELS * MAX_QUADS>; // [channel in][row]
var<workgroup> sum_block: array<f32, 1024>; // [tile][row], of a quarter of the block's tiles

// First tile and first row of a subgroup's i-th matrix of sums in its block.
fn matrix_corner(thread: u32, i: u32) -> vec2<u32> {
  let across = 8u * params.lanes / SIZE;
  return SIZE * vec2<u32>(thread / SUBGROUP * (MATRICES / across) + i / across, i % across);
}

fn multiply_matrices(thread: u32, sums: ptr<function, Sums>) {
  for (var k = 0u; k < CHANNELS; k += SIZE) {
    for (var i = 0u; i < MATRICES; i++) {
      let corner = matrix_corner(thread, i);
      let left = subgroupMatrixLoad<Left>(&x_block, corner.x * CHANNELS + k, false, CHANNELS);
      let right = subgroupMatrixLoad<Right>(&weight_block, k * 8u * params.lanes + corner.y, false, 8u * params.lanes);
      (*sums)[i] = subgroupMatrixMultiplyAccumulate(left, right, (*sums)[i]);
    }
  }
}

// Copies channel quad `q` of a tile into the block; zeros past the last tile and the last quad.
fn copy_tile(first: u32, n: u32, col: u32, q: u32) {
  let inside = (col < params.cols) & (q < params.in_quads);
  let v = select(vec4<f32>(), x[select(0u, (n * params.cols + col) * params.in_quads + q, inside)], inside);
  x_block[first] = Number(v.x);
  x_block[first + 1u] = Number(v.y);
  x_block[first + 2u] = Number(v.z);
  x_block[first + 3u] = Number(v.w);
}

fn copy_weights(i: u32, v: vec4<f32>) {
  weight_block[4u * i] = Number(v.x);
  weight_block[4u * i + 1u] = Number(v.y);
  weight_block[4u * i + 2u] = Number(v.z);
  weight_block[4u * i + 3u] = Number(v.w);
}

fn sum_quad(i: u32) -> vec4<f32> {
  return vec4<f32>(sum_block[i], sum_block[i + 1u], sum_block[i + 2u], sum_block[i + 3u]);
}

fn store(n: u32, col: u32, quad: u32, first_sum: u32) {
  if (col < params.cols) & (quad < params.out_quads) {
    let first = (n * params.cols + col) * params.out_quads + quad;
    y[first] = sum_quad(first_sum);
    if quad + 1u < params.out_quads {
      y[first + 1u] = sum_quad(first_sum + 4u);
    }
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let step = WORKGROUP / params.lanes; // threads side by side along tiles
  let pixels = PIXELS * step; // tiles of a block
  let n = group.z % params.batch;
  let first_col = ((group.z / params.batch) * groups.y + group.y) * pixels;
  let row_quads = 2u * params.lanes;
  let w = (group.x * params.batch + n) / params.images * params.in_quads * 4u * row_quads;

  var matrices: Sums;
  for (var q = 0u; q < params.in_quads; q += DEPTH) {
    for (var i = thread / DEPTH; i < pixels; i += STEP) {
      copy_tile(i * CHANNELS + 4u * (thread % DEPTH), n, first_col + i, q + thread % DEPTH);
    }
    // Past the last quad lie other weights. They are multiplied by zeros.
    for (var i = thread; i < 4u * DEPTH * row_quads; i += WORKGROUP) {
      copy_weights(i, weight[w + 4u * q * row_quads + i]);
    }
    workgroupBarrier();
    multiply_matrices(thread, &matrices);
    workgroupBarrier();
  }

  let lane = thread % params.lanes;
  let own = thread / params.lanes;
  let quad = 2u * ((params.first_tile + group.x) * params.lanes + lane);
  for (var quarter = 0u; quarter < 4u; quarter++) { // workgroup memory is too small for all sums
    for (var i = 0u; i < MATRICES; i++) {
      let corner = matrix_corner(thread, i);
      if corner.x / (2u * step) == quarter {
        let first = corner.x % (2u * step) * 8u * params.lanes + corner.y;
        subgroupMatrixStore(&sum_block, first, matrices[i], false, 8u * params.lanes);
      }
    }
    workgroupBarrier();
    let col = first_col + 2u * step * quarter + own;
    let first = own * 8u * params.lanes + 8u * lane;
    store(n, col, quad, first);
    store(n, col + step, quad, first + step * 8u * params.lanes);
    workgroupBarrier();
  }
}
