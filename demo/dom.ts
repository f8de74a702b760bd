/** The one element below `root` that a selector names, of the class that it must have. */
export function find<T extends Element>(selector: string, type: new () => T, root: ParentNode = document): T {
  const element = root.querySelector(selector);
  if (element instanceof type) return element;
  throw new TypeError(`index.html should have a ${type.name} at ${selector}`);
}

/** A new element with properties and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A new SVG element with attributes and children. */
export function makeSvg(
  tag: string,
  attributes: Readonly<Record<string, string | number>> = {},
  ...children: readonly (Node | string)[]
): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** Puts a text in the element that a selector names. */
export function setText(selector: string, value: string): void {
  find(selector, HTMLElement).textContent = value;
}

/** Lets a button do something. */
export function onPress(selector: string, action: () => void): HTMLButtonElement {
  const button = find(selector, HTMLButtonElement);
  button.addEventListener('click', action);
  return button;
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
