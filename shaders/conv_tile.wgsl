// Dense convolution on GPUs: the same sums as conv.wgsl in the same order. A workgroup first copies a block of both
// factors to its memory, where each number is read eight times. A thread computes 8 pixels x 8 channels; `lanes`
// threads lie side by side along channels.
//
// With `f16_products` blocks are f16: products of four channels are added in f16, and their sums in f32.
import package::view::{View, stored_pixel};
import package::weight::{Weight, load_weight};
import package::conv_params::params;
import package::quad::{Input, load_quad};
@if(!multiply) import package::epilogue::{affine_of, finish_cell, store_cell, Cell};
@if(multiply) import package::view::pixel;

@if(f16_products) enable f16;

const WORKGROUP = 64u;
const DEPTH = 4u; // channel quads of a block
const PIXELS = 8u; // of a thread, params.tile_cols of them side by side
const MAX_PIXELS = 128u; // PIXELS * WORKGROUP / lanes; lanes is 4 or 8
const MAX_QUADS = 16u; // 2 * lanes
const STEP = WORKGROUP / DEPTH; // distance in a block between two pixels that a thread copies

@if(f16_products) alias Number = f16;
@else alias Number = f32;

@group(0) @binding(1) var<storage, read> x: array<Input>;
@group(0) @binding(2) var<storage, read> weight: array<Weight>; // [weight tile][tap or position][channel in][8 * lanes]
@if(multiply) @group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;

var<workgroup> x_block: array<vec4<Number>, DEPTH * MAX_PIXELS>; // [quad][pixel]
var<workgroup> weight_block: array<vec4<Number>, 4u * DEPTH * MAX_QUADS>; // [channel in][row quad]

@if(f16_products)
fn multiply_add_pixel(w: mat4x4<f16>, v: vec4<f16>, sum: vec4<f32>) -> vec4<f32> {
  return sum + vec4<f32>(fma(v.wwww, w[3], fma(v.zzzz, w[2], fma(v.yyyy, w[1], v.xxxx * w[0]))));
}
@else
fn multiply_add_pixel(w: mat4x4<f32>, v: vec4<f32>, sum: vec4<f32>) -> vec4<f32> {
  return fma(v.wwww, w[3], fma(v.zzzz, w[2], fma(v.yyyy, w[1], fma(v.xxxx, w[0], sum))));
}

// Four pixels, `step` apart in x_block.
fn multiply_add(w: mat4x4<Number>, first: u32, step: u32, sums: mat4x4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(
    multiply_add_pixel(w, x_block[first], sums[0]),
    multiply_add_pixel(w, x_block[first + step], sums[1]),
    multiply_add_pixel(w, x_block[first + 2u * step], sums[2]),
    multiply_add_pixel(w, x_block[first + 3u * step], sums[3]),
  );
}

// From four channels in (columns) to four channels out (rows).
fn block_weights(first: u32, step: u32) -> mat4x4<Number> {
  return mat4x4<Number>(
    weight_block[first],
    weight_block[first + step],
    weight_block[first + 2u * step],
    weight_block[first + 3u * step],
  );
}

// The pixels of a workgroup: `step` threads along pixels, whose tiles are the ones from `first` on.
struct Block {
  n: u32,
  first: u32,
  step: u32,
}

// Row and column of the corner of a thread's tile.
fn corner_of(tile: u32) -> vec2<u32> {
  let tiles_x = (params.cols + params.tile_cols - 1u) / params.tile_cols;
  return vec2<u32>(PIXELS / params.tile_cols * (tile / tiles_x), params.tile_cols * (tile % tiles_x));
}

// Row and column of a block's pixel. A thread's own pixels lie `step` apart in the block, so that neighbouring threads
// read neighbouring pixels.
@if(multiply)
fn pixel_of(block: Block, i: u32) -> vec2<u32> {
  return vec2<u32>(0u, PIXELS * block.first + i);
}
@else
fn pixel_of(block: Block, i: u32) -> vec2<u32> {
  let own = i / block.step;
  return corner_of(block.first + i % block.step) + vec2<u32>(own / params.tile_cols, own % params.tile_cols);
}

// Start in x of a tap of a block's pixel.
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

// Copies quad q of four pixels into the block, from `first` on; zeros past the last quad.
fn copy_pixels(first: u32, starts: vec4<u32>, q: u32) {
  let inside = q < params.in_quads;
  let zero = vec4<f32>();
  let at = select(vec4<u32>(), starts + q, vec4<bool>(inside));
  x_block[first] = vec4<Number>(select(zero, load_quad(x[at.x]), inside));
  x_block[first + STEP] = vec4<Number>(select(zero, load_quad(x[at.y]), inside));
  x_block[first + 2u * STEP] = vec4<Number>(select(zero, load_quad(x[at.z]), inside));
  x_block[first + 3u * STEP] = vec4<Number>(select(zero, load_quad(x[at.w]), inside));
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

// Finishes and stores one channel quad of a thread's two rows of four pixels.
@if(!multiply)
fn store_rows(n: u32, corner: vec2<i32>, q: u32, top: mat4x4<f32>, bottom: mat4x4<f32>) {
  let map = affine_of(q);
  var cell = Cell(top[0], top[1], bottom[0], bottom[1]);
  for (var i = 0u; i < params.cells; i++) {
    store_cell(n, corner.x, corner.y + 2 * i32(i), q, finish_cell(cell, map));
    cell = Cell(top[2], top[3], bottom[2], bottom[3]);
  }
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
  // Neighbouring threads copy neighbouring channels.
  let copied = thread % DEPTH * pixels + thread / DEPTH;
  let matrix = (group.x * params.batch + block.n) / params.images;
  var w = matrix * params.taps * params.taps * params.in_quads * 4u * row_quads;

  var a0 = mat4x4<f32>(); var a1 = mat4x4<f32>();
  var b0 = mat4x4<f32>(); var b1 = mat4x4<f32>();
  for (var dy = 0u; dy < params.taps; dy++) {
    for (var dx = 0u; dx < params.taps; dx++) {
      let starts = tap_starts(block, thread / DEPTH, vec2<u32>(dy, dx), outside);
      var more = vec4<u32>();
      if pixels > 4u * STEP {
        more = tap_starts(block, thread / DEPTH + 4u * STEP, vec2<u32>(dy, dx), outside);
      }
      for (var q = 0u; q < params.in_quads; q += DEPTH) {
        copy_pixels(copied, starts, q + thread % DEPTH);
        if pixels > 4u * STEP {
          copy_pixels(copied + 4u * STEP, more, q + thread % DEPTH);
        }
        // Past the last quad lie other weights. They are multiplied by zeros.
        for (var i = thread; i < 4u * DEPTH * row_quads; i += WORKGROUP) {
          weight_block[i] = vec4<Number>(load_weight(weight[w + 4u * q * row_quads + i]));
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
          let first = k * pixels + own;
          let u = block_weights(4u * k * row_quads + 2u * lane, row_quads);
          a0 = multiply_add(u, first, step, a0);
          a1 = multiply_add(u, first + 4u * step, step, a1);
          let v = block_weights(4u * k * row_quads + 2u * lane + 1u, row_quads);
          b0 = multiply_add(v, first, step, b0);
          b1 = multiply_add(v, first + 4u * step, step, b1);
        }
        workgroupBarrier();
      }
      w += 4u * params.in_quads * row_quads;
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
      store_rows(block.n, corner, quad, a0, a1);
      store_rows(block.n, corner, quad + 1u, b0, b1);
    }
  }
}
