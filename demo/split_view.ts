/** The original and its reconstruction in one frame: a divider between them, and one zoom and pan for both. */
import { context2d, find } from './dom.ts';
import { fit, pan, settle, visible, zoom, type Extent, type Point, type ViewBox } from './view_box.ts';
import { Wipe } from './wipe.ts';

/** What is shown. */
export type Mode = 'original' | 'split' | 'reconstruction';

/** From this many device pixels for each pixel of the picture on, its pixels are shown as squares. */
const SQUARES = 4;
const ZOOM_STEP = 1.25;
const PAN_STEP = 60;
/** Pixels that the names beside the divider take. */
const TAG_ROOM = { left: 100, right: 150 };

/**
 * `<split-view>`; its parts are in index.html. Says `viewchange` when the zoom changes.
 *
 * While there is no reconstruction the original is shown in every mode.
 */
export class SplitView extends HTMLElement {
  #mode: Mode = 'split';
  /** The divider's place: the share of the visible picture that lies left of it. */
  #split = 0.5;
  #picture: Extent = { width: 1, height: 1 };
  #box: ViewBox = { scale: 1, x: 0, y: 0 };
  /** The whole picture is shown, and stays so when the window changes. */
  #fitted = true;
  #hasReconstruction = false;
  #pointers = new Map<number, Point>();
  #drag: 'divider' | 'pan' | 'pinch' | undefined;
  /** From the divider's line to the pointer: a drag moves the divider along, wherever it begins. */
  #hold = 0;
  #frame = 0;
  readonly #wipe = new Wipe(() => this.#paint());

  /** The picture as it is compared: on white, and made smaller where the device asks for it. */
  get original(): HTMLCanvasElement {
    return find('[data-layer="original"] canvas', HTMLCanvasElement, this);
  }

