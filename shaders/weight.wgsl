// Four weights as they are stored: f32, or f16 packed in pairs, which every adapter can unpack.
@if(f16) alias Weight = vec2<u32>;
@else alias Weight = vec4<f32>;

@if(f16) fn load_weight(w: Weight) -> vec4<f32> {
  return vec4<f32>(unpack2x16float(w.x), unpack2x16float(w.y));
}
@else fn load_weight(w: Weight) -> vec4<f32> {
  return w;
}
