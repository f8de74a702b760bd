/** How the network is run: what the reader may choose of it. */
import { find } from '../dom.ts';
import type { RunSettings } from '../model/protocol.ts';

/** Binds the choices in the panel for the curious. */
export class RunPanel {
  readonly #budget = find('#budget', HTMLSelectElement);
  readonly #profiled = find('#profiled', HTMLInputElement);

  /** @param changed - is told when another is chosen */
  constructor(changed: () => void) {
    for (const field of [this.#budget, this.#profiled]) field.addEventListener('change', changed);
  }

  get settings(): RunSettings {
    const { value } = this.#budget;
    return { memoryBudget: value === '' ? undefined : Number(value), profiled: this.#profiled.checked };
  }
}
