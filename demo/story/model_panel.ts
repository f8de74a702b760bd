/** Choosing a checkpoint; what it weighs, and what the cache holds. */
import { checkpointCache } from 'dc-ae-webgpu';
import { find, make, onPress, setText } from '../dom.ts';
import { bytes } from '../format.ts';
import { CUSTOM, NANO, choices, nanoUrl } from '../model/choices.ts';
import type { Dtype, LoadRequest, ModelInfo } from '../model/protocol.ts';

/** The model that the reader chose, with its options. */
export interface Wanted extends LoadRequest {
  /** For the page to call it by. */
  readonly name: string;
}

/** The small checkpoint, which the page opens with. */
export function nanoWanted(dtype: Dtype = 'f32'): Wanted {
  const { href, protocol } = nanoUrl();
  // Only an address that others can reach is worth its bytes in a file.
  return { name: NANO, source: href, dtype, checkpointUrl: protocol === 'https:' ? href : undefined };
}

/** Binds the panel. */
export class ModelPanel {
  readonly #select = find('#checkpoint', HTMLSelectElement);
  readonly #address = find('#address', HTMLInputElement);

  /** @param load - loads what was asked for */
  constructor(load: (wanted: Wanted) => void) {
    for (const { id, title, bytes: size } of choices) {
      this.#select.append(make('option', { value: id, textContent: `${title}, ${bytes(size)}` }));
    }
    this.#select.append(make('option', { value: CUSTOM, textContent: 'another …' }));
    this.#select.addEventListener('change', () => this.#chosen());
    this.#chosen();
    find('#model-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      const wanted = this.#wanted();
      if (!wanted) return this.#address.focus();
      load(wanted);
      // A large download should outlive a full disk: browsers may ask the reader, who has just chosen it.
      if (wanted.name !== NANO) void checkpointCache.persist().catch(() => undefined);
    });
    const folder = find('#folder', HTMLInputElement);
    folder.addEventListener('change', () => {
      const files = [...(folder.files ?? [])];
      folder.value = '';
      if (files.length > 0) load(this.ofFiles(files));
    });
    onPress('#clear-cache', () => {
      void checkpointCache.clear().then(() => this.showCache());
    });
  }

  /** A checkpoint's files, dropped or chosen. */
  ofFiles(files: readonly File[]): Wanted {
    return { name: 'your own', source: files, dtype: this.#dtype, checkpointUrl: undefined };
  }

  /** A checkpoint by repository or address; the small one where there is none. */
  ofAddress(address: string | undefined): Wanted {
    if (address === undefined || address === nanoUrl().href) return nanoWanted(this.#dtype);
    const name = choices.find(({ id }) => id === address)?.title ?? address;
    const checkpointUrl = address.startsWith('https:') ? address : undefined;
    return { name, source: address, dtype: this.#dtype, checkpointUrl };
  }

  loading(name: string): void {
    setText('#model-name', `${name} …`);
  }

  loaded(name: string, { weightBytes, dtype }: ModelInfo, total: number, fromCache: number): void {
    setText('#model-name', name);
    const from =
      fromCache === 0 ? '' : fromCache >= total ? ', from the cache' : `, ${bytes(fromCache)} from the cache`;
    setText('#weights', `Read ${bytes(total)}${from}; ${bytes(weightBytes)} on the GPU in ${dtype}.`);
    void this.showCache();
  }

  failed(): void {
    setText('#model-name', 'none');
    setText('#weights', '');
    void this.showCache();
  }

  /** Says what the cache holds. */
  async showCache(): Promise<void> {
    const files = await checkpointCache.list().catch(() => []);
    const stored = files.reduce((sum, file) => sum + file.stored, 0);
    setText(
      '#cache',
      stored > 0
        ? `The cache holds ${bytes(stored)} on this disk; they aren’t downloaded again.`
        : 'The cache is empty.',
    );
    find('#clear-cache', HTMLButtonElement).hidden = stored === 0;
  }

  get #dtype(): Dtype {
    return find('#dtype', HTMLSelectElement).value === 'f16' ? 'f16' : 'f32';
  }

  #wanted(): Wanted | undefined {
    const { value } = this.#select;
    if (value === NANO) return nanoWanted(this.#dtype);
    const address = value === CUSTOM ? this.#address.value.trim() : value;
    return address ? this.ofAddress(address) : undefined;
  }

  #chosen(): void {
    const choice = choices.find(({ id }) => id === this.#select.value);
    setText('#good-at', choice?.goodAt ?? 'A folder or file of weights, as diffusers or efficientvit has them.');
    find('#custom', HTMLElement).hidden = choice !== undefined;
  }
}
