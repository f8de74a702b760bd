// One multi-scale branch over qkv (SanaMultiscaleAttentionProjection): a depthwise k x k convolution, then a 1x1
// convolution within each group of channels (one head's q, k or v). A thread computes one quad of four neighbouring
// pixels of a row. Between the two convolutions, the quads of a group lie in workgroup memory.
import package::view::{View, pixel};
import package::quad::{Output, store_quad};
import package::weight::{Weight, load_weight};
import package::taps::convolve;

const WORKGROUP = 64u;

struct Params {
  x: View,
  y: View,
  rows: u32, // pixel rows
  cols: u32, // pixel columns
  taps: u32, // kernel height = kernel width
  group_quads: u32, // channels of a group / 4, at most WORKGROUP
}

@group(0) @binding(2) var<storage, read> matrix: array<Weight>; // [channel out / 4][channel in of the group][4]
@group(0) @binding(3) var<storage, read_write> y: array<Output>;
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> near: array<vec4<f32>, 4 * WORKGROUP>; // [pixel of four][thread]

fn put(n: u32, row: u32, col: u32, q: u32, value: vec4<f32>) {
  if col < params.cols {
    y[pixel(params.y, n, row, col) + q] = store_quad(value);
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) id: vec3<u32>) {
  let quads = params.group_quads;
  let slots = WORKGROUP / quads; // fours of pixels in a workgroup
  let slot = lane / quads;
  let q = id.x * quads + lane % quads;
  let fours = (params.cols + 3u) / 4u; // of a row
  let four = id.y * slots + slot;
  let row = four / fours;
  let col = 4u * (four % fours);
  let used = (slot < slots) & (row < params.rows);
  if used {
    let v = convolve(params.x, id.z, row, col, q, params.taps, vec4<f32>());
    near[lane] = v[0];
    near[WORKGROUP + lane] = v[1];
    near[2u * WORKGROUP + lane] = v[2];
    near[3u * WORKGROUP + lane] = v[3];
  }
  workgroupBarrier();
  if !used {
    return;
  }
  var s0 = vec4<f32>();
  var s1 = vec4<f32>();
  var s2 = vec4<f32>();
  var s3 = vec4<f32>();
  var w = 4u * q * quads;
  for (var i = slot * quads; i < (slot + 1u) * quads; i++) {
    let m = mat4x4<f32>(
      load_weight(matrix[w]),
      load_weight(matrix[w + 1u]),
      load_weight(matrix[w + 2u]),
      load_weight(matrix[w + 3u]),
    );
    s0 += m * near[i];
    s1 += m * near[WORKGROUP + i];
    s2 += m * near[2u * WORKGROUP + i];
    s3 += m * near[3u * WORKGROUP + i];
    w += 4u;
  }
  put(id.z, row, col, q, s0);
  put(id.z, row, col + 1u, q, s1);
  put(id.z, row, col + 2u, q, s2);
  put(id.z, row, col + 3u, q, s3);
}
