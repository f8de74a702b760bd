// Dense convolution on GPUs: what conv.wgsl computes, in the same order, but a workgroup first brings a block of both factors into its own memory,
// where each number is then read eight times. A thread computes 8 pixels x 8 channels; `lanes` threads lie side by side along channels.
//
// With `half` blocks are f16: the products of four channels are added in f16, what comes of that in f32. With `matrix` two subgroups of 32 threads
// multiply blocks by subgroup matrices, f32 ones of 8 x 8 or with `half` f16 ones of 16 x 16, whose sums are f32; Chromium's experiment.
import package::view::{View, stored_pixel};
import package::weight::{Weight, load_weight};
import package::conv_params::params;
import package::quad::{Input, load_quad};
@if(!multiply) import package::epilogue::{store_tile, MAX_SUMS};
@if(multiply) import package::view::pixel;

@if(half) enable f16;
@if(matrix) enable subgroups;
@if(matrix) enable chromium_experimental_subgroup_matrix;
@if(matrix) diagnostic(off, chromium.subgroup_matrix_uniformity); // the thread's number says which subgroup it is in: neighbours share one

const WORKGROUP = 64u;
const DEPTH = 4u; // channel quads of a block
const PIXELS = 8u; // of a thread's tile, params.tile_cols of them side by side
const MAX_PIXELS = 128u; // PIXELS * WORKGROUP / lanes, which are 4 or 8
const MAX_QUADS = 16u; // 2 * lanes
const STEP = WORKGROUP / DEPTH; // from one pixel of a block that a thread brings to the next

@if(half) alias Number = f16;
@else alias Number = f32;

@group(0) @binding(1) var<storage, read> x: array<Input>;
@group(0) @binding(2) var<storage, read> weight: array<Weight>; // [tile of rows][tap, or place][channel in][8 * lanes]
@if(multiply) @group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;

@if(!matrix) var<workgroup> x_block: array<vec4<Number>, DEPTH * MAX_PIXELS>; // [quad][pixel]
@if(!matrix) var<workgroup> weight_block: array<vec4<Number>, 4u * DEPTH * MAX_QUADS>; // [channel in][row quad]

@if(matrix) const CHANNELS = 4u * DEPTH; // of a block
@if(matrix) const SUBGROUP = 32u;
@if(half && matrix) const SIZE = 16u;
@if(!half && matrix) const SIZE = 8u;
@if(matrix) const MATRICES = 2048u / (SIZE * SIZE); // of a subgroup: half of 64 pixels x 64 channels, or of 128 x 32
@if(matrix) alias Left = subgroup_matrix_left<Number, SIZE, SIZE>;
@if(matrix) alias Right = subgroup_matrix_right<Number, SIZE, SIZE>;
@if(matrix) alias Sums = array<subgroup_matrix_result<f32, SIZE, SIZE>, MATRICES>;
@if(matrix) var<workgroup> x_block: array<Number, CHANNELS * MAX_PIXELS>; // [pixel][channel in]
@if(matrix) var<workgroup> weight_block: array<Number, 4u * CHANNELS * MAX_QUADS>; // [channel in][row]
@if(matrix) var<workgroup> sum_block: array<f32, 1024>; // [pixel][row], of a quarter of the block's pixels

// Where a subgroup's i-th matrix of sums lies in its block: first pixel and first row.
@if(matrix)
fn matrix_corner(thread: u32, i: u32) -> vec2<u32> {
  let across = 8u * params.lanes / SIZE;
  return SIZE * vec2<u32>(thread / SUBGROUP * (MATRICES / across) + i / across, i % across);
}

@if(matrix)
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

@if(matrix)
fn row_quad(i: u32) -> vec4<f32> {
  return vec4<f32>(sum_block[i], sum_block[i + 1u], sum_block[i + 2u], sum_block[i + 3u]);
}

@if(half && !matrix)
fn multiply_add_pixel(w: mat4x4<f16>, v: vec4<f16>, sum: vec4<f32>) -> vec4<f32> {
  return sum + vec4<f32>(fma(v.wwww, w[3], fma(v.zzzz, w[2], fma(v.yyyy, w[1], v.xxxx * w[0]))));
}
@if(!half && !matrix)
fn multiply_add_pixel(w: mat4x4<f32>, v: vec4<f32>, sum: vec4<f32>) -> vec4<f32> {
  return fma(v.wwww, w[3], fma(v.zzzz, w[2], fma(v.yyyy, w[1], fma(v.xxxx, w[0], sum))));
}

// Four pixels, `step` apart in x_block.
@if(!matrix)
fn multiply_add(w: mat4x4<Number>, first: u32, step: u32, sums: mat4x4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(
    multiply_add_pixel(w, x_block[first], sums[0]),
    multiply_add_pixel(w, x_block[first + step], sums[1]),
    multiply_add_pixel(w, x_block[first + 2u * step], sums[2]),
    multiply_add_pixel(w, x_block[first + 3u * step], sums[3]),
  );
}

