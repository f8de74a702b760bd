// Winograd's last pass: transforms products, [position in the tile][n][tile][channel], into pixels and applies the
// epilogue. A thread has one channel quad of one tile. With `norm`, a workgroup has all channels of a few tiles, and
// RMSNorm (arXiv 1910.07467) comes before the residual.
import package::conv_params::params;
import package::epilogue::{affine_of, finish_cell, store_cell, Cell};
import package::winograd::SIZE;

@if(norm) override WORKGROUP: u32 = 64u;
@else const WORKGROUP = 64u;

@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;

// A: the contribution of each position along a side to each output, in SIZE rows. transform_line multiplies it by one
// line of a tile.
@if(f4) const A = array<vec4<f32>, 6>(
  vec4<f32>(1.0, 0.0, 0.0, 0.0),
  vec4<f32>(1.0, 0.75, 0.5625, 0.421875),
  vec4<f32>(1.0, -0.75, 0.5625, -0.421875),
  vec4<f32>(1.0, 1.5, 2.25, 3.375),
  vec4<f32>(1.0, -1.5, 2.25, -3.375),
  vec4<f32>(0.0, 0.0, 0.0, 1.0),
);
@if(f2) const A = array<vec2<f32>, 4>(
  vec2<f32>(1.0, 0.0),
  vec2<f32>(1.0, 1.0),
  vec2<f32>(1.0, -1.0),
  vec2<f32>(0.0, -1.0),
);
@if(phases) const A = array<vec2<f32>, 3>(vec2<f32>(1.0, 0.0), vec2<f32>(1.0, 1.0), vec2<f32>(0.0, 1.0));

@if(f4) alias Outputs = mat4x4<f32>; // a column for each output along a side
@else alias Outputs = mat2x4<f32>;

@if(f4)
fn transform_line(first: u32, step: u32) -> Outputs {
  let m1 = x[first + step];
  let m2 = x[first + 2u * step];
  let m3 = x[first + 3u * step];
  let m4 = x[first + 4u * step];
  let p = m1 + m2;
  let q = m1 - m2;
  let r = m3 + m4;
  let s = m3 - m4;
  return Outputs(
    x[first] + p + r,
    0.75 * q + 1.5 * s,
    0.5625 * p + 2.25 * r,
    0.421875 * q + 3.375 * s + x[first + 5u * step],
  );
}
@if(f2)
fn transform_line(first: u32, step: u32) -> Outputs {
  let m1 = x[first + step];
  let m2 = x[first + 2u * step];
  return Outputs(x[first] + m1 + m2, m1 - m2 - x[first + 3u * step]);
}
@if(phases)
fn transform_line(first: u32, step: u32) -> Outputs {
  let m1 = x[first + step];
  return Outputs(x[first] + m1, m1 + x[first + 2u * step]);
}

@if(norm) @group(0) @binding(2) var<storage, read> norm: array<vec4<f32>>; // weight, then bias

// The sums of a thread: all cells of a tile, from left to right and from top to bottom.
struct Tile {
  c0: Cell,
  @if(f4) c1: Cell,
  @if(f4) c2: Cell,
  @if(f4) c3: Cell,
}

@if(f4) const CELLS = 4u;
@else const CELLS = 1u;
@if(f4) const CELLS_X = 2u; // cells side by side
@else const CELLS_X = 1u;

// The tile with `last` behind its cells, and without its first cell.
fn next(tile: Tile, last: Cell) -> Tile {
  @if(f4) return Tile(tile.c1, tile.c2, tile.c3, last);
  @else return Tile(last);
}

const SEGMENT = 16u;
@if(norm) const SUMS = 4u * CELLS; // pixels of a tile
@if(norm) var<workgroup> squares: array<f32, 16u * WORKGROUP>; // [pixel of a tile][thread]
@if(norm) var<workgroup> segments: array<f32, WORKGROUP + 80u>; // [tile][segment of SEGMENT threads][pixel]
@if(norm) var<workgroup> scales: array<f32, 64>; // [tile][pixel]

