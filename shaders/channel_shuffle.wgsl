import package::view::{View, pixel};
import package::quad::{Input, load_quad};

// One operation for the resampling shortcuts of DC-AE (arXiv 2410.10733, section 3.2), the plain residual and
// resampling alone: out[o] = mean over j < group of in[(o' / repeats) * group + j]. With `shuffle`, o' is the source
// channel of o in a pixel-shuffle; otherwise o' = o. `unshuffle` and `nearest` resample `in` first. Coordinates count
// from the rectangle's corner, an even pixel.
struct ChannelShuffle {
  repeats: u32, // each source channel serves this many consecutive outputs
  group: u32, // consecutive source channels averaged
  shuffle: u32, // 1: the source has half the size and four times the channels
  unshuffle: u32, // 1: the source has twice the size and a quarter of the channels
  nearest: u32, // 1: the source has half the size
  plain: u32, // 1: none of these: output and source have one shape
  channels: u32, // channels of the output
  reserved0: u32,
}

@group(0) @binding(0) var<storage, read> source: array<Input>;

fn shuffled_channel(g: ChannelShuffle, view: View, n: u32, y: u32, x: u32, o: u32) -> f32 {
  var v = o;
  var sy = y;
  var sx = x;
  if g.shuffle == 1u {
    v = 4u * o + 2u * (y & 1u) + (x & 1u);
  }
  if g.shuffle == 1u || g.nearest == 1u {
    sy = y >> 1u;
    sx = x >> 1u;
  }
  v = (v / g.repeats) * g.group;
  var sum = 0.0;
  for (var j = 0u; j < g.group; j++) {
    var c = v + j;
    var cy = sy;
    var cx = sx;
    if g.unshuffle == 1u {
      cy = 2u * sy + ((c >> 1u) & 1u);
      cx = 2u * sx + (c & 1u);
      c = c >> 2u;
    }
    sum += load_quad(source[pixel(view, n, cy, cx) + (c >> 2u)])[c & 3u];
  }
  return sum / f32(g.group);
}

// Quad `q` of output pixel (y, x); channels past the last are zero.
fn shuffled_quad(g: ChannelShuffle, view: View, n: u32, y: u32, x: u32, q: u32) -> vec4<f32> {
  if g.plain == 1u {
    return load_quad(source[pixel(view, n, y, x) + q]);
  }
  var v = vec4<f32>();
  for (var i = 0u; i < 4u; i++) {
    if 4u * q + i < g.channels {
      v[i] = shuffled_channel(g, view, n, y, x, 4u * q + i);
    }
  }
  return v;
}
