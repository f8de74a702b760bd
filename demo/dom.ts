/** The one element below `root` that a selector names, of the class that it must have. */
export function find<T extends Element>(selector: string, type: new () => T, root: ParentNode = document): T {
  const element = root.querySelector(selector);
  if (element instanceof type) return element;
  throw new TypeError(`index.html should have a ${type.name} at ${selector}`);
}

/** A canvas's 2D context. */
export function context2d(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d');
  if (!context) throw new TypeError('This browser gave no 2D canvas.');
  return context;
}

/** Whether the reader asked for little motion. */
export function wantsStillness(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

/** Hides an element; the focus, if it was in there, goes to the picture. */
export function hide(element: HTMLElement): void {
  const focused = element.contains(document.activeElement);
  element.hidden = true;
  if (focused) find('.viewport', HTMLElement).focus({ preventScroll: true });
}
