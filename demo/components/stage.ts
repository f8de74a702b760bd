/** The stage: the pictures of the state on the split view, their names, and the modes. */
import { shownSide } from '../actions/compare.ts';
import type { Context } from '../actions/context.ts';
import { find, setText } from '../dom.ts';
import { bytes } from '../format.ts';
import type { Bitmaps, Picture, State } from '../state/state.ts';
import { watch } from '../state/store.ts';
import { SplitView, type Layer } from '../view/split_view.ts';
import { toolbar } from '../view/toolbar.ts';
import { NAMES } from './markers.ts';

/** Shows the picture at hand. */
export function stage(context: Context): void {
  const { store } = context;
  const view = find('split-view', SplitView);
  toolbar(view);
  watch(
    store,
    ({ picture }) => [picture?.id, picture?.size],
    (_, size) => {
      if (size && size.width > 1) view.begin(size.width, size.height);
    },
  );
  const shown = new Map<Layer, ImageBitmap>();
  const show = (layer: Layer, bitmap: ImageBitmap | undefined, label: string): void => {
    if (shown.get(layer) === bitmap && (!bitmap || view.holds(layer))) return;
    if (bitmap) {
      view.show(layer, bitmap, label);
      shown.set(layer, bitmap);
    } else {
      view.clear(layer);
      shown.delete(layer);
    }
  };
  watch(
    store,
    ({ picture, side }) => [picture, side],
    (picture, _side) => {
      const { original, neural, difference, bits } = picture?.bitmaps ?? {};
      const title = picture?.title ?? '';
      const side = shownSide(context);
      const row = side === 'original' ? undefined : picture?.compared[side];
      const other = row && 'bitmap' in row ? row : undefined;
      show('original', original, `Original: ${title}`);
      show('other', other?.bitmap, `${NAMES[side]}: ${title}`);
      show('neural', neural, `Reconstruction: ${title}`);
      show('difference', difference, `Difference of ${NAMES[side]} and reconstruction: ${title}`);
      show('bits', bits, `Where the bits went: ${title}`);
      view.left = other ? 'other' : 'original';
      setText('#left-name', NAMES[side]);
      setText('#left-tag', other ? `${NAMES[side]}, ${bytes(other.bytes)}` : 'Original');
      const size = picture?.likeness && picture.file ? `, ${bytes(picture.file.bytes.length)}` : '';
      setText('#right-tag', `Neural${size}`);
      modes(picture);
    },
  );
  store.subscribe(closeDropped);
}

/** Disables the modes that the picture cannot show: an opened file has no original and no bits. */
function modes(picture: Picture | undefined): void {
  const opened = picture?.kind === 'file';
  for (const mode of ['left', 'split', 'difference', 'bits']) {
    find(`input[name="mode"][value="${mode}"]`, HTMLInputElement).disabled = opened;
  }
}

/** Closes the bitmaps that have left the state: they hold memory that garbage collection frees late. */
function closeDropped({ picture }: State, { picture: before }: State): void {
  if (picture === before || !before) return;
  const kept = new Set(bitmapsOf(picture));
  for (const bitmap of bitmapsOf(before)) if (!kept.has(bitmap)) bitmap.close();
}

function bitmapsOf(picture: Picture | undefined): ImageBitmap[] {
  if (!picture) return [];
  const own: Bitmaps = picture.bitmaps;
  const compared = Object.values(picture.compared).map((row) => ('bitmap' in row ? row.bitmap : undefined));
  return [...Object.values(own), ...compared].filter((value): value is ImageBitmap => value instanceof ImageBitmap);
}
