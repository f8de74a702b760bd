import type { Tensor } from './tensor.ts';

/** A rectangle of an image's pixels, at some resolution. */
export interface Rect {
  readonly y: number;
  readonly x: number;
  readonly height: number;
  readonly width: number;
}

/** The rectangle of the image that a tensor holds. */
export function rectOf({ origin: { y, x }, height, width }: Tensor): Rect {
  return { y, x, height, width };
}

/** A rectangle at another resolution. A rectangle that shrinks must lie on whole pixels. */
export function scaled({ y, x, height, width }: Rect, factor: number): Rect {
  return { y: y * factor, x: x * factor, height: height * factor, width: width * factor };
}

/** A rectangle with a margin around it. */
export function expanded({ y, x, height, width }: Rect, by: number): Rect {
  return { y: y - by, x: x - by, height: height + 2 * by, width: width + 2 * by };
}

/** The smallest rectangle that holds both. */
export function union(a: Rect, b: Rect): Rect {
  const y = Math.min(a.y, b.y);
  const x = Math.min(a.x, b.x);
  return {
    y,
    x,
    height: Math.max(a.y + a.height, b.y + b.height) - y,
    width: Math.max(a.x + a.width, b.x + b.width) - x,
  };
}

/** The intersection of two rectangles; its sides are 0 if they do not overlap. */
export function intersection(a: Rect, b: Rect): Rect {
  const y = Math.max(a.y, b.y);
  const x = Math.max(a.x, b.x);
  return {
    y,
    x,
    height: Math.max(0, Math.min(a.y + a.height, b.y + b.height) - y),
    width: Math.max(0, Math.min(a.x + a.width, b.x + b.width) - x),
  };
}

/** Whether `outer` contains all of `inner`. */
export function contains(outer: Rect, inner: Rect): boolean {
  const { y, x, height, width } = intersection(outer, inner);
  return y === inner.y && x === inner.x && height === inner.height && width === inner.width;
}

/** The same rectangle, its corners moved out to multiples of `step`. */
export function aligned({ y, x, height, width }: Rect, step: number): Rect {
  const top = Math.floor(y / step) * step;
  const left = Math.floor(x / step) * step;
  return {
    y: top,
    x: left,
    height: Math.ceil((y + height) / step) * step - top,
    width: Math.ceil((x + width) / step) * step - left,
  };
}
