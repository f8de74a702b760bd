/** The panel “Share a link”. */
import type { Context } from '../actions/context.ts';
import { shareLink } from '../actions/receive.ts';
import { find, setText } from '../dom.ts';
import { watch } from '../state/store.ts';

/** Makes links to hosted files. */
export function sharePanel(context: Context): void {
  const hosted = find('#hosted', HTMLInputElement);
  find('#share-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    void shareLink(context, hosted.value.trim());
  });
  watch(
    context.store,
    ({ link }) => [link],
    (link) => setText('#link', link),
  );
}
