/** Several pictures of one subject in one frame: a divider between two of them, and one zoom and pan for all. */
import { context2d, find } from '../dom.ts';
import { Gestures, type Surface } from './gestures.ts';
import { fit, pan, settle, visible, zoom, type Extent, type Point, type ViewBox } from './view_box.ts';
import { Wipe } from './wipe.ts';

/** The shown picture: the left one, both, the neural one, their difference, or the bits of each block. */
export type Mode = 'left' | 'split' | 'neural' | 'difference' | 'bits';

/** The pictures that lie on top of one another. `original` and `other` share the left side. */
export type Layer = 'original' | 'other' | 'neural' | 'difference' | 'bits';

const LAYERS: readonly Layer[] = ['original', 'other', 'neural', 'difference', 'bits'];

/** Device pixels per pixel of the picture from which its pixels are shown as squares, unless the user chose. */
const SQUARES = 4;
const ZOOM_STEP = 1.25;
const PAN_STEP = 60;
/** The width that a name beside the divider needs, in units of the text size. */
const TAG_WIDTH_REM = 9;

/**
 * `<split-view>`, whose elements are in index.html. It fires `viewchange` when the zoom or the shown picture changes.
 *
 * A mode whose pictures are missing shows the nearest mode that has its pictures.
 */
export class SplitView extends HTMLElement {
  #mode: Mode = 'split';
  #left: 'original' | 'other' = 'original';
  #squares: boolean | undefined;
  /** The share of the visible picture that lies left of the divider. */
  #split = 0.5;
  #picture: Extent = { width: 1, height: 1 };
  #box: ViewBox = { scale: 1, x: 0, y: 0 };
  /** The whole picture is shown, and stays whole when the window changes. */
  #fitted = true;
  readonly #filled = new Set<Layer>();
  #frame = 0;
  readonly #wipe = new Wipe(() => this.#paint());

  /** CSS pixels for each pixel of the picture. */
  get scale(): number {
    return this.#box.scale;
  }

  /** Whether less than the whole picture is shown. */
  get zoomed(): boolean {
    return !this.#fitted;
  }

  get mode(): Mode {
    return this.#mode;
  }

  set mode(mode: Mode) {
    this.#mode = mode;
    this.#wipe.stop();
    this.#changed();
  }

