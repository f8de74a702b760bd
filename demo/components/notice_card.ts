/** The card for notices, at the foot of the picture. */
import { loadAddress, reload } from '../actions/model_actions.ts';
import { processPicture } from '../actions/compress.ts';
import type { Context } from '../actions/context.ts';
import { find, hide, onPress } from '../dom.ts';
import type { Notice } from '../notices.ts';
import { watch } from '../state/store.ts';

/** Shows the newest notice; when it is closed, the notice about the model, if there is one. */
export function noticeCard(context: Context): void {
  const { store } = context;
  const card = find('#notice', HTMLElement);
  const button = find('#notice-action', HTMLButtonElement);
  const close = onPress('#notice-close', () => store.update({ notice: undefined }));
  const shown = (): Notice | undefined => store.state.notice ?? store.state.modelNotice;
  button.addEventListener('click', () => {
    const notice = shown();
    if (notice?.remedy === 'dismiss') store.update({ notice: undefined });
    else store.update({ notice: undefined, modelNotice: undefined });
    if (notice) act(context, notice);
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !document.querySelector('dialog[open]')) store.update({ notice: undefined });
  });
  watch(
    store,
    (state) => [state.notice ?? state.modelNotice, state.notice],
    (notice, newest) => {
      if (!notice) return hide(card);
      find('h2', HTMLElement, card).textContent = notice.title;
      find('.advice', HTMLElement, card).textContent = notice.advice;
      const details = find('details', HTMLDetailsElement, card);
      details.hidden = !notice.detail;
      details.open = false;
      find('pre', HTMLElement, details).textContent = notice.detail ?? '';
      button.textContent = notice.button;
      // A notice about the model stays until there is a model; a button that only closes needs no second one.
      close.hidden = notice !== newest || notice.remedy === 'dismiss';
      card.hidden = false;
    },
  );
}

function act(context: Context, { remedy, needed }: Notice): void {
  switch (remedy) {
    case 'dismiss':
      break;
    case 'reload-page':
      location.reload();
      break;
    case 'open-https':
      location.protocol = 'https:';
      break;
    case 'load-model':
      void reload(context);
      break;
    case 'load-needed':
      if (needed !== undefined) void loadAddress(context, needed);
      break;
    case 'choose-model':
      find('#model', HTMLDetailsElement).open = true;
      find('#checkpoint', HTMLSelectElement).focus();
      break;
    case 'run-again':
      void processPicture(context);
      break;
  }
}
