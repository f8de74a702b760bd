// Four stored weights: f32 or f16.
@if(f16) import package::f16::unpack_f16;

@if(f16) alias Weight = vec2<u32>;
@else alias Weight = vec4<f32>;

@if(f16) fn load_weight(w: Weight) -> vec4<f32> {
  return unpack_f16(w);
}
@else fn load_weight(w: Weight) -> vec4<f32> {
  return w;
}
