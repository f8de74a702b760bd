/** Many pictures, one after another: a table of what became of them, and a zip of their files. */
import { find, make, onPress, setText } from './dom.ts';
import { bytes, duration, percent } from './format.ts';
import { decode } from './intake/intake.ts';
import type { Model } from './model/model.ts';
import type { RunSettings } from './model/protocol.ts';
import { fileName, save } from './saving.ts';

/** The dialog. */
export class Batch {
  readonly #dialog = find('#batch', HTMLDialogElement);
  readonly #rows = find('#batch tbody', HTMLTableSectionElement);
  readonly #progress = find('#batch-progress', HTMLProgressElement);
  readonly #zip = onPress('#batch-zip', () => void this.#save());
  readonly #close = onPress('#batch-close', () => this.#dialog.close());
  readonly #made = new Map<string, Uint8Array<ArrayBuffer>>();
  #run: AbortController | undefined;

  constructor() {
    this.#dialog.addEventListener('close', () => this.#run?.abort());
  }

  /** Compresses the pictures, in the order in which they came; closing the dialog ends it. */
  async run(files: readonly File[], model: Model, settings: RunSettings, quality: number): Promise<void> {
    const controller = new AbortController();
    this.#run = controller;
    this.#made.clear();
    this.#rows.replaceChildren();
    this.#zip.disabled = true;
    this.#close.textContent = 'Cancel';
    this.#dialog.showModal();
    let before = 0;
    for (const [i, file] of files.entries()) {
      this.#progress.value = i / files.length;
      setText('#batch-summary', `Picture ${i + 1} of ${files.length}, at quality ${quality}.`);
      const row = this.#rows.insertRow();
      row.append(make('th', { scope: 'row', textContent: file.name }), ...cellsOf(bytes(file.size)));
      row.scrollIntoView({ block: 'nearest' });
      try {
        const started = performance.now();
        const made = await compress(file, model, settings, quality, controller.signal);
        this.#keep(file.name, made);
        before += file.size;
        const [size, share] = [bytes(made.length), percent(made.length / file.size)];
        row.append(...cellsOf(size, share, duration(performance.now() - started)));
      } catch {
        if (controller.signal.aborted) return;
        row.append(make('td', { colSpan: 3, className: 'instead', textContent: 'doesn’t open as a picture' }));
      }
    }
    this.#progress.value = 1;
    this.#finish(before);
  }

  #finish(before: number): void {
    const after = [...this.#made.values()].reduce((sum, { length }) => sum + length, 0);
    const many = this.#made.size;
    setText(
      '#batch-summary',
      many === 0
        ? 'None of them opens as a picture.'
        : `${many} ${many === 1 ? 'picture' : 'pictures'}: ${bytes(before)} became ${bytes(after)}, ${percent(after / before)}.`,
    );
    this.#zip.disabled = many === 0;
    this.#close.textContent = 'Close';
    (many === 0 ? this.#close : this.#zip).focus();
  }

  /** Under a name that no other has. */
  #keep(title: string, file: Uint8Array<ArrayBuffer>): void {
    const name = fileName(title, 'dcae');
    let own = name;
    for (let i = 2; this.#made.has(own); i++) own = name.replace(/\.dcae$/, `-${i}.dcae`);
    this.#made.set(own, file);
  }

  async #save(): Promise<void> {
    const { zipSync } = await import('fflate');
    // They are as small as they get: the zip only holds them together.
    const zip = zipSync(Object.fromEntries(this.#made), { level: 0 });
    save(new Blob([zip], { type: 'application/zip' }), 'pictures.zip');
  }
}

async function compress(
  file: File,
  model: Model,
  settings: RunSettings,
  quality: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const bitmap = await decode(file);
  const { latent } = await model.encode(bitmap, ({ picture }) => picture.close(), { settings, signal });
  return (await model.pack(latent, quality, signal)).bytes;
}

function cellsOf(...texts: readonly string[]): HTMLTableCellElement[] {
  return texts.map((textContent) => make('td', { textContent }));
}
