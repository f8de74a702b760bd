/** The table of the file's size and of other codecs at the same size. */
import { find, make, setText } from '../dom.ts';
import { bytes, decibels, percent, similarity } from '../format.ts';
import type { Likeness, Rival, Side } from '../measure/protocol.ts';
import type { Format } from '../measure/rivals.ts';
import { marker } from './markers.ts';

/** Names as people know them. */
export const NAMES: Readonly<Record<Side | 'ours', string>> = {
  ours: '.dcae',
  original: 'Original',
  jpeg: 'JPEG',
  webp: 'WebP',
  avif: 'AVIF',
};

/** The codecs that ours is set against. */
export const FORMATS: readonly Format[] = ['jpeg', 'webp', 'avif'];

/** The figure, the bar and the table. A row's button puts its picture on the left of the divider. */
export class Ledger {
  readonly #rows = new Map<
    Side | 'ours',
    { readonly cells: readonly HTMLTableCellElement[]; readonly row: HTMLElement }
  >();
  readonly #radios = new Map<Side, HTMLInputElement>();
  #originalBytes: number | undefined;

  /** @param choose - a picture was chosen for the left side */
  constructor(choose: (side: Side) => void) {
    const body = find('.rivals tbody', HTMLTableSectionElement);
    const sides: readonly (Side | 'ours')[] = ['ours', ...FORMATS, 'original'];
    for (const side of sides) {
      const name = make('span', { textContent: NAMES[side] });
      const head = make('th', { scope: 'row' });
      if (side === 'ours') head.append(make('span', { className: 'name' }, marker(side), name));
      else {
        const radio = make('input', { type: 'radio', name: 'beside', value: side, checked: side === 'original' });
        radio.addEventListener('change', () => choose(side));
        this.#radios.set(side, radio);
        head.append(make('label', { className: 'name' }, radio, marker(side), name));
      }
      const cells = [make('td'), make('td'), make('td')];
      const row = make('tr', { className: side }, head, ...cells);
      body.append(row);
      this.#rows.set(side, { cells, row });
    }
  }

  /** A new picture: what was known goes. `originalBytes` is the size of the file that it came in. */
  begin(originalBytes: number | undefined): void {
    this.#originalBytes = originalBytes;
    setText('#bytes', '');
    setText('#share-of', '');
    find('.sliver', HTMLElement).style.width = '0';
    for (const side of this.#rows.keys()) this.#write(side, '', '', '');
    if (originalBytes !== undefined) this.#write('original', bytes(originalBytes), '', '');
    this.choose('original');
    for (const side of this.#radios.keys()) this.#enable(side, side === 'original' && originalBytes !== undefined);
  }

  /** How large the file is; the others' figures are of another size now. */
  file(size: number, bitsPerPixel: number): void {
    setText('#bytes', bytes(size));
    const bits = `${bitsPerPixel.toFixed(bitsPerPixel < 0.1 ? 3 : 2)} bits per pixel`;
    const share = this.#originalBytes === undefined ? undefined : size / this.#originalBytes;
    setText(
      '#share-of',
      share === undefined ? bits : `${percent(share)} of ${bytes(this.#originalBytes ?? 0)} · ${bits}`,
    );
    find('.sliver', HTMLElement).style.width = `${100 * Math.min(1, share ?? 0)}%`;
    this.#write('ours', bytes(size), '', '');
    for (const { row } of this.#rows.values()) row.toggleAttribute('data-stale', row.className !== 'original');
  }

  /** How near ours comes. */
  likeness({ psnr, ssim }: Likeness): void {
    const { cells, row } = this.#row('ours');
    row.removeAttribute('data-stale');
    cells[1]?.replaceChildren(figure(psnr));
    cells[2]?.replaceChildren(similarity(ssim));
  }

  /** How another codec does. */
  rival({ format, bytes: size, psnr, ssim, overweight }: Rival): void {
    const weight = overweight ? `${bytes(size)} +` : bytes(size);
    this.#write(format, weight, figure(psnr), similarity(ssim));
    this.#row(format).row.removeAttribute('data-stale');
    this.#enable(format, true);
  }

  /** In place of a codec's figures: why there are none, or a button that gets them. */
  instead(format: Format, content: Node | string): void {
    this.#write(format, '', '', '');
    const { cells, row } = this.#row(format);
    row.removeAttribute('data-stale');
    const [first] = cells;
    if (!first) return;
    first.colSpan = 3;
    first.className = 'instead';
    first.replaceChildren(content);
    for (const cell of cells.slice(1)) cell.hidden = true;
    this.#enable(format, false);
  }

  /** Marks what is on the left side. */
  choose(side: Side): void {
    const radio = this.#radios.get(side);
    if (radio) radio.checked = true;
  }

  #enable(side: Side, enabled: boolean): void {
    const radio = this.#radios.get(side);
    if (radio) radio.disabled = !enabled;
  }

  #write(side: Side | 'ours', ...texts: readonly string[]): void {
    this.#row(side).cells.forEach((cell, i) => {
      cell.colSpan = 1;
      cell.hidden = false;
      cell.className = '';
      cell.replaceChildren(texts[i] ?? '');
    });
  }

  #row(side: Side | 'ours') {
    const row = this.#rows.get(side);
    if (!row) throw new TypeError(`There is no row for ${side}.`);
    return row;
  }
}

/** The column's head has the unit. */
function figure(psnr: number): string {
  return decibels(psnr).replace(' dB', '');
}