// From four channels in (columns) to four channels out (rows).
@if(!matrix)
fn block_weights(first: u32, step: u32) -> mat4x4<Number> {
  return mat4x4<Number>(
    weight_block[first],
    weight_block[first + step],
    weight_block[first + 2u * step],
    weight_block[first + 3u * step],
  );
}

// What a workgroup computes: `step` threads along pixels, whose tiles are the ones from `first` on.
struct Block {
  n: u32,
  first: u32,
  step: u32,
}

// Corner of a thread's tile, as row and column.
fn corner_of(tile: u32) -> vec2<u32> {
  let tiles_x = (params.cols + params.tile_cols - 1u) / params.tile_cols;
  return vec2<u32>(PIXELS / params.tile_cols * (tile / tiles_x), params.tile_cols * (tile % tiles_x));
}

// Row and column of a block's pixel. A thread's own pixels lie `step` apart in the block, so that neighbours read neighbouring ones.
@if(multiply)
fn pixel_of(block: Block, i: u32) -> vec2<u32> {
  return vec2<u32>(0u, PIXELS * block.first + i);
}
@else
fn pixel_of(block: Block, i: u32) -> vec2<u32> {
  let own = i / block.step;
  return corner_of(block.first + i % block.step) + vec2<u32>(own / params.tile_cols, own % params.tile_cols);
}

// Where a tap of a block's pixel starts in x.
fn tap_start(block: Block, i: u32, tap: vec2<u32>, outside: u32) -> u32 {
  let at = vec2<i32>(pixel_of(block, i) * params.stride + tap) + vec2<i32>(params.x.y, params.x.x);
  return stored_pixel(params.x, block.n, at.x >> params.upsample, at.y >> params.upsample, outside);
}

fn tap_starts(block: Block, i: u32, tap: vec2<u32>, outside: u32) -> vec4<u32> {
  return vec4<u32>(
    tap_start(block, i, tap, outside),
    tap_start(block, i + STEP, tap, outside),
    tap_start(block, i + 2u * STEP, tap, outside),
    tap_start(block, i + 3u * STEP, tap, outside),
  );
}

// Quad q of four pixels into the block, from `first` on; zeros past the last quad.
fn bring(first: u32, starts: vec4<u32>, q: u32) {
  let inside = q < params.in_quads;
  let zero = vec4<f32>();
  let at = select(vec4<u32>(), starts + q, vec4<bool>(inside));
  put_pixel(first, select(zero, load_quad(x[at.x]), inside));
  put_pixel(first + PIXEL_STEP, select(zero, load_quad(x[at.y]), inside));
  put_pixel(first + 2u * PIXEL_STEP, select(zero, load_quad(x[at.z]), inside));
  put_pixel(first + 3u * PIXEL_STEP, select(zero, load_quad(x[at.w]), inside));
}

@if(matrix) const PIXEL_STEP = STEP * CHANNELS;
@else const PIXEL_STEP = STEP;

@if(matrix)
fn put_pixel(i: u32, v: vec4<f32>) {
  x_block[i] = Number(v.x);
  x_block[i + 1u] = Number(v.y);
  x_block[i + 2u] = Number(v.z);
  x_block[i + 3u] = Number(v.w);
}
@else
fn put_pixel(i: u32, v: vec4<f32>) {
  x_block[i] = vec4<Number>(v);
}

@if(matrix)
fn put_weights(i: u32, v: vec4<f32>) {
  weight_block[4u * i] = Number(v.x);
  weight_block[4u * i + 1u] = Number(v.y);
  weight_block[4u * i + 2u] = Number(v.z);
  weight_block[4u * i + 3u] = Number(v.w);
}
@else
fn put_weights(i: u32, v: vec4<f32>) {
  weight_block[i] = vec4<Number>(v);
}

