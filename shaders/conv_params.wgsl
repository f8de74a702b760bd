// What every pass of a dense convolution is told. A pass leaves unread what it has no use for.
import package::view::View;
import package::channel_shuffle::ChannelShuffle;

struct Params {
  x: View,
  source: View,
  y: View,
  shuffle: ChannelShuffle,
  rows: u32, // pixels of the convolution, before the store resamples them; tiles, for Winograd's first passes
  cols: u32,
  taps: u32, // kernel height = kernel width; in Winograd's last pass, places along a side of the tile
  stride: u32,
  upsample: u32, // 1: read x through a nearest x2 upsampling; x.y and x.x then count upsampled pixels
  in_quads: u32,
  out_quads: u32, // output channels / 4, rounded up, before the store resamples them
  first_tile: u32, // this weight slice's first tile
  matrix_tile: u32, // Winograd's weights: where their first tile goes
  lanes: u32, // lanes side by side along channels; a weight tile is 8 channels for each
  batch: u32,
  images: u32, // matrices of a weight tile are one for this many of the batch: all for a convolution, 1/36 of them for F(4x4, 3x3)
  tile_cols: u32, // of the 16 pixels of a lane's tile: 4 or 16
  tile_pixels: u32, // pixels in the sums that a store gets ...
  sums: u32, // ... and their quads; in params, since lavapipe would unroll a loop of known length and take ten seconds over it
  phase_quads: u32, // pixel-shuffle: quads of one of the four phases
  store: u32, // 0 plain, 1 pixel-shuffle, 2 pixel-unshuffle
  activation: u32,
  affine_quads: u32, // 0: no affine
  scaled: u32, // 1: scales follow the affine's shifts (batch norm); 0: it is a bias
  shortcut: u32, // 1: add the gathered source
  group_tiles: u32, // RMSNorm in Winograd's last pass: tiles in a workgroup,
  norm_channels: u32,
  norm_biased: u32,
  norm_eps: f32,
}

@group(0) @binding(5) var<uniform> params: Params;
