/** The plot of quality against size. */
import type { Context } from '../actions/context.ts';
import { find, makeSvg } from '../dom.ts';
import type { Format } from '../picture/types.ts';
import type { Picture, RatePoint } from '../state/state.ts';
import { watch } from '../state/store.ts';
import { NAMES, shapeAt } from './markers.ts';

type PlotSeries = 'neural' | Format;
type Scale = (value: number) => number;
type Range = readonly [number, number];

const SERIES: readonly PlotSeries[] = ['jpeg', 'webp', 'avif', 'neural'];
/** The drawing's size in its own units; the edges have space for numbers and names. */
const WIDTH = 320;
const HEIGHT = 168;
const EDGE = { left: 30, right: 40, top: 12, bottom: 30 };
const NAME_HEIGHT = 11;
/** The least that the axes span: octaves of bits per pixel, dB. */
const SPAN = { octaves: 2, decibels: 6 };

/** Draws the curves of the picture at hand. */
export function ratePlot({ store }: Context): void {
  const svg = find('#curve', SVGElement);
  watch(
    store,
    ({ picture }) => [picture],
    (picture) => {
      find('.curve', HTMLElement).hidden = picture?.kind === 'file';
      svg.replaceChildren(...(picture ? drawing(picture) : []));
      svg.setAttribute('aria-label', inWords(picture));
    },
  );
}

function drawing(picture: Picture): SVGElement[] {
  const { curve } = picture;
  const all = Object.values(curve).flat();
  if (all.length === 0) return [];
  const across = range(
    all.map(({ bpp }) => Math.log2(bpp)),
    SPAN.octaves,
  );
  const up = range(
    all.map(({ psnr }) => psnr),
    SPAN.decibels,
  );
  const x: Scale = (bpp) =>
    EDGE.left + ((Math.log2(bpp) - across[0]) / (across[1] - across[0])) * (WIDTH - EDGE.left - EDGE.right);
  const y: Scale = (psnr) =>
    HEIGHT - EDGE.bottom - ((psnr - up[0]) / (up[1] - up[0])) * (HEIGHT - EDGE.top - EDGE.bottom);
  return [
    ...axes(x, y, across, up),
    ...SERIES.flatMap((series) => line(series, curve[series] ?? [], x, y)),
    ...pointAtHand(picture, x, y),
    ...names(curve, x, y),
  ];
}

function axes(x: Scale, y: Scale, [left, right]: Range, [bottom, top]: Range): SVGElement[] {
  const base = HEIGHT - EDGE.bottom;
  const end = WIDTH - EDGE.right;
  const text = (content: string, at: object): SVGElement => makeSvg('text', { ...at }, content);
  const drawn: SVGElement[] = [];
  for (let octave = Math.ceil(left); octave <= right; octave++) {
    const bpp = 2 ** octave;
    drawn.push(
      makeSvg('path', { class: 'grid', d: `M${x(bpp)} ${EDGE.top}V${base}` }),
      text(String(Number(bpp.toPrecision(2))), { x: x(bpp), y: base + 13, 'text-anchor': 'middle' }),
    );
  }
  const step = top - bottom > 12 ? 4 : 2;
  for (let psnr = Math.ceil(bottom / step) * step; psnr <= top; psnr += step) {
    drawn.push(
      makeSvg('path', { class: 'grid', d: `M${EDGE.left} ${y(psnr)}H${end}` }),
      text(String(psnr), { x: EDGE.left - 6, y: y(psnr) + 3.5, 'text-anchor': 'end' }),
    );
  }
  drawn.push(
    text('bits per pixel', { x: end, y: HEIGHT - 3, 'text-anchor': 'end' }),
    text('dB', { x: EDGE.left - 6, y: HEIGHT - 3, 'text-anchor': 'end' }),
  );
  return drawn;
}

function line(series: PlotSeries, points: readonly RatePoint[], x: Scale, y: Scale): SVGElement[] {
  if (points.length === 0) return [];
  const corners = points.map(({ bpp, psnr }) => `${x(bpp).toFixed(1)} ${y(psnr).toFixed(1)}`).join('L');
  const path = makeSvg('path', { class: `line ${series}`, d: `M${corners}` });
  return [path, ...points.map(({ bpp, psnr }) => shapeAt(series, x(bpp), y(psnr)))];
}

/** Circles the file at hand. */
function pointAtHand({ file, likeness }: Picture, x: Scale, y: Scale): SVGElement[] {
  if (!file || !likeness || !Number.isFinite(likeness.psnr)) return [];
  return [makeSvg('circle', { class: 'now', cx: x(file.bitsPerPixel), cy: y(likeness.psnr), r: 8 })];
}

/** Names each line at its end; names that would overlap are moved apart. */
function names(curve: Picture['curve'], x: Scale, y: Scale): SVGElement[] {
  const places = SERIES.flatMap((series) => {
    const last = curve[series]?.at(-1);
    return last ? [{ series, x: x(last.bpp) + 12, y: y(last.psnr) + 3.5 }] : [];
  });
  places.sort((a, b) => a.y - b.y);
  let free = 0;
  return places.map(({ series, x: left, y: wanted }) => {
    const top = Math.max(wanted, free);
    free = top + NAME_HEIGHT;
    return makeSvg('text', { class: `end ${series}`, x: left, y: top }, NAMES[series]);
  });
}

function inWords(picture: Picture | undefined): string {
  if (!picture?.likeness) return 'Quality against size: not measured yet';
  const lists = SERIES.flatMap((series) => {
    const points = picture.curve[series] ?? [];
    const list = points.map(({ bpp, psnr }) => `${psnr.toFixed(1)} dB at ${bpp.toFixed(2)}`).join(', ');
    return list ? [`${NAMES[series]} ${list}`] : [];
  });
  return `PSNR against bits per pixel. ${lists.reverse().join('; ')}.`;
}

/** Returns the least and the greatest value with a margin, at least `span` apart. */
function range(values: readonly number[], span: number): Range {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const length = Math.max(span, (high - low) * 1.25);
  return [(low + high - length) / 2, (low + high + length) / 2];
}