@if(multiply)
fn store(block: Block, i: u32, quad: u32, a: vec4<f32>, b: vec4<f32>) {
  let col = pixel_of(block, i).y;
  if (col < params.cols) & (quad < params.out_quads) {
    let first = pixel(params.y, block.n, 0u, col) + quad;
    y[first] = a;
    if quad + 1u < params.out_quads {
      y[first + 1u] = b;
    }
  }
}
@if(multiply)
fn store_four(block: Block, i: u32, quad: u32, a: mat4x4<f32>, b: mat4x4<f32>) {
  store(block, i, quad, a[0], b[0]);
  store(block, i + block.step, quad, a[1], b[1]);
  store(block, i + 2u * block.step, quad, a[2], b[2]);
  store(block, i + 3u * block.step, quad, a[3], b[3]);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let step = WORKGROUP / params.lanes;
  let block = Block(group.z % params.batch, ((group.z / params.batch) * groups.y + group.y) * step, step);
  let pixels = PIXELS * step;
  let lane = thread % params.lanes;
  let own = thread / params.lanes;
  let row_quads = 2u * params.lanes;
  let outside = arrayLength(&x) - params.in_quads;
  // neighbours read neighbouring channels
  @if(matrix) let brought = thread / DEPTH * CHANNELS + 4u * (thread % DEPTH);
  @else let brought = thread % DEPTH * pixels + thread / DEPTH;
  var w = (group.x * params.batch + block.n) / params.images * params.taps * params.taps * params.in_quads * 4u * row_quads;

  var a0 = mat4x4<f32>(); var a1 = mat4x4<f32>();
  var b0 = mat4x4<f32>(); var b1 = mat4x4<f32>();
  @if(matrix) var matrices: Sums;
  for (var dy = 0u; dy < params.taps; dy++) {
    for (var dx = 0u; dx < params.taps; dx++) {
      let starts = tap_starts(block, thread / DEPTH, vec2<u32>(dy, dx), outside);
      var more = vec4<u32>();
      if pixels > 4u * STEP {
        more = tap_starts(block, thread / DEPTH + 4u * STEP, vec2<u32>(dy, dx), outside);
      }
      for (var q = 0u; q < params.in_quads; q += DEPTH) {
        bring(brought, starts, q + thread % DEPTH);
        if pixels > 4u * STEP {
          bring(brought + 4u * PIXEL_STEP, more, q + thread % DEPTH);
        }
        // Past the last quad lie other weights, which meet zeros.
        for (var i = thread; i < 4u * DEPTH * row_quads; i += WORKGROUP) {
          put_weights(i, load_weight(weight[w + 4u * q * row_quads + i]));
        }
        workgroupBarrier();
        @if(matrix) multiply_matrices(thread, &matrices);
        @else {
          for (var k = 0u; k < DEPTH; k++) {
            let first = k * pixels + own;
            let u = block_weights(4u * k * row_quads + 2u * lane, row_quads);
            a0 = multiply_add(u, first, step, a0);
            a1 = multiply_add(u, first + 4u * step, step, a1);
            let v = block_weights(4u * k * row_quads + 2u * lane + 1u, row_quads);
            b0 = multiply_add(v, first, step, b0);
            b1 = multiply_add(v, first + 4u * step, step, b1);
          }
        }
        workgroupBarrier();
      }
      w += 4u * params.in_quads * row_quads;
    }
  }

  @if(matrix) {
    for (var quarter = 0u; quarter < 4u; quarter++) { // a workgroup has no room for all sums
      for (var i = 0u; i < MATRICES; i++) {
        let corner = matrix_corner(thread, i);
        if corner.x / (2u * step) == quarter {
          let first = corner.x % (2u * step) * 8u * params.lanes + corner.y;
          subgroupMatrixStore(&sum_block, first, matrices[i], false, 8u * params.lanes);
        }
      }
      workgroupBarrier();
      let first = own * 8u * params.lanes + 8u * lane;
      let next = first + step * 8u * params.lanes;
      let col = quarter % 2u * 2u;
      if quarter < 2u {
        a0[col] = row_quad(first);
        a0[col + 1u] = row_quad(next);
        b0[col] = row_quad(first + 4u);
        b0[col + 1u] = row_quad(next + 4u);
      } else {
        a1[col] = row_quad(first);
        a1[col + 1u] = row_quad(next);
        b1[col] = row_quad(first + 4u);
        b1[col + 1u] = row_quad(next + 4u);
      }
      workgroupBarrier();
    }
  }

  let quad = 2u * ((params.first_tile + group.x) * params.lanes + lane);
  @if(multiply) {
    store_four(block, own, quad, a0, b0);
    store_four(block, own + 4u * step, quad, a1, b1);
  }
  @else {
    let corner = vec2<i32>(corner_of(block.first + own));
    if corner.x < i32(params.rows) {
      var sums: array<vec4<f32>, MAX_SUMS>;
      sums[0] = a0[0]; sums[1] = a0[1]; sums[2] = a0[2]; sums[3] = a0[3];
      sums[4] = a1[0]; sums[5] = a1[1]; sums[6] = a1[2]; sums[7] = a1[3];
      sums[8] = b0[0]; sums[9] = b0[1]; sums[10] = b0[2]; sums[11] = b0[3];
      sums[12] = b1[0]; sums[13] = b1[1]; sums[14] = b1[2]; sums[15] = b1[3];
      store_tile(block.n, corner.x, corner.y, quad, &sums);
    }
  }
}
