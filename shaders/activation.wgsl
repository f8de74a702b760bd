// diffusers' get_activation. The kind is a parameter of the dispatch rather than a constant of the pipeline, like all that an epilogue
// does once for each result: it costs nothing beside the sums, and one pipeline serves where dozens would have to be compiled.
const RELU = 1u;
const SILU = 2u;
const GELU = 3u; // exact, by erf
const MISH = 4u;

// erf by Abramowitz & Stegun 7.1.26; absolute error below 1.5e-7.
fn erf(v: vec4<f32>) -> vec4<f32> {
  let t = 1.0 / (1.0 + 0.3275911 * abs(v));
  let poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return sign(v) * (1.0 - poly * exp(-v * v));
}

fn silu(v: vec4<f32>) -> vec4<f32> {
  return v / (1.0 + exp(-v));
}

fn activate(kind: u32, v: vec4<f32>) -> vec4<f32> {
  switch kind {
    case RELU: { return max(v, vec4<f32>()); }
    case SILU: { return silu(v); }
    case GELU: { return 0.5 * v * (1.0 + erf(v * 0.70710678118654752)); }
    case MISH: {
      // v * tanh(log(1 + e^v)) = v * m / (m + 2) with m = e^v (e^v + 2); the clamp keeps m finite where the ratio is 1 anyway
      let e = exp(min(v, vec4<f32>(30.0)));
      let m = e * (e + 2.0);
      return v * (m / (m + 2.0));
    }
    default: { return v; }
  }
}
