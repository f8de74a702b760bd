/** The controls around the picture: what is shown, how large, and which picture; and the keys for them. */
import { find } from './dom.ts';
import { samples, thumbUrl, type Sample } from './samples.ts';
import type { Mode, SplitView } from './split_view.ts';

const MODES: readonly Mode[] = ['original', 'split', 'reconstruction'];

/** Binds the controls to the view. */
export class Toolbar {
  readonly #view: SplitView;
  readonly #thumbs = new Map<string, HTMLButtonElement>();

  /** @param open - shows the sample that was chosen */
  constructor(view: SplitView, open: (sample: Sample) => void) {
    this.#view = view;
    for (const mode of MODES) {
      this.#radio(mode).addEventListener('change', () => (view.mode = mode));
    }
    const zoomed = find('#zoom', HTMLElement);
    view.addEventListener('viewchange', () => (zoomed.textContent = `${Math.round(view.scale * 100)} %`));
    this.#press('#zoom-in', () => view.zoomBy(1));
    this.#press('#zoom-out', () => view.zoomBy(-1));
    this.#press('#fit', () => view.fit());
    document.addEventListener('keydown', (event) => this.#key(event));

    const list = find('#samples', HTMLElement);
    for (const sample of samples) {
      const image = new Image(64, 64);
      image.src = thumbUrl(sample).href;
      image.alt = sample.title;
      image.draggable = false;
      const button = document.createElement('button');
      button.type = 'button';
      button.title = sample.title;
      button.append(image);
      button.addEventListener('click', () => open(sample));
      const item = document.createElement('li');
      item.append(button);
      list.append(item);
      this.#thumbs.set(sample.id, button);
    }
  }

  /** Marks the sample that is shown, if it is one. */
  select(sample: Sample | undefined): void {
    for (const [id, button] of this.#thumbs) {
      if (id === sample?.id) {
        button.setAttribute('aria-current', 'true');
        bringIntoView(button);
      } else button.removeAttribute('aria-current');
    }
    if (!sample) find('.strip', HTMLElement).scrollLeft = 0;
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const mode = MODES[Number(event.key) - 1];
    if (mode) {
      this.#radio(mode).checked = true;
      this.#view.mode = mode;
    } else if (event.key === '+' || event.key === '=') this.#view.zoomBy(1);
    else if (event.key === '-') this.#view.zoomBy(-1);
    else if (event.key === '0') this.#view.fit();
  }

  #press(selector: string, action: () => void): void {
    find(selector, HTMLButtonElement).addEventListener('click', action);
  }

  #radio(mode: Mode): HTMLInputElement {
    return find(`input[name="mode"][value="${mode}"]`, HTMLInputElement);
  }
}

/** Scrolls the strip, and only the strip, so that a picture in it is seen whole. */
function bringIntoView(button: HTMLElement): void {
  const strip = button.closest('.strip');
  if (!strip) return;
  const room = strip.getBoundingClientRect();
  const place = button.getBoundingClientRect();
  const margin = place.width / 2;
  if (place.left < room.left) strip.scrollLeft += place.left - room.left - margin;
  else if (place.right > room.right) strip.scrollLeft += place.right - room.right + margin;
}
