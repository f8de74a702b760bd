/** The controls around the picture: what is shown, and how large; and the keys for them. */
import { find, onPress, setText } from '../dom.ts';
import type { Mode, SplitView } from './split_view.ts';

const MODES: readonly Mode[] = ['left', 'split', 'ours', 'difference', 'bits'];

/** Binds the controls to the view. */
export class Toolbar {
  readonly #view: SplitView;
  readonly #squares: HTMLButtonElement;

  constructor(view: SplitView) {
    this.#view = view;
    for (const mode of MODES) {
      this.#radio(mode).addEventListener('change', () => (view.mode = mode));
    }
    this.#squares = onPress('#squares', () => (view.squares = !view.squares));
    onPress('#zoom-in', () => view.zoomBy(1));
    onPress('#zoom-out', () => view.zoomBy(-1));
    onPress('#fit', () => view.fit());
    view.addEventListener('viewchange', () => {
      setText('#zoom', `${Math.round(view.scale * 100)} %`);
      this.#squares.setAttribute('aria-pressed', String(view.squares));
    });
    document.addEventListener('keydown', (event) => this.#key(event));
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector('dialog[open]')) return;
    const mode = MODES[Number(event.key) - 1];
    if (mode) {
      this.#radio(mode).checked = true;
      this.#view.mode = mode;
    } else if (event.key === '+' || event.key === '=') this.#view.zoomBy(1);
    else if (event.key === '-') this.#view.zoomBy(-1);
    else if (event.key === '0') this.#view.fit();
    else if (event.key === 'p') this.#view.squares = !this.#view.squares;
  }

  #radio(mode: Mode): HTMLInputElement {
    return find(`input[name="mode"][value="${mode}"]`, HTMLInputElement);
  }
}

/** Whether keys are letters there. */
function isTyping(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return !['radio', 'checkbox', 'range', 'file'].includes(target.type);
  return target instanceof HTMLSelectElement;
}
