/** The file's size, the quality slider, the saving buttons, and the sentences about anything that is left out. */
import { shownSide } from '../actions/compare.ts';
import { fitToBytes, requantise } from '../actions/compress.ts';
import { updateSettings, type Context } from '../actions/context.ts';
import { saveFile, savePng } from '../actions/save_actions.ts';
import { find, make, onPress, setText } from '../dom.ts';
import { bytes, percent, sides } from '../format.ts';
import { listedModels } from '../model/choices.ts';
import type { Adapter } from '../model/adapter.ts';
import type { Side } from '../picture/types.ts';
import type { Picture } from '../state/state.ts';
import { watch } from '../state/store.ts';
import { NAMES } from './markers.ts';

/** Shows the result, and lets its quality be changed. */
export function result(context: Context): void {
  const { store } = context;
  const slider = find('#quality', HTMLInputElement);
  const target = find('#target', HTMLInputElement);
  slider.addEventListener('input', () => {
    updateSettings(context, { quality: slider.valueAsNumber });
    void requantise(context);
  });
  find('#target-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    if (target.valueAsNumber > 0) void fitToBytes(context, Math.floor(1000 * target.valueAsNumber));
  });
  const save = onPress('#save', () => saveFile(context));
  const png = onPress('#save-png', () => void savePng(context));
  watch(
    store,
    ({ picture }) => [picture],
    (picture) => {
      const file = picture?.file;
      const known = file && file.bitsPerPixel > 0;
      setText('#bytes', known ? bytes(file.bytes.length) : '');
      setText('#share-of', known ? shareOf(picture) : '');
      const share = known && picture.sourceBytes !== undefined ? file.bytes.length / picture.sourceBytes : 0;
      find('.sliver', HTMLElement).style.width = `${100 * Math.min(1, share)}%`;
      save.disabled = !known;
      png.disabled = !picture?.bitmaps.neural;
    },
  );
  watch(
    store,
    ({ picture, settings, model }) => [picture?.kind, picture?.quality, settings.quality, model],
    (kind, ownQuality, quality, model) => {
      // An opened file has the quality that it was written with; the setting waits for the next photograph.
      const shown = kind === 'file' ? ownQuality : quality;
      if (shown !== undefined) slider.value = String(shown);
      slider.disabled = kind === 'file';
      for (const field of find('#target-form', HTMLFormElement).elements) {
        if (field instanceof HTMLInputElement || field instanceof HTMLButtonElement) field.disabled = kind === 'file';
      }
      setText('#quality-value', slider.value);
      const top = listedModels.find(({ title }) => title === model?.choice.name)?.topQuality;
      find('#quality-top', HTMLOptionElement).value = top === undefined ? '' : String(top);
      setText(
        '#quality-hint',
        top !== undefined && kind !== 'file' && quality > top
          ? `Above ${top}, this model’s files grow without a visible gain.`
          : '',
      );
    },
  );
  watch(
    store,
    ({ picture }) => [picture?.file, picture?.targetBytes],
    (file, targetBytes) => {
      const isTooLarge = file && targetBytes !== undefined && file.bytes.length > targetBytes;
      setText('#target-hint', isTooLarge ? `${bytes(file.bytes.length)} is this model’s smallest file.` : '');
    },
  );
  watch(
    store,
    ({ picture, adapter }) => [picture?.losses, picture?.originalSize, picture?.size, adapter],
    (losses, from, size, adapter) => {
      const sentences = [...(from && size ? smallerThan(from, size, adapter) : []), ...(losses ?? [])];
      find('#losses', HTMLElement).replaceChildren(...sentences.map((textContent) => make('li', { textContent })));
    },
  );
  watch(
    store,
    ({ picture, side }) => [picture, side],
    (picture, _side) => setText('#lead', leadOf(picture, shownSide(context))),
  );
  watch(
    store,
    ({ said }) => [said],
    (said) => setText('#status', said),
  );
}

/** Tells in a sentence or two which pictures are shown, and what to do next. */
function leadOf(picture: Picture | undefined, side: Side): string {
  if (!picture?.file || !picture.bitmaps.neural) return 'Open a picture, and see how small it can be.';
  const size = bytes(picture.file.bytes.length);
  if (picture.kind === 'file') return `The network drew this picture from a file of ${size}.`;
  const row = side === 'original' ? undefined : picture.compared[side];
  const left = row && 'bitmap' in row ? `${NAMES[side]} with ${bytes(row.bytes)}` : 'the original';
  return `Left: ${left}. Right: the network with ${size}. Drag the line to compare, then open your own picture.`;
}

function shareOf({ file, sourceBytes }: Picture): string {
  if (!file) return '';
  const { bitsPerPixel } = file;
  const bits = `${bitsPerPixel.toFixed(bitsPerPixel < 0.1 ? 3 : 2)} bits per pixel`;
  if (sourceBytes === undefined) return bits;
  return `${percent(file.bytes.length / sourceBytes)} of ${bytes(sourceBytes)} · ${bits}`;
}

function smallerThan(from: Picture['size'], size: Picture['size'], adapter: Adapter | undefined): string[] {
  if (from.width === size.width && from.height === size.height) return [];
  const why = adapter?.software ? 'the CPU would take minutes' : 'this browser has no larger canvas';
  return [`Made smaller from ${sides(from.width, from.height)} to ${sides(size.width, size.height)}: ${why}.`];
}
