/** Where notices are shown. */
import { find, hide } from './dom.ts';
import type { Notice } from './notices.ts';

/**
 * Shows notices on the stage, one at a time. One that can be put right stays in mind behind one that is only to be
 * read.
 */
export class NoticeCard {
  readonly #card = find('#notice', HTMLElement);
  readonly #button = find('#notice button', HTMLButtonElement);
  #shown: Notice | undefined;
  #standing: Notice | undefined;

  /** @param act - does what the button of the notice at hand promises; the notice is gone by then */
  constructor(act: (notice: Notice) => void) {
    this.#button.addEventListener('click', () => {
      const notice = this.#shown;
      if (notice?.remedy === 'dismiss' && this.#standing) return this.show(this.#standing);
      this.clear();
      if (notice) act(notice);
    });
  }

  show(notice: Notice): void {
    const { title, advice, button, remedy, detail } = notice;
    this.#shown = notice;
    if (remedy !== 'dismiss') this.#standing = notice;
    find('h2', HTMLElement, this.#card).textContent = title;
    find('.advice', HTMLElement, this.#card).textContent = advice;
    const details = find('details', HTMLDetailsElement, this.#card);
    details.hidden = !detail;
    details.open = false;
    find('pre', HTMLElement, details).textContent = detail ?? '';
    this.#button.textContent = button;
    this.#card.hidden = false;
  }

  clear(): void {
    hide(this.#card);
    this.#shown = this.#standing = undefined;
  }
}
