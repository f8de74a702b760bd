/** The bar that names the current work, shows its progress and offers to cancel it. */
import type { RunProgress } from 'dc-ae-webgpu';
import { find, hide } from './dom.ts';

/** The bar at the foot of the stage while something is worked on. */
export class WorkBar {
  readonly #bar = find('#work', HTMLElement);
  readonly #label = find('#work label', HTMLLabelElement);
  readonly #progress = find('#work progress', HTMLProgressElement);

  constructor(cancel: () => void) {
    find('#work button', HTMLButtonElement).addEventListener('click', cancel);
  }

  /** @param done - from 0 to 1; left out where nobody knows */
  show(label: string, done?: number): void {
    this.#label.textContent = label;
    if (done === undefined) this.#progress.removeAttribute('value');
    else this.#progress.value = done;
    this.#bar.hidden = false;
  }

  /** A run's regions, where there are several. */
  regions(label: string, { done, total }: RunProgress): void {
    if (total > 1) this.show(`${label}: region ${done} of ${total}`, done / total);
  }

  hide(): void {
    hide(this.#bar);
  }
}
