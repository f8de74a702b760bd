/** Where a picture lies in its viewport: zoom and pan as arithmetic. All lengths in CSS pixels. */

/** Width and height. */
export interface Extent {
  readonly width: number;
  readonly height: number;
}

/** A place in the viewport. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A picture's top left corner in the viewport, and how many CSS pixels each of its pixels takes. */
export interface ViewBox extends Point {
  readonly scale: number;
}

/** The largest zoom factor. */
const MAX_SCALE = 32;
/** A small picture isn't blown up further than this to fill the viewport. */
const MAX_FIT = 3;

/** The whole picture, as large as the viewport allows, in its middle. */
export function fit(viewport: Extent, picture: Extent, margin: number): ViewBox {
  const width = Math.max(1, viewport.width - 2 * margin);
  const height = Math.max(1, viewport.height - 2 * margin);
  const scale = Math.min(width / picture.width, height / picture.height, MAX_FIT);
  return settle({ scale, x: 0, y: 0 }, viewport, picture);
}

/** The box zoomed by `factor` with the point `at` staying where it is; not smaller than `least` or 1:1. */
export function zoom(
  box: ViewBox,
  factor: number,
  at: Point,
  viewport: Extent,
  picture: Extent,
  least: number,
): ViewBox {
  const scale = Math.min(MAX_SCALE, Math.max(Math.min(least, 1), box.scale * factor));
  const ratio = scale / box.scale;
  return settle({ scale, x: at.x - (at.x - box.x) * ratio, y: at.y - (at.y - box.y) * ratio }, viewport, picture);
}

/** The box moved. */
export function pan(box: ViewBox, dx: number, dy: number, viewport: Extent, picture: Extent): ViewBox {
  return settle({ scale: box.scale, x: box.x + dx, y: box.y + dy }, viewport, picture);
}

/** Centred where the picture is smaller than the viewport, without gaps where it is larger. */
export function settle(box: ViewBox, viewport: Extent, picture: Extent): ViewBox {
  const along = (start: number, size: number, room: number): number =>
    size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, start));
  return {
    scale: box.scale,
    x: along(box.x, picture.width * box.scale, viewport.width),
    y: along(box.y, picture.height * box.scale, viewport.height),
  };
}

/** The visible part of the picture, in viewport coordinates. */
export function visible(box: ViewBox, viewport: Extent, picture: Extent): Extent & Point {
  const x = Math.max(0, box.x);
  const y = Math.max(0, box.y);
  const right = Math.min(viewport.width, box.x + picture.width * box.scale);
  const bottom = Math.min(viewport.height, box.y + picture.height * box.scale);
  return { x, y, width: Math.max(0, right - x), height: Math.max(0, bottom - y) };
}
