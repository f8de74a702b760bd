/** The dialog for several files: a table of their outcomes, and a zip of what was made. */
import { closeBatch, saveBatch } from '../actions/batch.ts';
import type { Context } from '../actions/context.ts';
import { find, make, onPress, setText } from '../dom.ts';
import { bytes, duration, percent } from '../format.ts';
import type { Batch, BatchItem } from '../state/state.ts';
import { watch } from '../state/store.ts';

/** Shows the batch while there is one. */
export function batchDialog(context: Context): void {
  const dialog = find('#batch', HTMLDialogElement);
  const zip = onPress('#batch-zip', () => void saveBatch(context));
  const close = onPress('#batch-close', () => dialog.close());
  dialog.addEventListener('close', () => closeBatch(context));
  const rows = find('#batch tbody', HTMLTableSectionElement);
  watch(
    context.store,
    (state) => [state.batch, state.settings.quality],
    (batch, quality) => {
      if (!batch) return dialog.close();
      if (!dialog.open) dialog.showModal();
      const done = batch.items.filter(({ outcome }) => outcome).length;
      find('#batch-progress', HTMLProgressElement).value = done / batch.items.length;
      setText('#batch-summary', summaryOf(batch, done, quality));
      rows.replaceChildren(...batch.items.slice(0, done + 1).map(rowOf));
      rows.lastElementChild?.scrollIntoView({ block: 'nearest' });
      const over = batch.status === 'done';
      zip.disabled = !over || batch.made.size === 0;
      close.textContent = over ? 'Close' : 'Cancel';
      if (over) (zip.disabled ? close : zip).focus();
    },
  );
}

function summaryOf({ items, status, made }: Batch, done: number, quality: number): string {
  if (status === 'waiting') return `${items.length} files wait for the model.`;
  if (status === 'running') return `File ${done + 1} of ${items.length}, at quality ${quality}.`;
  if (made.size === 0) return 'None of the files could be used.';
  let before = 0;
  let after = 0;
  for (const { bytes: size, outcome } of items) {
    if (!outcome || 'failed' in outcome) continue;
    before += size;
    after += outcome.bytes;
  }
  const files = made.size === 1 ? '1 file' : `${made.size} files`;
  return `${files}: ${bytes(before)} became ${bytes(after)}, ${percent(after / before)}.`;
}

function rowOf({ name, bytes: size, outcome }: BatchItem): HTMLTableRowElement {
  const row = make('tr', {}, make('th', { scope: 'row', textContent: name }), make('td', { textContent: bytes(size) }));
  if (!outcome) return row;
  if ('failed' in outcome) row.append(make('td', { colSpan: 3, className: 'instead', textContent: outcome.failed }));
  else {
    const cells = [bytes(outcome.bytes), percent(outcome.bytes / size), duration(outcome.ms)];
    row.append(...cells.map((textContent) => make('td', { textContent })));
  }
  return row;
}
