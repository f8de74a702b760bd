/** Pointers, wheel and fingers on the picture, as zoom, pan and a moved divider. */
import type { Point } from './view_box.ts';

/** The target of gestures. Lengths are in CSS pixels, positions relative to the element. */
export interface Surface {
  /** Some of the picture lies outside, so that a drag moves it. */
  pannable(): boolean;
  /** There is a divider to be dragged. */
  comparing(): boolean;
  /** Where the divider's line is. */
  line(): number;
  zoomAt(factor: number, at: Point): void;
  panBy(dx: number, dy: number): void;
  /** Moves the divider's line. */
  divideAt(x: number): void;
  centreDivider(): void;
  /** Between the whole picture and a close look. */
  toggleZoom(at: Point): void;
}

/** Listens to an element on a surface's behalf. */
export class Gestures {
  readonly #element: HTMLElement;
  readonly #divider: HTMLElement;
  readonly #surface: Surface;
  readonly #pointers = new Map<number, Point>();
  #drag: 'divider' | 'pan' | 'pinch' | undefined;
  /** From the divider's line to the pointer: a drag moves the divider along, wherever it begins. */
  #hold = 0;

  constructor(element: HTMLElement, divider: HTMLElement, surface: Surface) {
    this.#element = element;
    this.#divider = divider;
    this.#surface = surface;
    element.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    element.addEventListener('pointerdown', (event) => this.#down(event));
    element.addEventListener('pointermove', (event) => this.#move(event));
    for (const type of ['pointerup', 'pointercancel'] as const) {
      element.addEventListener(type, (event) => this.#up(event));
    }
    element.addEventListener('dblclick', (event) => {
      if (this.#onDivider(event)) surface.centreDivider();
      else surface.toggleZoom(this.#pointOf(event));
    });
  }

  #wheel(event: WheelEvent): void {
    // Over a whole picture, the wheel scrolls the page.
    if (!event.ctrlKey && !event.metaKey && !this.#surface.pannable()) return;
    event.preventDefault();
    // A line is about 16 pixels; trackpads send a pinch as a wheel with Ctrl, in smaller steps.
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1);
    const factor = Math.exp(-Math.max(-160, Math.min(160, pixels)) * (event.ctrlKey ? 0.01 : 0.002));
    this.#surface.zoomAt(factor, this.#pointOf(event));
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0) return;
    const point = this.#pointOf(event);
    this.#pointers.set(event.pointerId, point);
    this.#element.setPointerCapture(event.pointerId);
    const surface = this.#surface;
    if (this.#pointers.size > 1) this.#drag = 'pinch';
    else if (surface.comparing() && (this.#onDivider(event) || !surface.pannable())) this.#drag = 'divider';
    else this.#drag = 'pan';
    if (this.#drag === 'divider') this.#hold = point.x - surface.line();
    if (this.#onDivider(event)) this.#divider.focus({ preventScroll: true });
    this.#element.dataset['drag'] = this.#drag;
  }

  #move(event: PointerEvent): void {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const point = this.#pointOf(event);
    if (this.#drag === 'pinch') this.#pinch(event.pointerId, before, point);
    else if (this.#drag === 'divider') this.#surface.divideAt(point.x - this.#hold);
    else this.#surface.panBy(point.x - before.x, point.y - before.y);
    this.#pointers.set(event.pointerId, point);
  }

  #pinch(id: number, before: Point, point: Point): void {
    const other = [...this.#pointers].find(([each]) => each !== id)?.[1];
    if (!other) return;
    const middle = { x: (point.x + other.x) / 2, y: (point.y + other.y) / 2 };
    const apart = (a: Point): number => Math.max(1, Math.hypot(a.x - other.x, a.y - other.y));
    this.#surface.zoomAt(apart(point) / apart(before), middle);
    this.#surface.panBy((point.x - before.x) / 2, (point.y - before.y) / 2);
  }

  #up(event: PointerEvent): void {
    this.#pointers.delete(event.pointerId);
    if (this.#pointers.size === 0) {
      this.#drag = undefined;
      delete this.#element.dataset['drag'];
    } else {
      this.#drag = 'pan'; // the finger that stays doesn't fling the divider
    }
  }

  #onDivider({ target }: Event): boolean {
    return target instanceof Node && this.#divider.contains(target);
  }

  #pointOf({ clientX, clientY }: MouseEvent): Point {
    const { left, top } = this.#element.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }
}
