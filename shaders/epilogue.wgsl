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
const MAX_SUMS = 32;

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

// Finishes the sums, unless a norm has done so, and stores the tile whose corner is (row, col). `sums` has quad `quad`
// of all its pixels, then the next quad of all its pixels. Pixels outside rows and cols are skipped. A pixel-unshuffle
// needs tiles of even sides. The loop is not unrolled: that would take drivers seconds to compile.
fn store_tile(n: u32, row: i32, col: i32, quad: u32, sums: ptr<function, array<vec4<f32>, MAX_SUMS>>) {
  for (var first = 0u; first < params.sums; first += params.tile_pixels) {
    let q = quad + first / params.tile_pixels;
    let map = affine_of(q);
    @if(resample) {
      for (var i = first; i < first + params.tile_pixels; i++) {
        (*sums)[i] = finish((*sums)[i], map);
      }
    }
    for (var i = 0u; i < params.tile_pixels; i++) {
      let y_row = u32(row + i32(i / params.tile_cols));
      let y_col = u32(col + i32(i % params.tile_cols));
      let inside = (y_row < params.rows) & (y_col < params.cols) & (q < params.out_quads);
      @if(resample) {
        store(n, y_row, y_col, q, first + i, inside, sums);
      }
      @else {
        if inside {
          let index = pixel(params.y, n, y_row, y_col) + q;
          @if(norm) y[index] = store_quad((*sums)[first + i] + residual(n, y_row, y_col, q));
          @else y[index] = store_quad(finish((*sums)[first + i], map));
        }
      }
    }
  }
}

@if(norm)
fn residual(n: u32, row: u32, col: u32, q: u32) -> vec4<f32> {
  if params.shortcut == 1u {
    return load_quad(source[pixel(params.source, n, row, col) + q]);
  }
  return vec4<f32>();
}

// Stores the i-th of the finished sums, which belongs to quad q of pixel (row, col).
@if(resample)
fn store(n: u32, row: u32, col: u32, q: u32, i: u32, inside: bool, sums: ptr<function, array<vec4<f32>, MAX_SUMS>>) {
  var out_row = row;
  var out_col = col;
  var out_quad = q;
  var stored = inside;
  var v = (*sums)[i];
  if params.store == UNSHUFFLE {
    // Each channel of a 2x2 block of pixels becomes one quad of one pixel. This pixel takes the channel of its own
    // phase.
    let phase = 2u * (row & 1u) + (col & 1u);
    let corner = i - (row & 1u) * params.tile_cols - (col & 1u);
    out_row = row / 2u;
    out_col = col / 2u;
    out_quad = 4u * q + phase;
    stored = inside & (out_quad < params.y.quads);
    if inside {
      v = vec4<f32>(
        (*sums)[corner][phase],
        (*sums)[corner + 1u][phase],
        (*sums)[corner + params.tile_cols][phase],
        (*sums)[corner + params.tile_cols + 1u][phase],
      );
    }
  } else if params.store == SHUFFLE {
    let phase = q / params.phase_quads;
    out_row = 2u * row + (phase >> 1u);
    out_col = 2u * col + (phase & 1u);
    out_quad = q % params.phase_quads;
  }
  if stored {
    if params.shortcut == 1u {
      v += shuffled_quad(params.shuffle, params.source, n, out_row, out_col, out_quad);
    }
    y[pixel(params.y, n, out_row, out_col) + out_quad] = store_quad(v);
  }
}
