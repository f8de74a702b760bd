// What follows a convolution's sums: bias or batch norm, an activation, a residual; with `resample`, a store that may shuffle pixels and a
// shortcut that may gather from anywhere. Those are a variant, not a branch: SwiftShader runs through every branch, taken or not.
import package::conv_params::params;
import package::view::pixel;
import package::activation::activate;
@if(resample) import package::gather::gather;

const SHUFFLE = 1u;
const UNSHUFFLE = 2u;
const MAX_SUMS = 32;

@if(!resample) @group(0) @binding(0) var<storage, read> source: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> affine: array<vec4<f32>>; // shifts, then scales; unread zeros where there are none
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;

fn finish(sum: vec4<f32>, q: u32) -> vec4<f32> {
  let quad = min(q, max(params.affine_quads, 1u) - 1u);
  let scale = select(vec4<f32>(1.0), affine[params.affine_quads + quad], params.scaled == 1u);
  return activate(params.activation, fma(sum, scale, affine[quad]));
}

@if(resample)
fn store(n: u32, row: u32, col: u32, q: u32, value: vec4<f32>) {
  var v = value;
  if params.shortcut == 1u {
    v += gather(params.gather, params.source, n, row, col, q);
  }
  y[pixel(params.y, n, row, col) + q] = v;
}
@else
fn store(n: u32, row: u32, col: u32, q: u32, value: vec4<f32>) {
  let shortcut = source[select(0u, pixel(params.source, n, row, col) + q, params.shortcut == 1u)];
  y[pixel(params.y, n, row, col) + q] = value + select(vec4<f32>(), shortcut, params.shortcut == 1u);
}

// Finishes (unless a `norm` has) and stores the tile whose corner is (row, col): `sums` has all its pixels' quad `quad`, then all its pixels' next quad. What lies
// outside the rectangle of rows and cols is left out; a pixel-unshuffle wants tiles of even sides. Looped: it runs once, and unrolled it
// takes drivers seconds to compile.
fn store_tile(n: u32, row: i32, col: i32, quad: u32, sums: ptr<function, array<vec4<f32>, MAX_SUMS>>) {
  @if(resample) {
    for (var i = 0u; i < params.sums; i++) {
      (*sums)[i] = finish((*sums)[i], quad + i / params.tile_pixels);
    }
  }
  for (var i = 0u; i < params.sums; i++) {
    let q = quad + i / params.tile_pixels;
    let place = i % params.tile_pixels;
    let y = u32(row + i32(place / params.tile_cols));
    let x = u32(col + i32(place % params.tile_cols));
    let inside = (y < params.rows) & (x < params.cols) & (q < params.out_quads);
    @if(!resample) {
      if inside {
        @if(norm) store(n, y, x, q, (*sums)[i]);
        @else store(n, y, x, q, finish((*sums)[i], q));
      }
    }
    @if(resample) {
      var out_row = y;
      var out_col = x;
      var out_quad = q;
      var stored = inside;
      var v = (*sums)[i];
      if params.store == UNSHUFFLE {
        // each channel of a 2x2 block of pixels becomes one quad of one pixel; this one takes the channel that its place in the block numbers
        let block = 2u * (y & 1u) + (x & 1u);
        let corner = i - (y & 1u) * params.tile_cols - (x & 1u);
        out_row = y / 2u;
        out_col = x / 2u;
        out_quad = 4u * q + block;
        stored = inside & (out_quad < params.y.quads);
        if inside {
          v = vec4<f32>(
            (*sums)[corner][block],
            (*sums)[corner + 1u][block],
            (*sums)[corner + params.tile_cols][block],
            (*sums)[corner + params.tile_cols + 1u][block],
          );
        }
      } else if params.store == SHUFFLE {
        let phase = q / params.phase_quads;
        out_row = 2u * y + (phase >> 1u);
        out_col = 2u * x + (phase & 1u);
        out_quad = q % params.phase_quads;
      }
      if stored {
        store(n, out_row, out_col, out_quad, v);
      }
    }
  }
}