  get #reconstruction(): HTMLCanvasElement {
    return find('[data-layer="reconstruction"] canvas', HTMLCanvasElement, this);
  }

  get #viewport(): HTMLElement {
    return find('.viewport', HTMLElement, this);
  }

  get #divider(): HTMLElement {
    return find('.divider', HTMLElement, this);
  }

  get #extent(): Extent {
    return { width: this.clientWidth, height: this.clientHeight };
  }

  get #margin(): number {
    return this.clientWidth < 640 ? 0 : 24;
  }

  /** CSS pixels for each pixel of the picture. */
  get scale(): number {
    return this.#box.scale;
  }

  get mode(): Mode {
    return this.#mode;
  }

  set mode(mode: Mode) {
    this.#mode = mode;
    this.#wipe.stop();
    this.#draw();
  }

  connectedCallback(): void {
    new ResizeObserver(() => {
      if (this.#fitted) this.fit();
      else this.#move(settle(this.#box, this.#extent, this.#picture));
    }).observe(this);
    this.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    this.addEventListener('pointerdown', (event) => this.#pointerDown(event));
    this.addEventListener('pointermove', (event) => this.#pointerMove(event));
    for (const type of ['pointerup', 'pointercancel'] as const) {
      this.addEventListener(type, (event) => this.#pointerUp(event));
    }
    this.addEventListener('dblclick', (event) => this.#doubleClick(event));
    this.#viewport.addEventListener('keydown', (event) => this.#panKey(event));
    this.#divider.addEventListener('keydown', (event) => this.#dividerKey(event));
  }

  /** Shows a new picture, alone until it has a reconstruction. */
  showOriginal(picture: CanvasImageSource, width: number, height: number, title: string): void {
    const canvas = this.original;
    canvas.width = width;
    canvas.height = height;
    const context = context2d(canvas);
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = 'high';
    context.drawImage(picture, 0, 0, width, height);
    canvas.setAttribute('aria-label', `Original: ${title}`);
    this.#reconstruction.setAttribute('aria-label', `Reconstruction: ${title}`);
    const same = this.#picture.width === width && this.#picture.height === height;
    this.#picture = { width, height };
    this.style.setProperty('--ratio', String(width / height));
    this.#hasReconstruction = false;
    this.#wipe.stop();
    if (same) this.#draw();
    else this.fit();
  }

  /** Shows what became of the picture; it wipes in from the right. */
  showReconstruction(picture: ImageBitmap): void {
    const canvas = this.#reconstruction;
    canvas.width = picture.width;
    canvas.height = picture.height;
    context2d(canvas).drawImage(picture, 0, 0);
    this.#hasReconstruction = true;
    if (this.#mode === 'split') this.#wipe.start(this.#split);
    this.#draw();
  }

  /** The whole picture, as large as there is room. */
  fit(): void {
    this.#fitted = true;
    this.#move(fit(this.#extent, this.#picture, this.#margin));
  }

  /** Zooms by steps around the middle: positive in, negative out. */
  zoomBy(steps: number): void {
    const { width, height } = this.#extent;
    this.#zoomAt(ZOOM_STEP ** steps, { x: width / 2, y: height / 2 });
  }

  #zoomAt(factor: number, at: Point): void {
    const whole = fit(this.#extent, this.#picture, this.#margin).scale;
    const box = zoom(this.#box, factor, at, this.#extent, this.#picture, whole);
    this.#fitted = Math.abs(box.scale / whole - 1) < 1e-6;
    this.#move(box);
  }

  #move(box: ViewBox): void {
    const changed = box.scale !== this.#box.scale;
    this.#box = box;
    this.#draw();
    if (changed) this.dispatchEvent(new Event('viewchange'));
  }

  /** Whether some of the picture lies outside. */
  get #pannable(): boolean {
    const { width, height } = this.#extent;
    const { scale } = this.#box;
    return this.#picture.width * scale > width + 1 || this.#picture.height * scale > height + 1;
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    // A line is about 16 pixels; trackpads send a pinch as a wheel with Ctrl, in smaller steps.
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1);
    const factor = Math.exp(-Math.max(-160, Math.min(160, pixels)) * (event.ctrlKey ? 0.01 : 0.002));
    this.#zoomAt(factor, this.#pointOf(event));
  }

  #pointerDown(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.#wipe.stop();
    const point = this.#pointOf(event);
    this.#pointers.set(event.pointerId, point);
    this.setPointerCapture(event.pointerId);
    const onDivider = event.target instanceof Node && this.#divider.contains(event.target);
    const comparing = this.#hasReconstruction && this.#mode === 'split';
    if (this.#pointers.size > 1) this.#drag = 'pinch';
    else if (comparing && (onDivider || !this.#pannable)) this.#drag = 'divider';
    else this.#drag = 'pan';
    if (this.#drag === 'divider') this.#hold = point.x - this.#line;
    if (onDivider) this.#divider.focus({ preventScroll: true });
    this.dataset['drag'] = this.#drag;
  }

  #pointerMove(event: PointerEvent): void {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const point = this.#pointOf(event);
    if (this.#drag === 'pinch') {
      const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
      if (other) {
        const middle = { x: (point.x + other.x) / 2, y: (point.y + other.y) / 2 };
        const apart = (a: Point): number => Math.max(1, Math.hypot(a.x - other.x, a.y - other.y));
        this.#zoomAt(apart(point) / apart(before), middle);
        this.#move(pan(this.#box, (point.x - before.x) / 2, (point.y - before.y) / 2, this.#extent, this.#picture));
      }
    } else if (this.#drag === 'divider') {
      const { x, width } = visible(this.#box, this.#extent, this.#picture);
      this.#setSplit((point.x - this.#hold - x) / width);
    } else {
      this.#move(pan(this.#box, point.x - before.x, point.y - before.y, this.#extent, this.#picture));
    }
    this.#pointers.set(event.pointerId, point);
  }

  #pointerUp(event: PointerEvent): void {
    this.#pointers.delete(event.pointerId);
    if (this.#pointers.size === 0) {
      this.#drag = undefined;
      delete this.dataset['drag'];
    } else {
      this.#drag = 'pan'; // the finger that stays doesn't fling the divider
    }
  }

  #doubleClick(event: MouseEvent): void {
    if (event.target instanceof Node && this.#divider.contains(event.target)) {
      this.#setSplit(0.5);
    } else if (this.#fitted) {
      this.#zoomAt(Math.max(3, 2 / this.#box.scale), this.#pointOf(event));
    } else {
      this.fit();
    }
  }

  #panKey(event: KeyboardEvent): void {
    const step = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!step || !this.#pannable || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const [x = 0, y = 0] = step;
    this.#move(pan(this.#box, x * PAN_STEP, y * PAN_STEP, this.#extent, this.#picture));
  }

  #dividerKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? 0.1 : 0.02;
    const target = {
      ArrowLeft: this.#split - step,
      ArrowDown: this.#split - step,
      ArrowRight: this.#split + step,
      ArrowUp: this.#split + step,
      PageDown: this.#split - 0.1,
      PageUp: this.#split + 0.1,
      Home: 0,
      End: 1,
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    this.#wipe.stop();
    this.#setSplit(target);
  }

  #setSplit(split: number): void {
    this.#split = Math.min(1, Math.max(0, split));
    this.#draw();
  }

  /** The divider's line in the viewport. */
  get #line(): number {
    const { x, width } = visible(this.#box, this.#extent, this.#picture);
    return x + width * (this.#wipe.value ?? this.#split);
  }

  #draw(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#paint();
    });
  }

  #paint(): void {
    const { scale, x, y } = this.#box;
    const shown = this.#hasReconstruction ? this.#mode : 'original';
    this.dataset['shown'] = shown;
    this.toggleAttribute('data-pannable', this.#pannable);
    this.toggleAttribute('data-squares', scale * devicePixelRatio >= SQUARES);
    for (const canvas of [this.original, this.#reconstruction]) {
      canvas.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    }
    const line = this.#line;
    const seen = visible(this.#box, this.#extent, this.#picture);
    this.style.setProperty('--at', `${line}px`);
    this.style.setProperty('--top', `${seen.y}px`);
    this.style.setProperty('--height', `${seen.height}px`);
    this.toggleAttribute('data-room-left', line - seen.x > TAG_ROOM.left);
    this.toggleAttribute('data-room-right', seen.x + seen.width - line > TAG_ROOM.right);
    const percent = Math.round(this.#split * 100);
    this.#divider.setAttribute('aria-valuenow', String(percent));
    this.#divider.setAttribute('aria-valuetext', `${percent} % original, ${100 - percent} % reconstruction`);
  }

  #pointOf({ clientX, clientY }: MouseEvent): Point {
    const { left, top } = this.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }
}

customElements.define('split-view', SplitView);
