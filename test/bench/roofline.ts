import type { Report } from './bench.ts';

const WIDTH = 880;
const HEIGHT = 520;
const LEFT = 70;
const RIGHT = 250;
const TOP = 40;
const BOTTOM = 60;

/** Every power of ten in a range. */
function decades(low: number, high: number): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  return Array.from({ length: Math.floor(Math.log10(high) + 1e-9) - first + 1 }, (_, i) => 10 ** (first + i));
}

const escape = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

/**
 * A report as a roofline picture (Williams et al. 2009): FLOPs per byte that the plan moves against FLOP/s, both
 * counted with the direct algorithm, under the copy bandwidth and the multiply-add peak measured in the same run.
 */
export function roofline({ adapter, rows }: Report): string {
  const peak = Math.max(...rows.map((row) => row.peak));
  const copy = Math.max(...rows.map((row) => row.copyBandwidth));
  const counted = rows.filter(({ gflop }) => gflop > 0); // norms count as none
  const points = counted.map((row) => ({
    name: `${row.name} ${row.dtype}`,
    x: (1e9 * row.gflop) / row.bytes,
    y: row.rate,
  }));
  const xs = [...points.map(({ x }) => x), peak / copy];
  const ys = [...points.map(({ y }) => y), peak];
  const [x0, x1] = [Math.min(...xs) / 3, Math.max(...xs) * 3];
  const [y0, y1] = [Math.min(...ys) / 3, Math.max(...ys) * 2];
  const along = (value: number, low: number, high: number): number => Math.log(value / low) / Math.log(high / low);
  const px = (x: number): number => LEFT + along(x, x0, x1) * (WIDTH - LEFT - RIGHT);
  const py = (y: number): number => HEIGHT - BOTTOM - along(y, y0, y1) * (HEIGHT - TOP - BOTTOM);
  const at = (x: number, y: number): string => `${px(x).toFixed(1)},${py(y).toFixed(1)}`;
  const text = (x: number, y: number, words: string, anchor = 'start'): string =>
    `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escape(words)}</text>`;
  const grid = [
    ...decades(x0, x1).flatMap((x) => [
      `<path class="grid" d="M${at(x, y0)} L${at(x, y1)}"/>`,
      text(px(x), HEIGHT - BOTTOM + 18, String(x), 'middle'),
    ]),
    ...decades(y0, y1).flatMap((y) => [
      `<path class="grid" d="M${at(x0, y)} L${at(x1, y)}"/>`,
      text(LEFT - 8, py(y) + 4, String(y), 'end'),
    ]),
  ];
  const slopeFrom = Math.max(x0, y0 / copy);
  const roof = `<path class="roof" d="M${at(slopeFrom, slopeFrom * copy)} L${at(peak / copy, peak)} L${at(x1, peak)}"/>`;
  const marks = points.flatMap(({ name, x, y }, i) => [
    `<circle cx="${px(x).toFixed(1)}" cy="${py(y).toFixed(1)}" r="9"/>`,
    `<text class="mark" x="${px(x).toFixed(1)}" y="${(py(y) + 4).toFixed(1)}" text-anchor="middle">${i + 1}</text>`,
    text(WIDTH - RIGHT + 14, TOP + 12 + 18 * i, `${i + 1}  ${name}`),
  ]);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12">
<style>svg { background: #fff } .grid { stroke: #ddd } .roof { stroke: #222; fill: none; stroke-width: 2 } circle { fill: #1565c0 } .mark { fill: #fff; font-size: 10px }</style>
${text(LEFT, 22, `${adapter}: ${peak.toFixed(0)} GFLOP/s, ${copy.toFixed(1)} GB/s`)}
${grid.join('\n')}
${roof}
${marks.join('\n')}
${text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, 'FLOP per byte that the plan moves', 'middle')}
<text transform="translate(18 ${(HEIGHT / 2).toFixed(0)}) rotate(-90)" text-anchor="middle">effective GFLOP/s</text>
</svg>
`;
}
