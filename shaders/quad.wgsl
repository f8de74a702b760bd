// Four channels of an activation as a kernel reads (`half_in`) and writes (`half_out`) them: f32 or f16. All arithmetic is f32.
@if(half_in) import package::half::unpack_half;
@if(half_out) import package::half::pack_half;

@if(half_in) alias Input = vec2<u32>;
@else alias Input = vec4<f32>;

@if(half_in) fn load_quad(v: Input) -> vec4<f32> {
  return unpack_half(v);
}
@else fn load_quad(v: Input) -> vec4<f32> {
  return v;
}

@if(half_out) alias Output = vec2<u32>;
@else alias Output = vec4<f32>;

@if(half_out) fn store_quad(v: vec4<f32>) -> Output {
  return pack_half(v);
}
@else fn store_quad(v: vec4<f32>) -> Output {
  return v;
}

// The same, for who reads channels one by one: a word holds WORD_CHANNELS of them.
@if(half_in) alias Word = u32;
@else alias Word = f32;

@if(half_in) const WORD_CHANNELS = 2u;
@else const WORD_CHANNELS = 1u;

@if(half_in) fn load_channel(word: Word, channel: u32) -> f32 {
  return unpack2x16float(word)[channel % WORD_CHANNELS];
}
@else fn load_channel(word: Word, channel: u32) -> f32 {
  return word;
}