// Finishes the sums and computes the norm's scales for the workgroup's tiles. It adds in steps (segments of threads, then
// tiles), so no thread adds many numbers.
@if(norm)
fn finish_and_scale(thread: u32, quad: u32, sums: Tile) -> Tile {
  let map = affine_of(quad);
  var tile = sums;
  for (var i = 0u; i < params.cells; i++) {
    let cell = finish_cell(tile.c0, map);
    let first = 4u * i * WORKGROUP + thread;
    squares[first] = dot(cell[0], cell[0]);
    squares[first + WORKGROUP] = dot(cell[1], cell[1]);
    squares[first + 2u * WORKGROUP] = dot(cell[2], cell[2]);
    squares[first + 3u * WORKGROUP] = dot(cell[3], cell[3]);
    tile = next(tile, cell);
  }
  workgroupBarrier();
  let count = (params.out_quads + SEGMENT - 1u) / SEGMENT;
  for (var j = thread; j < SUMS * count * params.group_tiles; j += WORKGROUP) {
    let first = j / (SUMS * count) * params.out_quads + j / SUMS % count * SEGMENT;
    let end = min(first + SEGMENT, (j / (SUMS * count) + 1u) * params.out_quads);
    var sum = 0.0;
    for (var i = first; i < end; i++) {
      sum += squares[j % SUMS * WORKGROUP + i];
    }
    segments[j] = sum;
  }
  workgroupBarrier();
  for (var j = thread; j < SUMS * params.group_tiles; j += WORKGROUP) {
    let first = j / SUMS * SUMS * count + j % SUMS;
    var sum = 0.0;
    for (var i = 0u; i < count; i++) {
      sum += segments[first + i * SUMS];
    }
    scales[j] = inverseSqrt(sum / f32(params.norm_channels) + params.norm_eps);
  }
  workgroupBarrier();
  return tile;
}

// The i-th cell of a finished tile, normalised.
@if(norm)
fn normalise(cell: Cell, thread: u32, quad: u32, i: u32) -> Cell {
  let first = thread / params.out_quads * SUMS + 4u * i;
  let weight = norm[quad];
  let bias = select(vec4<f32>(), norm[params.out_quads + quad], params.norm_biased == 1u);
  return Cell(
    fma(cell[0] * scales[first], weight, bias),
    fma(cell[1] * scales[first + 1u], weight, bias),
    fma(cell[2] * scales[first + 2u], weight, bias),
    fma(cell[3] * scales[first + 3u], weight, bias),
  );
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  @if(norm) let own_col = group.x * params.group_tiles + thread / params.out_quads;
  @if(norm) let tile_col = min(own_col, params.x.width - 1u); // every thread reaches the barriers
  @else let tile_col = id.x / params.out_quads;
  @if(norm) let quad = thread % params.out_quads;
  @else let quad = id.x % params.out_quads;
  @if(!norm) {
    if tile_col >= params.x.width {
      return;
    }
  }
  let n = id.z;
  // from one position of a tile to the next
  let stride = params.batch * params.x.height * params.x.width * params.out_quads;
  var first = ((n * params.x.height + id.y) * params.x.width + tile_col) * params.out_quads + quad;
  var s0 = Outputs();
  var s1 = Outputs();
  @if(f4) var s2 = Outputs();
  @if(f4) var s3 = Outputs();
  // params.taps is SIZE. A constant would make lavapipe unroll the loop and compile for seconds.
  for (var i = 0u; i < params.taps; i++) {
    let line = transform_line(first, stride);
    let a = A[i];
    s0 += a.x * line;
    s1 += a.y * line;
    @if(f4) s2 += a.z * line;
    @if(f4) s3 += a.w * line;
    first += SIZE * stride;
  }
  @if(f4) var tile = Tile(
    Cell(s0[0], s0[1], s1[0], s1[1]),
    Cell(s0[2], s0[3], s1[2], s1[3]),
    Cell(s2[0], s2[1], s3[0], s3[1]),
    Cell(s2[2], s2[3], s3[2], s3[3]),
  );
  @else var tile = Tile(Cell(s0[0], s0[1], s1[0], s1[1]));
  @if(norm) {
    tile = finish_and_scale(thread, quad, tile);
    if own_col >= params.x.width {
      return;
    }
  }
  @else let map = affine_of(quad);
  // x.y and x.x are the first tile's corner, relative to the rectangle's
  let row = params.x.y + i32(id.y * params.tile_cols);
  let col = params.x.x + i32(tile_col * params.tile_cols);
  for (var i = 0u; i < params.cells; i++) {
    @if(norm) let cell = normalise(tile.c0, thread, quad, i);
    @else let cell = finish_cell(tile.c0, map);
    store_cell(n, row + 2 * i32(i / CELLS_X), col + 2 * i32(i % CELLS_X), quad, cell);
    tile = next(tile, tile.c0);
  }
}
