// Dense convolution as an implicit GEMM from registers: 3x3 (stride 1 or 2), 1x1, linear layers, and the
// multiplications of Winograd's algorithm. The operations that follow a convolution in the network are its epilogue. A
// lane computes 16 pixels x 8 channels; up to 8 neighbouring lanes compute neighbouring channels of the same pixels.
// Sums are f32.
//
// With `subgroups`, each of the four lanes of a quad loads one pixel and broadcasts it. Loads limit this kernel, so it
// runs twice as fast on CPUs. All known drivers form quads of four neighbours of a one-dimensional workgroup.
import package::view::{View, stored_pixel};
import package::weight::{Weight, load_weight};
import package::conv_params::params;
import package::quad::{Input, load_quad};
@if(!multiply) import package::epilogue::{affine_of, finish_cell, store_cell, Cell};
@if(multiply) import package::view::pixel;

@if(subgroups) enable subgroups;
@if(subgroups) diagnostic(off, subgroup_uniformity); // lanes return early, but only whole quads

const WORKGROUP = 64u;
const PIXELS = 16u;

@if(multiply) @group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;

@group(0) @binding(1) var<storage, read> x: array<Input>;
@group(0) @binding(2) var<storage, read> weight: array<Weight>; // [tile][tap][channel in][8 * lanes]

// Four pixels of the tile: their starts in x, and one channel quad of each. With subgroups each lane of a quad has one
// pixel.
@if(subgroups) alias Starts = u32;
@else alias Starts = vec4<u32>;
@if(subgroups) alias Pixels = vec4<f32>;
@else alias Pixels = mat4x4<f32>;

// Start in x of a tap of the tile's i-th pixel.
fn tap_start(i: u32, n: u32, corner: vec2<i32>, outside: u32) -> u32 {
  let y = corner.y + i32(i / params.tile_cols * params.stride);
  let x = corner.x + i32(i % params.tile_cols * params.stride);
  return stored_pixel(params.x, n, y >> params.upsample, x >> params.upsample, outside);
}

@if(subgroups)
fn starts(first: u32, lane: u32, n: u32, corner: vec2<i32>, outside: u32) -> Starts {
  return tap_start(first + (lane & 3u), n, corner, outside);
}
@else
fn starts(first: u32, lane: u32, n: u32, corner: vec2<i32>, outside: u32) -> Starts {
  return vec4<u32>(
    tap_start(first, n, corner, outside),
    tap_start(first + 1u, n, corner, outside),
    tap_start(first + 2u, n, corner, outside),
    tap_start(first + 3u, n, corner, outside),
  );
}

@if(subgroups)
fn load_pixels(p: Starts, q: u32) -> Pixels {
  return load_quad(x[p + q]);
}
@else
fn load_pixels(p: Starts, q: u32) -> Pixels {
  return mat4x4<f32>(load_quad(x[p.x + q]), load_quad(x[p.y + q]), load_quad(x[p.z + q]), load_quad(x[p.w + q]));
}

// From four channels in (w's columns) to four channels out (its rows).
fn load_weights(w: u32, stride: u32) -> mat4x4<f32> {
  return mat4x4<f32>(
    load_weight(weight[w]),
    load_weight(weight[w + stride]),
    load_weight(weight[w + 2u * stride]),
    load_weight(weight[w + 3u * stride]),
  );
}

// sum + w * v by fused multiply-adds, so that all variants round alike.
fn multiply_add_pixel(w: mat4x4<f32>, v: vec4<f32>, sum: vec4<f32>) -> vec4<f32> {
  return fma(v.wwww, w[3], fma(v.zzzz, w[2], fma(v.yyyy, w[1], fma(v.xxxx, w[0], sum))));
}

@if(subgroups)
fn multiply_add(w: mat4x4<f32>, v: Pixels, sums: mat4x4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(
    multiply_add_pixel(w, quadBroadcast(v, 0u), sums[0]),
    multiply_add_pixel(w, quadBroadcast(v, 1u), sums[1]),
    multiply_add_pixel(w, quadBroadcast(v, 2u), sums[2]),
    multiply_add_pixel(w, quadBroadcast(v, 3u), sums[3]),
  );
}
@else
fn multiply_add(w: mat4x4<f32>, v: Pixels, sums: mat4x4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(
    multiply_add_pixel(w, v[0], sums[0]),
    multiply_add_pixel(w, v[1], sums[1]),
    multiply_add_pixel(w, v[2], sums[2]),
    multiply_add_pixel(w, v[3], sums[3]),
  );
}

