// The taps of a depthwise k x k convolution for four neighbouring pixels of a row, which share their reads.
import package::view::{View, stored_pixel};
import package::quad::{Input, load_quad};
import package::weight::{Weight, load_weight};

@group(0) @binding(0) var<storage, read> x: array<Input>;
@group(0) @binding(1) var<storage, read> weight: array<Weight>; // [tap][channel]

// Returns quad `q` of pixels (row, col) to (row, col + 3), plus `start`.
fn convolve(view: View, n: u32, row: u32, col: u32, q: u32, taps: u32, start: vec4<f32>) -> array<vec4<f32>, 4> {
  let outside = arrayLength(&x) - view.quads;
  let left = i32(col) + view.x;
  var s0 = start;
  var s1 = start;
  var s2 = start;
  var s3 = start;
  var w = q;
  for (var dy = 0u; dy < taps; dy++) {
    let y = i32(row + dy) + view.y;
    var v0 = load_quad(x[stored_pixel(view, n, y, left, outside) + q]);
    var v1 = load_quad(x[stored_pixel(view, n, y, left + 1, outside) + q]);
    var v2 = load_quad(x[stored_pixel(view, n, y, left + 2, outside) + q]);
    for (var dx = 0u; dx < taps; dx++) {
      let v3 = load_quad(x[stored_pixel(view, n, y, left + 3 + i32(dx), outside) + q]);
      let tap = load_weight(weight[w]);
      s0 = fma(v0, tap, s0);
      s1 = fma(v1, tap, s1);
      s2 = fma(v2, tap, s2);
      s3 = fma(v3, tap, s3);
      v0 = v1;
      v1 = v2;
      v2 = v3;
      w += view.quads;
    }
  }
  return array<vec4<f32>, 4>(s0, s1, s2, s3);
}
