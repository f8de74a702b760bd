// Winograd's first pass: transforms tiles of x into the matrices that are multiplied, [position in the
// tile][n][tile][channel]. A thread transforms one channel of one tile. With four channels, drivers would compile for
// many seconds.
import package::conv_params::params;
import package::quad::{Word, WORD_CHANNELS, load_channel};
import package::winograd::SIZE;

const WORKGROUP = 64u;

@if(f4) const STEP = 4; // pixels from one tile to the next
@if(f2) const STEP = 2;
@if(phases) const STEP = 1;

@group(0) @binding(1) var<storage, read> x: array<Word>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

alias Line = array<f32, SIZE>;

// B' d, along one side
@if(f4)
fn transform(d: Line) -> Line {
  let p = d[4] - 2.25 * d[2];
  let q = 0.75 * (d[3] - 2.25 * d[1]);
  let r = d[4] - 0.5625 * d[2];
  let s = 1.5 * (d[3] - 0.5625 * d[1]);
  let first = 1.265625 * d[0] - 2.8125 * d[2] + d[4];
  return Line(first, p + q, p - q, r + s, r - s, 1.265625 * d[1] - 2.8125 * d[3] + d[5]);
}
@if(f2)
fn transform(d: Line) -> Line {
  return Line(d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]);
}
@if(phases)
fn transform(d: Line) -> Line {
  return Line(d[0] - d[1], d[1], d[2] - d[1]);
}

struct Tile {
  n: u32,
  row: i32, // of its first pixel, counted from the stored corner
  col: i32,
  channel: u32,
}

// Pixels outside the stored extents are zero: see view.wgsl.
fn load(tile: Tile, row: i32, col: i32) -> f32 {
  let channels = 4u * params.in_quads;
  let inside = (u32(row) < params.x.height) & (u32(col) < params.x.width);
  let start = ((tile.n * params.x.height + u32(row)) * params.x.width + u32(col)) * channels;
  let at = select(WORD_CHANNELS * arrayLength(&x) - channels, start, inside) + tile.channel;
  return load_channel(x[at / WORD_CHANNELS], at);
}

fn load_line(tile: Tile, i: i32) -> Line {
  let row = tile.row + i;
  @if(f4) return Line(
    load(tile, row, tile.col),
    load(tile, row, tile.col + 1),
    load(tile, row, tile.col + 2),
    load(tile, row, tile.col + 3),
    load(tile, row, tile.col + 4),
    load(tile, row, tile.col + 5),
  );
  @if(f2) return Line(
    load(tile, row, tile.col),
    load(tile, row, tile.col + 1),
    load(tile, row, tile.col + 2),
    load(tile, row, tile.col + 3),
  );
  @if(phases) return Line(load(tile, row, tile.col), load(tile, row, tile.col + 1), load(tile, row, tile.col + 2));
}

fn store_line(first: u32, step: u32, line: Line) {
  y[first] = line[0];
  y[first + step] = line[1];
  y[first + 2u * step] = line[2];
  @if(!phases) y[first + 3u * step] = line[3];
  @if(f4) y[first + 4u * step] = line[4];
  @if(f4) y[first + 5u * step] = line[5];
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let channels = 4u * params.in_quads;
  let tile_col = id.x / channels;
  if tile_col >= params.cols {
    return;
  }
  let tile = Tile(id.z, STEP * i32(id.y) + params.x.y, STEP * i32(tile_col) + params.x.x, id.x % channels);
  let r0 = transform(load_line(tile, 0));
  let r1 = transform(load_line(tile, 1));
  let r2 = transform(load_line(tile, 2));
  @if(!phases) let r3 = transform(load_line(tile, 3));
  @if(f4) let r4 = transform(load_line(tile, 4));
  @if(f4) let r5 = transform(load_line(tile, 5));

  let first = ((tile.n * params.rows + id.y) * params.cols + tile_col) * channels + tile.channel;
  // from one position of a tile to the next along a row
  let stride = params.batch * params.rows * params.cols * channels;
  let step = SIZE * stride; // from one position to the next along a column
  @if(f4) {
    store_line(first, step, transform(Line(r0[0], r1[0], r2[0], r3[0], r4[0], r5[0])));
    store_line(first + stride, step, transform(Line(r0[1], r1[1], r2[1], r3[1], r4[1], r5[1])));
    store_line(first + 2u * stride, step, transform(Line(r0[2], r1[2], r2[2], r3[2], r4[2], r5[2])));
    store_line(first + 3u * stride, step, transform(Line(r0[3], r1[3], r2[3], r3[3], r4[3], r5[3])));
    store_line(first + 4u * stride, step, transform(Line(r0[4], r1[4], r2[4], r3[4], r4[4], r5[4])));
    store_line(first + 5u * stride, step, transform(Line(r0[5], r1[5], r2[5], r3[5], r4[5], r5[5])));
  }
  @if(f2) {
    store_line(first, step, transform(Line(r0[0], r1[0], r2[0], r3[0])));
    store_line(first + stride, step, transform(Line(r0[1], r1[1], r2[1], r3[1])));
    store_line(first + 2u * stride, step, transform(Line(r0[2], r1[2], r2[2], r3[2])));
    store_line(first + 3u * stride, step, transform(Line(r0[3], r1[3], r2[3], r3[3])));
  }
  @if(phases) {
    store_line(first, step, transform(Line(r0[0], r1[0], r2[0])));
    store_line(first + stride, step, transform(Line(r0[1], r1[1], r2[1])));
    store_line(first + 2u * stride, step, transform(Line(r0[2], r1[2], r2[2])));
  }
}
