/** The table that sets the `.dcae` file beside other codecs' files of the same size. */
import { chooseSide, largestSize } from '../actions/compare.ts';
import { compareAgain } from '../actions/compress.ts';
import { updateSettings, type Context } from '../actions/context.ts';
import { saveCompared } from '../actions/save_actions.ts';
import { find, make, setText } from '../dom.ts';
import { bytes, decibels, percent, similarity } from '../format.ts';
import { FORMATS, type Format, type Likeness, type Side } from '../picture/types.ts';
import type { ComparedRow, Picture } from '../state/state.ts';
import { watch } from '../state/store.ts';
import { marker, NAMES, type Series } from './markers.ts';

interface Row {
  readonly row: HTMLElement;
  /** A remark below the codec's name. */
  readonly note: HTMLElement;
  readonly cells: readonly HTMLTableCellElement[];
}

/** Shows the table. A row's radio button puts its picture on the left of the divider. */
export function codecTable(context: Context): void {
  const { store } = context;
  const body = find('.codecs tbody', HTMLTableSectionElement);
  const radios = new Map<Side, HTMLInputElement>();
  const addRow = (series: Series, side?: Side): Row => {
    const name = make('span', { textContent: NAMES[series] });
    const head = make('th', { scope: 'row' });
    if (side) {
      const radio = make('input', { type: 'radio', name: 'beside', value: side });
      radio.addEventListener('change', () => void chooseSide(context, side));
      radios.set(side, radio);
      head.append(make('label', { className: 'name', title: 'Show on the left side' }, radio, marker(series), name));
    } else head.append(make('span', { className: 'name' }, marker(series), name));
    const note = make('small');
    head.append(note);
    const cells = [make('td'), make('td'), make('td'), make('td', { className: 'save' })];
    const row = make('tr', { className: series }, head, ...cells);
    body.append(row);
    return { row, note, cells };
  };
  const neural = addRow('neural');
  const others = new Map(FORMATS.map((format) => [format, addRow(format, format)]));
  const original = addRow('original', 'original');

  const avifButton = make('button', {
    type: 'button',
    textContent: 'Measure AVIF',
    title: 'Needs an encoder of 3.5 MB, unless this browser has its own. It is not kept for offline use.',
  });
  avifButton.addEventListener('click', () => {
    updateSettings(context, { avif: true });
    void compareAgain(context);
  });

  watch(
    store,
    ({ picture, side, settings }) => [picture, side, settings.avif],
    (picture, side, avif) => {
      find('.codecs', HTMLElement).hidden = picture?.kind === 'file';
      writeNeural(neural, picture);
      const size = picture && largestSize(picture);
      setText('#compared-size', size === undefined ? 'At equal size' : `At most ${bytes(size)}`);
      write(original, picture?.sourceBytes === undefined ? [] : [bytes(picture.sourceBytes)]);
      enable('original', picture?.kind === 'photo');
      for (const [format, row] of others) {
        const compared = picture?.compared[format];
        if (format === 'avif' && !avif) instead(row, avifButton);
        else if (!compared) instead(row, picture?.file ? 'measuring …' : '');
        else if ('missing' in compared) instead(row, compared.missing);
        else writeCompared(row, compared, picture);
        enable(format, compared !== undefined && 'bitmap' in compared);
      }
      const shown = radios.get(side);
      if (shown) shown.checked = true;
    },
  );

  function enable(side: Side, enabled: boolean): void {
    const radio = radios.get(side);
    if (radio) radio.disabled = !enabled;
  }

  function writeCompared(row: Row, compared: Exclude<ComparedRow, { missing: string }>, picture: Picture | undefined) {
    const { format } = compared;
    const size = (picture && largestSize(picture)) ?? 0;
    write(row, [bytes(compared.bytes), ...figures(compared)]);
    row.row.toggleAttribute('data-stale', !picture?.likeness);
    row.row.toggleAttribute('data-too-large', compared.tooLarge);
    row.note.textContent = compared.tooLarge ? `smallest: ${percent(compared.bytes / size - 1)} larger` : '';
    row.cells[3]?.replaceChildren(saveButton(format));
  }

  function saveButton(format: Format): HTMLButtonElement {
    const button = make('button', { type: 'button', textContent: 'Save', title: `Save this ${NAMES[format]} file` });
    button.setAttribute('aria-label', `Save ${NAMES[format]}`);
    button.addEventListener('click', () => void saveCompared(context, format));
    return button;
  }
}

function writeNeural(row: Row, picture: Picture | undefined): void {
  const size = picture?.file && bytes(picture.file.bytes.length);
  write(row, [size ?? '', ...(picture?.likeness ? figures(picture.likeness) : [])]);
  row.row.toggleAttribute('data-stale', picture?.file !== undefined && !picture.likeness);
}

/** The column's head has the unit. */
function figures({ psnr, ssim }: Likeness): string[] {
  return [decibels(psnr).replace(' dB', ''), similarity(ssim)];
}

function write({ cells, note }: Row, texts: readonly string[]): void {
  note.textContent = '';
  cells.forEach((cell, i) => {
    cell.colSpan = 1;
    cell.hidden = false;
    cell.className = i === 3 ? 'save' : '';
    cell.replaceChildren(texts[i] ?? '');
  });
}

/** Writes a sentence or a button in place of a row's figures. */
function instead({ row, note, cells }: Row, content: Node | string): void {
  row.removeAttribute('data-stale');
  row.removeAttribute('data-too-large');
  note.textContent = '';
  const [first, ...others] = cells;
  if (!first) return;
  first.colSpan = cells.length;
  first.className = 'instead';
  first.replaceChildren(content);
  for (const cell of others) {
    cell.hidden = true;
    cell.replaceChildren();
  }
}