  /** The mode that is really shown: `mode`, or the nearest one that has its pictures. */
  get shown(): Mode {
    const has = (layer: Layer): boolean => this.#filled.has(layer);
    const left = has('original') || has('other');
    const possible = {
      left,
      split: left && has('neural'),
      neural: has('neural'),
      difference: has('difference'),
      bits: has('bits'),
    };
    if (possible[this.#mode]) return this.#mode;
    if (possible.split && this.#mode !== 'left') return 'split';
    return left ? 'left' : 'neural';
  }

  /** Chooses the picture on the left. */
  set left(side: 'original' | 'other') {
    this.#left = side;
    this.#changed();
  }

  /** Whether pixels are shown as squares; without a choice, once they are large. */
  get squares(): boolean {
    return this.#squares ?? this.#box.scale * devicePixelRatio >= SQUARES;
  }

  set squares(squares: boolean) {
    this.#squares = squares;
    this.#changed();
  }

  connectedCallback(): void {
    new ResizeObserver(() => {
      if (this.#fitted) this.fit();
      else this.#move(settle(this.#box, this.#extent, this.#picture));
    }).observe(this);
    new Gestures(this, this.#divider, this.#surface());
    this.addEventListener('pointerdown', () => this.#wipe.stop());
    this.#viewport.addEventListener('keydown', (event) => this.#panKey(event));
    this.#divider.addEventListener('keydown', (event) => this.#dividerKey(event));
  }

  /** Begins with a picture of this size, without any of its layers. */
  begin(width: number, height: number): void {
    const same = this.#picture.width === width && this.#picture.height === height;
    this.#picture = { width, height };
    this.style.setProperty('--ratio', String(width / height));
    this.#filled.clear();
    this.#wipe.stop();
    if (same) this.#draw();
    else this.fit();
  }

  /** Draws a layer. The first neural picture wipes in from the right. */
  show(layer: Layer, picture: ImageBitmap, label: string): void {
    const canvas = this.canvas(layer);
    canvas.width = picture.width;
    canvas.height = picture.height;
    const context = context2d(canvas);
    context.drawImage(picture, 0, 0);
    canvas.setAttribute('aria-label', label);
    const first = !this.#filled.has(layer);
    this.#filled.add(layer);
    if (first && layer === 'neural' && this.shown === 'split') this.#wipe.start(this.#split);
    this.#changed();
  }

  /** Removes a layer. */
  clear(layer: Layer): void {
    if (this.#filled.delete(layer)) this.#changed();
  }

  /** Whether a layer is drawn. */
  holds(layer: Layer): boolean {
    return this.#filled.has(layer);
  }

  /** The canvas of a layer. */
  canvas(layer: Layer): HTMLCanvasElement {
    return find(`[data-layer="${layer}"] canvas`, HTMLCanvasElement, this);
  }

  /** Shows the whole picture, as large as fits. */
  fit(): void {
    this.#fitted = true;
    this.#move(fit(this.#extent, this.#picture, this.#margin));
  }

  /** Zooms by steps around the middle: positive in, negative out. */
  zoomBy(steps: number): void {
    const { width, height } = this.#extent;
    this.#zoomAt(ZOOM_STEP ** steps, { x: width / 2, y: height / 2 });
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
    return Math.min(this.clientWidth, this.clientHeight) < 480 ? 0 : 24;
  }

  get #pannable(): boolean {
    const { width, height } = this.#extent;
    const { scale } = this.#box;
    return this.#picture.width * scale > width + 1 || this.#picture.height * scale > height + 1;
  }

  /** The divider's x in the viewport. */
  get #line(): number {
    const { x, width } = visible(this.#box, this.#extent, this.#picture);
    return x + width * (this.#wipe.value ?? this.#split);
  }

  #surface(): Surface {
    return {
      pannable: () => this.#pannable,
      comparing: () => this.shown === 'split',
      line: () => this.#line,
      zoomAt: (factor: number, at: Point) => this.#zoomAt(factor, at),
      panBy: (dx: number, dy: number) => this.#move(pan(this.#box, dx, dy, this.#extent, this.#picture)),
      divideAt: (x: number) => {
        const seen = visible(this.#box, this.#extent, this.#picture);
        this.#setSplit((x - seen.x) / seen.width);
      },
      centreDivider: () => this.#setSplit(0.5),
      toggleZoom: (at: Point) => {
        if (this.#fitted) this.#zoomAt(Math.max(3, 2 / this.#box.scale), at);
        else this.fit();
      },
    };
  }

  #zoomAt(factor: number, at: Point): void {
    const whole = fit(this.#extent, this.#picture, this.#margin).scale;
    const box = zoom(this.#box, factor, at, this.#extent, this.#picture, whole);
    this.#fitted = Math.abs(box.scale / whole - 1) < 1e-6;
    this.#move(box);
  }

  #move(box: ViewBox): void {
    const zoomed = box.scale !== this.#box.scale;
    this.#box = box;
    if (zoomed) this.#changed();
    else this.#draw();
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

  #changed(): void {
    this.#draw();
    this.dispatchEvent(new Event('viewchange'));
  }

  #draw(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#paint();
    });
  }

  /** The part of the frame in which a layer is visible. */
  #placeOf(layer: Layer): 'left' | 'right' | 'whole' | undefined {
    const { shown } = this;
    if (layer === shown) return 'whole';
    if (layer === 'neural') return shown === 'split' ? 'right' : undefined;
    const left = this.#filled.has(this.#left) ? this.#left : 'original';
    if (layer !== left) return undefined;
    if (shown === 'split') return 'left';
    return shown === 'left' ? 'whole' : undefined;
  }

  #paint(): void {
    const { scale, x, y } = this.#box;
    const { width, height } = this.#picture;
    this.dataset['shown'] = this.shown;
    this.toggleAttribute('data-pannable', this.#pannable);
    this.toggleAttribute('data-squares', this.squares);
    for (const layer of LAYERS) {
      const canvas = this.canvas(layer);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
      canvas.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
      const holder = canvas.parentElement;
      const place = this.#filled.has(layer) ? this.#placeOf(layer) : undefined;
      if (place) holder?.setAttribute('data-place', place);
      else holder?.removeAttribute('data-place');
    }
    const line = this.#line;
    const seen = visible(this.#box, this.#extent, this.#picture);
    this.style.setProperty('--at', `${line}px`);
    this.style.setProperty('--top', `${seen.y}px`);
    this.style.setProperty('--height', `${seen.height}px`);
    const tagWidth = TAG_WIDTH_REM * parseFloat(getComputedStyle(document.documentElement).fontSize);
    this.toggleAttribute('data-room-left', line - seen.x > tagWidth);
    this.toggleAttribute('data-room-right', seen.x + seen.width - line > tagWidth);
    const percent = Math.round(this.#split * 100);
    this.#divider.setAttribute('aria-valuenow', String(percent));
    this.#divider.setAttribute('aria-valuetext', `${percent} % left, ${100 - percent} % reconstruction`);
  }
}

customElements.define('split-view', SplitView);
