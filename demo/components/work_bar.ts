/** The bar at the foot of the picture: work in progress, and a button that cancels it. */
import type { Context } from '../actions/context.ts';
import { cancelLoad } from '../actions/model_actions.ts';
import { find, hide } from '../dom.ts';
import { Cancelled } from '../errors.ts';
import { watch } from '../state/store.ts';

/** Shows the work in progress. */
export function workBar({ store, stopRun }: Context): void {
  const bar = find('#work', HTMLElement);
  const progress = find('#work progress', HTMLProgressElement);
  const cancel = (): void => {
    // While a model loads, the bar shows that; measuring goes on.
    if (store.state.loading) cancelLoad();
    else stopRun(new Cancelled());
  };
  find('#work button', HTMLButtonElement).addEventListener('click', cancel);
  document.addEventListener('keydown', (event) => {
    const { work, notice } = store.state;
    if (event.key === 'Escape' && work && !notice && !document.querySelector('dialog[open]')) cancel();
  });
  watch(
    store,
    (state) => [state.work],
    (work) => {
      if (!work) return hide(bar);
      find('#work label', HTMLLabelElement).textContent = work.label;
      if (work.done === undefined) progress.removeAttribute('value');
      else progress.value = work.done;
      bar.hidden = false;
    },
  );
}
