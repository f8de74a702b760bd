/** The controls around the picture, and their keys: the mode, and the zoom. */
import { find, onPress, setText } from '../dom.ts';
import type { Mode, SplitView } from './split_view.ts';

const MODES: readonly Mode[] = ['left', 'split', 'neural', 'difference', 'bits'];

/** Binds the controls to the view. */
export function toolbar(view: SplitView): void {
  for (const mode of MODES) radioOf(mode).addEventListener('change', () => (view.mode = mode));
  const squares = onPress('#squares', () => (view.squares = !view.squares));
  onPress('#zoom-in', () => view.zoomBy(1));
  onPress('#zoom-out', () => view.zoomBy(-1));
  onPress('#fit', () => view.fit());
  view.addEventListener('viewchange', () => {
    setText('#zoom', `${Math.round(view.scale * 100)} %`);
    squares.setAttribute('aria-pressed', String(view.squares));
    document.body.toggleAttribute('data-zoomed', view.zoomed);
  });
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (!document.querySelector('dialog[open]')) onKey(view, event.key);
  });
}

function onKey(view: SplitView, key: string): void {
  const mode = MODES[Number(key) - 1];
  if (mode) {
    const radio = radioOf(mode);
    if (radio.disabled) return;
    radio.checked = true;
    view.mode = mode;
  } else if (key === '+' || key === '=') view.zoomBy(1);
  else if (key === '-') view.zoomBy(-1);
  else if (key === '0') view.fit();
  else if (key === 'p') view.squares = !view.squares;
}

function radioOf(mode: Mode): HTMLInputElement {
  return find(`input[name="mode"][value="${mode}"]`, HTMLInputElement);
}

/** Whether keys write letters in an element. */
function isTyping(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return !['radio', 'checkbox', 'range', 'file'].includes(target.type);
  return target instanceof HTMLSelectElement;
}
