// Four channels of an activation, stored in f32, or in f16 with `f16_in` for inputs and `f16_out` for outputs. All
// arithmetic is f32.
@if(f16_in) import package::f16::unpack_f16;
@if(f16_out) import package::f16::pack_f16;

@if(f16_in) alias Input = vec2<u32>;
@else alias Input = vec4<f32>;

@if(f16_in) fn load_quad(v: Input) -> vec4<f32> {
  return unpack_f16(v);
}
@else fn load_quad(v: Input) -> vec4<f32> {
  return v;
}

@if(f16_out) alias Output = vec2<u32>;
@else alias Output = vec4<f32>;

@if(f16_out) fn store_quad(v: vec4<f32>) -> Output {
  return pack_f16(v);
}
@else fn store_quad(v: vec4<f32>) -> Output {
  return v;
}

// The same for kernels that read single channels. A word holds WORD_CHANNELS of them.
@if(f16_in) alias Word = u32;
@else alias Word = f32;

@if(f16_in) const WORD_CHANNELS = 2u;
@else const WORD_CHANNELS = 1u;

@if(f16_in) fn load_channel(word: Word, channel: u32) -> f32 {
  return unpack2x16float(word)[channel % WORD_CHANNELS];
}
@else fn load_channel(word: Word, channel: u32) -> f32 {
  return word;
}
