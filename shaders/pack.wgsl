// Packs weights from the checkpoint's order, row by row, into the order of the kernels: [tile of rows][tap][column][row
// in the tile]. Rows are output channels and columns input channels. Each group of channels is padded with zeros to
// whole quads. The rows of a pixel-shuffling convolution are sorted by phase. A thread writes all taps of four rows at
// a few columns, so its reads are adjacent.
@if(f16) import package::f16::pack_f16;

const WORKGROUP = 64u;
override PLAIN: u32 = 0u; // 1: one phase and one padded group; avoids divisions, which are most of the work
override DTYPE: u32 = 0u; // of raw: 0 f32, 1 f16, 2 bf16, 3 f64

struct Params {
  threads: u32, // of all tiles; a tile has (blocks of columns) * tile_quads
  first_tile: u32, // first tile, as an index in the whole weight
  first_quad: u32, // first tile, as an index in `packed`
  tile_quads: u32, // rows of a tile / 4
  taps: u32, // kernel height * kernel width
  block: u32, // columns that a thread writes
  columns: u32, // input channels
  column_group: u32, // input channels that are padded together
  padded_columns: u32, // input channels with padding, all groups
  rows: u32, // output channels of one phase
  row_group: u32, // output channels that are padded together
  padded_rows: u32, // output channels of one phase with padding, all groups
  phases: u32, // 4: row 4 r + p belongs to phase p; otherwise 1
  row_base: u32, // the row that row 0 of this tensor becomes (several tensors may make one weight)
  window_first: u32, // first row of the tensor in `raw`
  window_rows: u32, // number of rows in `raw`
}

@group(0) @binding(0) var<storage, read> raw: array<u32>; // [row of the window][column][tap]
@if(f16) @group(0) @binding(1) var<storage, read_write> packed: array<vec2<u32>>;
@else @group(0) @binding(1) var<storage, read_write> packed: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

fn from_f64(low: u32, high: u32) -> f32 {
  let exponent = i32((high >> 20u) & 0x7ffu) - 896;
  let sign = high & 0x80000000u;
  if exponent <= 0 {
    return bitcast<f32>(sign);
  }
  if exponent >= 255 {
    return bitcast<f32>(sign | 0x7f800000u);
  }
  let bits = (u32(exponent) << 23u) | ((high & 0xfffffu) << 3u) | (low >> 29u);
  let rest = low & 0x1fffffffu;
  let up = rest > 0x10000000u || (rest == 0x10000000u && (bits & 1u) == 1u);
  return bitcast<f32>(sign | (bits + u32(up)));
}

fn element(i: u32) -> f32 {
  switch DTYPE {
    case 1u: { return unpack2x16float(raw[i >> 1u])[i & 1u]; }
    case 2u: { return bitcast<f32>(select(raw[i >> 1u] << 16u, raw[i >> 1u] & 0xffff0000u, (i & 1u) == 1u)); }
    case 3u: { return from_f64(raw[2u * i], raw[2u * i + 1u]); }
    default: { return bitcast<f32>(raw[i]); }
  }
}

// The channel that a padded channel stands for, or -1 for padding.
fn channel(padded: u32, group: u32, channels: u32) -> i32 {
  if PLAIN == 1u {
    return select(-1, i32(padded), padded < channels);
  }
  let stride = (group + 3u) / 4u * 4u;
  let c = padded / stride * group + padded % stride;
  return select(-1, i32(c), padded % stride < group && c < channels);
}

// The row of the window that a padded row of the weight stands for, or -1.
fn source_row(padded: u32) -> i32 {
  var phase = 0u;
  var padded_channel = padded;
  if PLAIN == 0u {
    phase = padded / params.padded_rows;
    padded_channel = padded % params.padded_rows;
  }
  let row = channel(padded_channel, params.row_group, params.rows);
  let source = row * i32(params.phases) + i32(phase) - i32(params.row_base + params.window_first);
  return select(-1, source, row >= 0 && phase < params.phases && source < i32(params.window_rows));
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if index >= params.threads {
    return;
  }
  let blocks = (params.padded_columns + params.block - 1u) / params.block;
  let block_index = index / params.tile_quads;
  let row_quad = index - block_index * params.tile_quads;
  let tile = block_index / blocks;
  let first_column = (block_index - tile * blocks) * params.block;
  let last_column = min(first_column + params.block, params.padded_columns);
  let first_row = ((params.first_tile + tile) * params.tile_quads + row_quad) * 4u;

  var rows: array<i32, 4>;
  for (var i = 0u; i < 4u; i++) {
    rows[i] = source_row(first_row + i);
  }
  if rows[0] < 0 {
    return; // padding, or rows of another window; a window never divides the rows of a quad
  }
  let step = params.padded_columns * params.tile_quads;
  let first_quad = params.first_quad + tile * params.taps * step + row_quad;
  for (var padded_column = first_column; padded_column < last_column; padded_column++) {
    let column = channel(padded_column, params.column_group, params.columns);
    var target_quad = first_quad + padded_column * params.tile_quads;
    for (var tap = 0u; tap < params.taps; tap++) {
      var v = vec4<f32>();
      for (var i = 0u; i < 4u; i++) {
        if rows[i] >= 0 && column >= 0 {
          v[i] = element((u32(rows[i]) * params.columns + u32(column)) * params.taps + tap);
        }
      }
      @if(f16) packed[target_quad] = pack_f16(v);
      @else packed[target_quad] = v;
      target_quad += step;
    }
  }
}
