/**
 * Probabilities in the logistic domain, where models are mixed, as in PAQ and lpaq by Matt Mahoney: x = ln(p / (1 -
 * p)), in 256ths. The tables are computed from 33 integers, so that they are the same on every machine.
 */

/** 65536 / (1 + e^-x), rounded, at x = -8, -7.5, … 8. */
const KNOTS = [
  22, 36, 60, 98, 162, 267, 439, 720, 1179, 1921, 3108, 4971, 7812, 11955, 17625, 24743, 32768, 40793, 47911, 53581,
  57724, 60565, 62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438, 65476, 65500, 65514,
];

/** Logistic arguments are clipped to ±RANGE. */
export const RANGE = 2047;

/**
 * The probability of each argument in 65536ths, indexed by argument + 2048. Between two knots it is a straight line.
 */
export const SQUASH = /* @__PURE__ */ Uint16Array.from({ length: 4096 }, (_, i) => {
  const knot = i >> 7;
  const along = i & 127;
  return ((KNOTS[knot] ?? 0) * (128 - along) + (KNOTS[knot + 1] ?? 0) * along + 64) >> 7;
});

/** The argument for each probability in 4096ths: the smallest whose probability is not lower. */
export const STRETCH = /* @__PURE__ */ inverse();

function inverse(): Int16Array {
  const table = new Int16Array(4096);
  let argument = -RANGE;
  for (let p = 0; p < table.length; p++) {
    while (argument < RANGE && (SQUASH[argument + 2048] ?? 0) < 16 * p + 8) argument++;
    table[p] = argument;
  }
  return table;
}
