// diffusers' get_activation. The kind is a parameter of the dispatch, not a constant of the pipeline: it costs little
// beside the sums, and one pipeline replaces dozens. All kinds share one exponential, because SwiftShader executes
// every branch.
const RELU = 1u;
const SILU = 2u;
const GELU = 3u; // exact, by erf
const MISH = 4u;

fn silu(v: vec4<f32>) -> vec4<f32> {
  return v / (1.0 + exp(-v));
}

// erf(|u|) by Abramowitz & Stegun 7.1.26; `e` is exp(-u * u). Absolute error below 1.5e-7.
fn erf_of_size(size: vec4<f32>, e: vec4<f32>) -> vec4<f32> {
  let t = 1.0 / (1.0 + 0.3275911 * size);
  let poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return 1.0 - poly * e;
}

fn activate(kind: u32, v: vec4<f32>) -> vec4<f32> {
  var exponent = -v;
  if kind == GELU {
    exponent = -0.5 * v * v;
  } else if kind == MISH {
    exponent = min(v, vec4<f32>(30.0)); // above 30 the ratio below is 1, and m would overflow
  }
  let e = exp(exponent);
  switch kind {
    case RELU: { return max(v, vec4<f32>()); }
    case SILU: { return v / (1.0 + e); }
    case GELU: { return 0.5 * v * (1.0 + sign(v) * erf_of_size(abs(v) * 0.70710678118654752, e)); }
    case MISH: {
      // v * tanh(log(1 + e^v)) = v * m / (m + 2) with m = e^v (e^v + 2)
      let m = e * (e + 2.0);
      return v * (m / (m + 2.0));
    }
    default: { return v; }
  }
}
