// Four numbers as f16, packed in pairs. This works on every adapter, without shader-f16. Values beyond f16's range
// become its largest number, never infinity.
fn unpack_f16(v: vec2<u32>) -> vec4<f32> {
  return vec4<f32>(unpack2x16float(v.x), unpack2x16float(v.y));
}

fn pack_f16(v: vec4<f32>) -> vec2<u32> {
  let finite = clamp(v, vec4<f32>(-65504.0), vec4<f32>(65504.0));
  return vec2<u32>(pack2x16float(finite.xy), pack2x16float(finite.zw));
}
