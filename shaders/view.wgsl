// A stored activation [N, height, width, quads]: vec4s of channels, padded with zeros to a multiple of four. An op
// computes a rectangle of its output; (y, x) is the position of the rectangle's pixel (0, 0) in the stored extents.
// Pixels outside the extents are zero. A buffer of activations ends in zeros as long as its widest pixel. They stand
// for all pixels outside, so inner loops read without a branch.
struct View {
  height: u32, // stored rows
  width: u32, // stored columns
  quads: u32, // stored channels / 4
  quad: u32, // first channel quad of the slice in use
  y: i32, // row of the op's pixel (0, 0)
  x: i32, // column of the op's pixel (0, 0)
  reserved0: u32,
  reserved1: u32,
}

// Index of the first quad of pixel (y, x), counted from the stored corner; `outside` if the pixel is outside the
// extents.
fn stored_pixel(view: View, n: u32, y: i32, x: i32, outside: u32) -> u32 {
  // As u32, negative coordinates are too large. `&`, not `&&`, whose branch makes SwiftShader compile a loop with eight
  // of these for half a minute.
  let inside = (u32(y) < view.height) & (u32(x) < view.width);
  let index = ((n * view.height + u32(y)) * view.width + u32(x)) * view.quads + view.quad;
  return select(outside, index, inside);
}

// Index of the first quad of the op's own pixel (y, x), which must lie inside.
fn pixel(view: View, n: u32, y: u32, x: u32) -> u32 {
  return ((n * view.height + u32(i32(y) + view.y)) * view.width + u32(i32(x) + view.x)) * view.quads + view.quad;
}
