/** The largest pictures that a device takes. */
import type { Context } from './context.ts';

/** A picture is made smaller on a software adapter, so that it takes seconds and not minutes. */
const MAX_SOFTWARE_PIXELS = 512 * 512;
/**
 * The largest canvases of Chrome, Edge and Firefox; Safari on phones and tablets has less. Sides are rounded, which the
 * margin allows for.
 */
const MAX_CANVAS = { maxPixels: 2 ** 28 - 2 ** 15, maxSide: 16384 };
const MAX_TOUCH_WEBKIT_PIXELS = 2 ** 24 - 2 ** 13;

/** Returns the largest picture that this device takes. */
export function pictureLimits({ store }: Context): { readonly maxPixels: number; readonly maxSide: number } {
  if (store.state.adapter?.software) return { ...MAX_CANVAS, maxPixels: MAX_SOFTWARE_PIXELS };
  const isTouchWebkit = 'GestureEvent' in window && navigator.maxTouchPoints > 1;
  return isTouchWebkit ? { ...MAX_CANVAS, maxPixels: MAX_TOUCH_WEBKIT_PIXELS } : MAX_CANVAS;
}
