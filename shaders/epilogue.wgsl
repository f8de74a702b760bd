// The operations after a convolution's sums: bias or batch norm, then an activation. With `resample`, the store may
// shuffle pixels and add a ChannelShuffle of a shortcut. With `norm`, it adds a residual. These are variants because
// SwiftShader executes every branch.
import package::conv_params::params;
import package::view::pixel;
import package::quad::{Output, store_quad};
@if(norm) import package::quad::{Input, load_quad};
import package::activation::activate;
@if(resample) import package::channel_shuffle::shuffled_quad;

const SHUFFLE = 1u;
const UNSHUFFLE = 2u;

@if(norm) @group(0) @binding(0) var<storage, read> source: array<Input>;
@group(0) @binding(3) var<storage, read> affine: array<vec4<f32>>; // shifts, then scales; zeros without an affine
@group(0) @binding(4) var<storage, read_write> y: array<Output>;

struct Affine {
  shift: vec4<f32>,
  scale: vec4<f32>,
}

fn affine_of(q: u32) -> Affine {
  let quad = min(q, max(params.affine_quads, 1u) - 1u);
  let scale = affine[params.affine_quads + quad];
  return Affine(affine[quad], select(vec4<f32>(1.0), scale, params.scaled == 1u));
}

fn finish(sum: vec4<f32>, map: Affine) -> vec4<f32> {
  return activate(params.activation, fma(sum, map.scale, map.shift));
}

// Sums of four pixels of one channel quad: (0, 0), (0, 1), (1, 0) and (1, 1) of 2 x 2 pixels.
//
// Loops over the cells of a tile move the next cell into a fixed variable. An array that is indexed by a variable would
// lie in a GPU's scratch memory, and unrolled code would take software adapters seconds to compile.
alias Cell = mat4x4<f32>;

fn finish_cell(cell: Cell, map: Affine) -> Cell {
  return Cell(finish(cell[0], map), finish(cell[1], map), finish(cell[2], map), finish(cell[3], map));
}

@if(norm)
fn residual(n: u32, row: u32, col: u32, q: u32) -> vec4<f32> {
  if params.shortcut == 1u {
    return load_quad(source[pixel(params.source, n, row, col) + q]);
  }
  return vec4<f32>();
}

// Stores a finished value, unless it is outside the rectangle. Coordinates are those of the output.
fn store(n: u32, row: u32, col: u32, q: u32, inside: bool, value: vec4<f32>) {
  if inside {
    var v = value;
    @if(norm) v += residual(n, row, col, q);
    @if(resample) {
      if params.shortcut == 1u {
        v += shuffled_quad(params.shuffle, params.source, n, row, col, q);
      }
    }
    y[pixel(params.y, n, row, col) + q] = store_quad(v);
  }
}

// Stores channel quad `q` of a cell whose first pixel is (row, col).
@if(!resample)
fn store_cell(n: u32, row: i32, col: i32, q: u32, cell: Cell) {
  let top = u32(row);
  let left = u32(col);
  let inside = q < params.out_quads;
  let inside_top = inside & (top < params.rows);
  let inside_bottom = inside & (top + 1u < params.rows);
  store(n, top, left, q, inside_top & (left < params.cols), cell[0]);
  store(n, top, left + 1u, q, inside_top & (left + 1u < params.cols), cell[1]);
  store(n, top + 1u, left, q, inside_bottom & (left < params.cols), cell[2]);
  store(n, top + 1u, left + 1u, q, inside_bottom & (left + 1u < params.cols), cell[3]);
}

// Resamples and stores channel quad `q` of a cell whose first pixel is (row, col).
@if(resample)
fn store_cell(n: u32, row: i32, col: i32, q: u32, cell: Cell) {
  var values = cell;
  if params.store == UNSHUFFLE {
    values = transpose(cell); // each channel of the cell becomes one quad of one pixel
  }
  for (var i = 0u; i < 4u; i++) {
    var out_row = u32(row) + i / 2u;
    var out_col = u32(col) + i % 2u;
    var out_quad = q;
    var inside = (out_row < params.rows) & (out_col < params.cols) & (q < params.out_quads);
    if params.store == UNSHUFFLE {
      out_row = u32(row) / 2u;
      out_col = u32(col) / 2u;
      out_quad = 4u * q + i;
      inside = inside & (out_quad < params.y.quads);
    } else if params.store == SHUFFLE {
      let phase = q / params.phase_quads;
      out_row = 2u * out_row + (phase >> 1u);
      out_col = 2u * out_col + (phase & 1u);
      out_quad = q % params.phase_quads;
    }
    store(n, out_row, out_col, out_quad, inside, values[0]);
    values = Cell(values[1], values[2], values[3], values[0]);
  }
}
