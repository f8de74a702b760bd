// Winograd's last pass: transforms products, [position in the tile][n][tile][channel], into pixels and applies the
// epilogue. A thread has one channel quad of one tile. With `norm`, a workgroup has all channels of a few tiles, and
// RMSNorm (arXiv 1910.07467) comes before the residual.
import package::conv_params::params;
import package::epilogue::{affine_of, finish, store_tile, MAX_SUMS};
import package::winograd::SIZE;

@if(norm) override WORKGROUP: u32 = 64u;
@else const WORKGROUP = 64u;

@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;

// A: the contribution of each position along a side to each output, in SIZE rows. transform_line multiplies it by one
// line of a tile.
@if(f4) const A = array<vec4<f32>, 6>(
  vec4<f32>(1.0, 0.0, 0.0, 0.0),
  vec4<f32>(1.0, 0.75, 0.5625, 0.421875),
  vec4<f32>(1.0, -0.75, 0.5625, -0.421875),
  vec4<f32>(1.0, 1.5, 2.25, 3.375),
  vec4<f32>(1.0, -1.5, 2.25, -3.375),
  vec4<f32>(0.0, 0.0, 0.0, 1.0),
);
@if(f2) const A = array<vec2<f32>, 4>(
  vec2<f32>(1.0, 0.0),
  vec2<f32>(1.0, 1.0),
  vec2<f32>(1.0, -1.0),
  vec2<f32>(0.0, -1.0),
);
@if(phases) const A = array<vec2<f32>, 3>(vec2<f32>(1.0, 0.0), vec2<f32>(1.0, 1.0), vec2<f32>(0.0, 1.0));

@if(f4) alias Outputs = mat4x4<f32>; // a column for each output along a side
@else alias Outputs = mat2x4<f32>;

@if(f4)
fn transform_line(first: u32, step: u32) -> Outputs {
  let m1 = x[first + step];
  let m2 = x[first + 2u * step];
  let m3 = x[first + 3u * step];
  let m4 = x[first + 4u * step];
  let p = m1 + m2;
  let q = m1 - m2;
  let r = m3 + m4;
  let s = m3 - m4;
  return Outputs(
    x[first] + p + r,
    0.75 * q + 1.5 * s,
    0.5625 * p + 2.25 * r,
    0.421875 * q + 3.375 * s + x[first + 5u * step],
  );
}
@if(f2)
fn transform_line(first: u32, step: u32) -> Outputs {
  let m1 = x[first + step];
  let m2 = x[first + 2u * step];
  return Outputs(x[first] + m1 + m2, m1 - m2 - x[first + 3u * step]);
}
@if(phases)
fn transform_line(first: u32, step: u32) -> Outputs {
  let m1 = x[first + step];
  return Outputs(x[first] + m1, m1 + x[first + 2u * step]);
}

@if(norm) @group(0) @binding(2) var<storage, read> norm: array<vec4<f32>>; // weight, then bias

const SEGMENT = 16u;
@if(norm) var<workgroup> squares: array<f32, 16u * WORKGROUP>; // [pixel of a tile][thread]
@if(norm) var<workgroup> segments: array<f32, WORKGROUP + 80u>; // [tile][segment of SEGMENT threads][pixel]
@if(norm) var<workgroup> scales: array<f32, 64>; // [tile][pixel]

// Finishes a tile's sums and normalises them. It adds in steps (segments of threads, then tiles), so no thread adds
// many numbers.
@if(norm)
fn normalise(thread: u32, quad: u32, sums: ptr<function, array<vec4<f32>, MAX_SUMS>>) {
  let map = affine_of(quad);
  for (var i = 0u; i < params.sums; i++) {
    let v = finish((*sums)[i], map);
    (*sums)[i] = v;
    squares[i * WORKGROUP + thread] = dot(v, v);
  }
  workgroupBarrier();
  let count = (params.out_quads + SEGMENT - 1u) / SEGMENT;
  for (var j = thread; j < params.sums * count * params.group_tiles; j += WORKGROUP) {
    let tile = j / (params.sums * count);
    let first = tile * params.out_quads + j / params.sums % count * SEGMENT;
    let end = min(first + SEGMENT, (tile + 1u) * params.out_quads);
    var sum = 0.0;
    for (var i = first; i < end; i++) {
      sum += squares[j % params.sums * WORKGROUP + i];
    }
    segments[j] = sum;
  }
  workgroupBarrier();
  for (var j = thread; j < params.sums * params.group_tiles; j += WORKGROUP) {
    let first = j / params.sums * params.sums * count + j % params.sums;
    var sum = 0.0;
    for (var i = 0u; i < count; i++) {
      sum += segments[first + i * params.sums];
    }
    scales[j] = inverseSqrt(sum / f32(params.norm_channels) + params.norm_eps);
  }
  workgroupBarrier();
  let bias = select(vec4<f32>(), norm[params.out_quads + quad], params.norm_biased == 1u);
  for (var i = 0u; i < params.sums; i++) {
    (*sums)[i] = fma((*sums)[i] * scales[thread / params.out_quads * params.sums + i], norm[quad], bias);
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  @if(norm) let own_col = group.x * params.group_tiles + thread / params.out_quads;
  @if(norm) let tile_col = min(own_col, params.x.width - 1u); // every thread reaches the barriers
  @else let tile_col = id.x / params.out_quads;
  @if(norm) let quad = thread % params.out_quads;
  @else let quad = id.x % params.out_quads;
  @if(!norm) {
    if tile_col >= params.x.width {
      return;
    }
  }
  let n = id.z;
  // from one position of a tile to the next
  let stride = params.batch * params.x.height * params.x.width * params.out_quads;
  var first = ((n * params.x.height + id.y) * params.x.width + tile_col) * params.out_quads + quad;
  var s0 = Outputs();
  var s1 = Outputs();
  @if(f4) var s2 = Outputs();
  @if(f4) var s3 = Outputs();
  // params.taps is SIZE. A constant would make lavapipe unroll the loop and compile for seconds.
  for (var i = 0u; i < params.taps; i++) {
    let line = transform_line(first, stride);
    let a = A[i];
    s0 += a.x * line;
    s1 += a.y * line;
    @if(f4) s2 += a.z * line;
    @if(f4) s3 += a.w * line;
    first += SIZE * stride;
  }
  var sums: array<vec4<f32>, MAX_SUMS>;
  @if(f4) {
    sums[0] = s0[0]; sums[1] = s0[1]; sums[2] = s0[2]; sums[3] = s0[3];
    sums[4] = s1[0]; sums[5] = s1[1]; sums[6] = s1[2]; sums[7] = s1[3];
    sums[8] = s2[0]; sums[9] = s2[1]; sums[10] = s2[2]; sums[11] = s2[3];
    sums[12] = s3[0]; sums[13] = s3[1]; sums[14] = s3[2]; sums[15] = s3[3];
  }
  @else {
    sums[0] = s0[0]; sums[1] = s0[1];
    sums[2] = s1[0]; sums[3] = s1[1];
  }
  @if(norm) {
    normalise(thread, quad, &sums);
    if own_col >= params.x.width {
      return;
    }
  }
  // x.y and x.x are the first tile's corner, relative to the rectangle's
  let row = params.x.y + i32(id.y * params.tile_cols);
  let col = params.x.x + i32(tile_col * params.tile_cols);
  store_tile(n, row, col, quad, &sums);
}
