/** Quality against size, as a plot that fills in as files are made. */
import { find, makeSvg } from '../dom.ts';
import type { Format } from '../measure/rivals.ts';
import { NAMES } from './ledger.ts';
import { shapeAt } from './markers.ts';

/** A file: bits per pixel, PSNR in dB. */
export interface RatePoint {
  readonly bpp: number;
  readonly psnr: number;
}

type Series = 'ours' | Format;

const SERIES: readonly Series[] = ['jpeg', 'webp', 'avif', 'ours'];
/** Of the drawing, in its own units; the edges leave room for numbers and names. */
const WIDTH = 320;
const HEIGHT = 168;
const EDGE = { left: 30, right: 40, top: 12, bottom: 30 };
const NAME_HEIGHT = 11;
/** The least that the axes span: octaves of bits per pixel, dB. */
const SPAN = { octaves: 2, decibels: 6 };

/** Draws in `#curve`. */
export class RatePlot {
  readonly #svg = find('#curve', SVGElement);
  readonly #points = new Map<Series, RatePoint[]>();
  #now: RatePoint | undefined;

  /** A new picture. */
  clear(): void {
    this.#points.clear();
    this.#now = undefined;
    this.#draw();
  }

  /** A file was made and measured. The last of ours is the one at hand. */
  add(series: Series, point: RatePoint): void {
    if (!Number.isFinite(point.psnr)) return;
    const points = (this.#points.get(series) ?? []).filter(({ bpp }) => bpp !== point.bpp);
    this.#points.set(
      series,
      [...points, point].sort((a, b) => a.bpp - b.bpp),
    );
    if (series === 'ours') this.#now = point;
    this.#draw();
  }

  #draw(): void {
    const all = [...this.#points.values()].flat();
    this.#svg.replaceChildren();
    this.#svg.setAttribute('aria-label', this.#inWords());
    if (all.length === 0) return;
    const [left, right] = range(
      all.map(({ bpp }) => Math.log2(bpp)),
      SPAN.octaves,
    );
    const [bottom, top] = range(
      all.map(({ psnr }) => psnr),
      SPAN.decibels,
    );
    const x = (bpp: number): number =>
      EDGE.left + ((Math.log2(bpp) - left) / (right - left)) * (WIDTH - EDGE.left - EDGE.right);
    const y = (psnr: number): number =>
      HEIGHT - EDGE.bottom - ((psnr - bottom) / (top - bottom)) * (HEIGHT - EDGE.top - EDGE.bottom);
    this.#axes(x, y, [left, right], [bottom, top]);
    for (const series of SERIES) this.#series(series, x, y);
    this.#names(x, y);
  }

  /** At the end of each line, moved apart where they would lie on one another. */
  #names(x: Scale, y: Scale): void {
    const names = SERIES.flatMap((series) => {
      const last = this.#points.get(series)?.at(-1);
      return last ? [{ series, x: x(last.bpp) + 12, y: y(last.psnr) + 3.5 }] : [];
    });
    names.sort((a, b) => a.y - b.y);
    let free = 0;
    for (const { series, x, y } of names) {
      const place = Math.max(y, free);
      free = place + NAME_HEIGHT;
      this.#svg.append(makeSvg('text', { class: `end ${series}`, x, y: place }, NAMES[series]));
    }
  }

  #axes(x: Scale, y: Scale, [left, right]: Range, [bottom, top]: Range): void {
    const base = HEIGHT - EDGE.bottom;
    const end = WIDTH - EDGE.right;
    const text = (content: string, at: object): SVGElement => makeSvg('text', { ...at }, content);
    for (let octave = Math.ceil(left); octave <= right; octave++) {
      const bpp = 2 ** octave;
      this.#svg.append(
        makeSvg('path', { class: 'grid', d: `M${x(bpp)} ${EDGE.top}V${base}` }),
        text(String(Number(bpp.toPrecision(2))), { x: x(bpp), y: base + 13, 'text-anchor': 'middle' }),
      );
    }
    const step = top - bottom > 12 ? 4 : 2;
    for (let psnr = Math.ceil(bottom / step) * step; psnr <= top; psnr += step) {
      this.#svg.append(
        makeSvg('path', { class: 'grid', d: `M${EDGE.left} ${y(psnr)}H${end}` }),
        text(String(psnr), { x: EDGE.left - 6, y: y(psnr) + 3.5, 'text-anchor': 'end' }),
      );
    }
    this.#svg.append(
      text('bits per pixel', { x: end, y: HEIGHT - 3, 'text-anchor': 'end' }),
      text('dB', { x: EDGE.left - 6, y: HEIGHT - 3, 'text-anchor': 'end' }),
    );
  }

  #series(series: Series, x: Scale, y: Scale): void {
    const points = this.#points.get(series) ?? [];
    const last = points.at(-1);
    if (!last) return;
    const line = points.map(({ bpp, psnr }) => `${x(bpp).toFixed(1)} ${y(psnr).toFixed(1)}`).join('L');
    this.#svg.append(makeSvg('path', { class: `line ${series}`, d: `M${line}` }));
    for (const { bpp, psnr } of points) this.#svg.append(shapeAt(series, x(bpp), y(psnr)));
    if (series === 'ours' && this.#now) {
      const { bpp, psnr } = this.#now;
      this.#svg.append(makeSvg('circle', { class: 'now', cx: x(bpp), cy: y(psnr), r: 8 }));
    }
  }

  #inWords(): string {
    if (!this.#now) return 'Quality against size: nothing yet';
    const lists = SERIES.flatMap((series) => {
      const points = this.#points.get(series) ?? [];
      const list = points.map(({ bpp, psnr }) => `${psnr.toFixed(1)} dB at ${bpp.toFixed(2)}`).join(', ');
      return list ? [`${NAMES[series]} ${list}`] : [];
    });
    return `PSNR against bits per pixel. ${lists.reverse().join('; ')}.`;
  }
}

type Scale = (value: number) => number;
type Range = readonly [number, number];

/** The least and the greatest with some room around them, at least `span` apart. */
function range(values: readonly number[], span: number): Range {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = Math.max(span, (high - low) * 1.25);
  return [(low + high - room) / 2, (low + high + room) / 2];
}
