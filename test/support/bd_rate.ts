// The Bjøntegaard delta rate (ITU-T VCEG-M33) with monotone interpolation.

/** A point of a rate–distortion curve. */
export interface RatePoint {
  /** Bits or bytes, in one unit for both curves. */
  readonly rate: number;
  /** PSNR in dB. */
  readonly psnr: number;
}

/** Steps of the integral. */
const STEPS = 200;

/**
 * The average difference of rate at equal PSNR: −0.2 if `a` takes 20 % less than `b`. Averages the logarithm of the
 * rate over the range of PSNR that both curves cover.
 *
 * @returns the difference and the range in dB; undefined if the curves have less than 0.5 dB in common
 */
export function bdRate(
  a: readonly RatePoint[],
  b: readonly RatePoint[],
): { readonly difference: number; readonly from: number; readonly to: number } | undefined {
  const [curveA, curveB] = [logRate(a), logRate(b)];
  const from = Math.max(curveA.from, curveB.from);
  const to = Math.min(curveA.to, curveB.to);
  if (!(to - from >= 0.5)) return undefined;
  let sum = 0;
  for (let i = 0; i < STEPS; i++) {
    const psnr = from + ((i + 0.5) / STEPS) * (to - from);
    sum += curveA.at(psnr) - curveB.at(psnr);
  }
  return { difference: Math.exp(sum / STEPS) - 1, from, to };
}

/** The logarithm of the rate over PSNR, interpolated by monotone cubics (Fritsch and Butland 1984). */
function logRate(points: readonly RatePoint[]): { from: number; to: number; at: (psnr: number) => number } {
  // Only points that cost more and give more than all before: a curve that turns back has no inverse.
  const rising: RatePoint[] = [];
  for (const point of [...points].sort((p, q) => p.rate - q.rate)) {
    if (point.psnr > (rising.at(-1)?.psnr ?? -Infinity)) rising.push(point);
  }
  const x = rising.map(({ psnr }) => psnr);
  const y = rising.map(({ rate }) => Math.log(rate));
  const slopes = x.slice(1).map((next, i) => (y[i + 1]! - y[i]!) / (next - x[i]!));
  const tangents = x.map((_, i) => {
    const [before, after] = [slopes[i - 1], slopes[i]];
    if (before === undefined || after === undefined) return before ?? after ?? 0;
    return before * after <= 0 ? 0 : (2 * before * after) / (before + after);
  });
  const at = (psnr: number): number => {
    const i = Math.max(0, Math.min(x.length - 2, x.filter((value) => value <= psnr).length - 1));
    const width = x[i + 1]! - x[i]!;
    const t = (psnr - x[i]!) / width;
    const [t2, t3] = [t * t, t * t * t];
    return (
      (2 * t3 - 3 * t2 + 1) * y[i]! +
      (t3 - 2 * t2 + t) * width * tangents[i]! +
      (3 * t2 - 2 * t3) * y[i + 1]! +
      (t3 - t2) * width * tangents[i + 1]!
    );
  };
  return { from: x[0] ?? Infinity, to: x.at(-1) ?? -Infinity, at };
}
