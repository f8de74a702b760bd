/** A name and a shape for each codec, so that the table and the plot can be read together, and without colour. */
import { makeSvg } from '../dom.ts';
import type { Format } from '../picture/types.ts';

/** The pictures that are compared. `neural` is the picture of the `.dcae` file. */
export type Series = 'neural' | 'original' | Format;

/** The names that the page shows. */
export const NAMES: Readonly<Record<Series, string>> = {
  neural: '.dcae',
  original: 'Original',
  jpeg: 'JPEG',
  webp: 'WebP',
  avif: 'AVIF',
};

const SHAPES: Readonly<Record<Series, string>> = {
  neural: 'M0-4a4 4 0 1 0 0 8a4 4 0 1 0 0-8z',
  jpeg: 'M-3.3-3.3h6.6v6.6h-6.6z',
  webp: 'M0-4.2 4 3.4h-8z',
  avif: 'M0-4.6 4.6 0 0 4.6-4.6 0z',
  original: '',
};

/** Draws the shape of a codec around a point of the plot. */
export function shapeAt(series: Series, x: number, y: number): SVGElement {
  return makeSvg('path', { class: `mark ${series}`, d: SHAPES[series], transform: `translate(${x} ${y})` });
}

/** Draws the shape of a codec as a small picture. */
export function marker(series: Series): SVGElement {
  return makeSvg('svg', { class: 'marker', viewBox: '-6 -6 12 12', 'aria-hidden': 'true' }, shapeAt(series, 0, 0));
}