// Stores four of Winograd's products, which lie in one row.
@if(multiply)
fn store_sums(first: u32, col: u32, quad: u32, a: mat4x4<f32>, b: mat4x4<f32>) {
  store_sum(first, col, quad, a[0], b[0]);
  store_sum(first + params.out_quads, col + 1u, quad, a[1], b[1]);
  store_sum(first + 2u * params.out_quads, col + 2u, quad, a[2], b[2]);
  store_sum(first + 3u * params.out_quads, col + 3u, quad, a[3], b[3]);
}
@if(multiply)
fn store_sum(first: u32, col: u32, quad: u32, a: vec4<f32>, b: vec4<f32>) {
  if (col < params.cols) & (quad < params.out_quads) {
    y[first] = a;
  }
  if (col < params.cols) & (quad + 1u < params.out_quads) {
    y[first + 1u] = b;
  }
}

// The left and the right cell of two rows of four pixels.
@if(!multiply)
fn left_cell(top: mat4x4<f32>, bottom: mat4x4<f32>) -> Cell {
  return Cell(top[0], top[1], bottom[0], bottom[1]);
}
@if(!multiply)
fn right_cell(top: mat4x4<f32>, bottom: mat4x4<f32>) -> Cell {
  return Cell(top[2], top[3], bottom[2], bottom[3]);
}

// Finishes and stores one channel quad of a lane's 4 x 4 pixels.
@if(!multiply)
fn store_cells(n: u32, row: u32, col: u32, q: u32, first: Cell, second: Cell, third: Cell, fourth: Cell) {
  let map = affine_of(q);
  var c0 = first;
  var c1 = second;
  var c2 = third;
  for (var i = 0u; i < params.cells; i++) {
    store_cell(n, i32(row + i / 2u * 2u), i32(col + i % 2u * 2u), q, finish_cell(c0, map));
    c0 = c1;
    c1 = c2;
    c2 = fourth;
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = group.z % params.batch;
  let tile = ((group.z / params.batch) * groups.y + group.y) * (WORKGROUP / params.lanes) + lane / params.lanes;
  let tile_rows = PIXELS / params.tile_cols;
  let tiles_x = (params.cols + params.tile_cols - 1u) / params.tile_cols;
  let row = tile_rows * (tile / tiles_x);
  let col = params.tile_cols * (tile % tiles_x);
  if row >= params.rows {
    return;
  }
  let outside = arrayLength(&x) - params.in_quads;
  let w_stride = 2u * params.lanes;
  let channel_lane = lane % params.lanes;
  let first_tap = (group.x * params.batch + n) / params.images * params.taps * params.taps;
  var w = first_tap * params.in_quads * 4u * w_stride + 2u * channel_lane;

  // Each variable has the sums of four pixels: a of the first four channels, b of the second. Arrays would not stay in
  // registers.
  var a0 = mat4x4<f32>(); var a1 = mat4x4<f32>(); var a2 = mat4x4<f32>(); var a3 = mat4x4<f32>();
  var b0 = mat4x4<f32>(); var b1 = mat4x4<f32>(); var b2 = mat4x4<f32>(); var b3 = mat4x4<f32>();
  for (var dy = 0u; dy < params.taps; dy++) {
    for (var dx = 0u; dx < params.taps; dx++) {
      let tap = vec2<u32>(col * params.stride + dx, row * params.stride + dy);
      let corner = vec2<i32>(tap) + vec2<i32>(params.x.x, params.x.y);
      let p0 = starts(0u, lane, n, corner, outside);
      let p1 = starts(4u, lane, n, corner, outside);
      let p2 = starts(8u, lane, n, corner, outside);
      let p3 = starts(12u, lane, n, corner, outside);
      for (var q = 0u; q < params.in_quads; q++) {
        let x0 = load_pixels(p0, q);
        let x1 = load_pixels(p1, q);
        let x2 = load_pixels(p2, q);
        let x3 = load_pixels(p3, q);
        let u = load_weights(w, w_stride);
        a0 = multiply_add(u, x0, a0);
        a1 = multiply_add(u, x1, a1);
        a2 = multiply_add(u, x2, a2);
        a3 = multiply_add(u, x3, a3);
        let v = load_weights(w + 1u, w_stride);
        b0 = multiply_add(v, x0, b0);
        b1 = multiply_add(v, x1, b1);
        b2 = multiply_add(v, x2, b2);
        b3 = multiply_add(v, x3, b3);
        w += 4u * w_stride;
      }
    }
  }

  let quad = 2u * ((params.first_tile + group.x) * params.lanes + channel_lane);
  @if(multiply) {
    let first = pixel(params.y, n, 0u, col) + quad;
    store_sums(first, col, quad, a0, b0);
    store_sums(first + 4u * params.out_quads, col + 4u, quad, a1, b1);
    store_sums(first + 8u * params.out_quads, col + 8u, quad, a2, b2);
    store_sums(first + 12u * params.out_quads, col + 12u, quad, a3, b3);
  }
  @else {
    store_cells(n, row, col, quad, left_cell(a0, a1), right_cell(a0, a1), left_cell(a2, a3), right_cell(a2, a3));
    store_cells(n, row, col, quad + 1u, left_cell(b0, b1), right_cell(b0, b1), left_cell(b2, b3), right_cell(b2, b3));
  }
}
