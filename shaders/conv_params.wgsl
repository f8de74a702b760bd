// The params of every pass of a dense convolution. A pass reads only those that it needs.
import package::view::View;
import package::channel_shuffle::ChannelShuffle;

struct Params {
  x: View,
  source: View, // of the shortcut
  y: View,
  shuffle: ChannelShuffle,
  rows: u32, // pixel rows before the store resamples them; rows of Winograd tiles in Winograd's first passes
  cols: u32, // the same for columns
  taps: u32, // kernel height = kernel width; in Winograd's last pass, positions along a side of the tile
  stride: u32, // input pixels from one output pixel to the next
  upsample: u32, // 1: read x through a nearest x2 upsampling; x.y and x.x then count upsampled pixels
  in_quads: u32, // input channels / 4, rounded up
  out_quads: u32, // output channels / 4, rounded up, before the store resamples them
  first_tile: u32, // this weight slice's first tile
  matrix_tile: u32, // in Winograd's weight pass, the tile of the result that first_tile becomes
  lanes: u32, // lanes side by side along channels; a weight tile has 8 channels for each
  batch: u32, // images; times positions of a Winograd tile in Winograd's multiplications
  images: u32, // entries of the batch that share one matrix: all in a convolution, 1/36 of them for F(4x4, 3x3)
  tile_cols: u32, // columns of a lane's tile of pixels
  cells: u32, // cells of 2 x 2 pixels in a lane's tile, from left to right and from top to bottom
  phase_quads: u32, // pixel-shuffle: quads of one of the four phases
  store: u32, // 0 plain, 1 pixel-shuffle, 2 pixel-unshuffle
  activation: u32, // see activation.wgsl; 0: none
  affine_quads: u32, // 0: no affine
  scaled: u32, // 1: scales follow the affine's shifts (batch norm); 0: it is a bias
  shortcut: u32, // 1: add the source through `shuffle`
  group_tiles: u32, // with RMSNorm in Winograd's last pass: tiles of a workgroup
  norm_channels: u32, // channels that are normalised
  norm_biased: u32, // 1: the norm has a bias
  norm_eps: f32, // added to the mean square
}

@group(0) @binding(5) var<uniform> params: Params;
