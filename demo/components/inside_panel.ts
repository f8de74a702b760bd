/** The panel “Inside the file”: the latent, where the bits go, and the time of each step. */
import type { Context } from '../actions/context.ts';
import { context2d, find, setText } from '../dom.ts';
import { bytes, count, duration, sides } from '../format.ts';
import type { Picture, RunCost } from '../state/state.ts';
import { watch } from '../state/store.ts';

/** Pixels between the channels of a latent, and the width of their drawing. */
const GAP = 4;
const SHEET_WIDTH = 640;

/** Fills in the panel. */
export function insidePanel({ store }: Context): void {
  const sheet = find('#sheet', HTMLCanvasElement);
  const heat = find('#heat', HTMLCanvasElement);
  // Where there is space, the panel is open.
  find('#inside', HTMLDetailsElement).open = matchMedia('(min-width: 56.25em) and (min-height: 62.5em)').matches;
  watch(
    store,
    ({ picture, model }) => [picture, model],
    (picture, model) => {
      setText('#photo', picture ? titleOf(picture) : '');
      setText('#encode-time', costOf(picture?.encoded?.cost));
      setText('#decode-time', costOf(picture?.decodeCost));
      setText('#latent', latentOf(picture));
      const written = picture?.file?.written;
      const zeros = written && Math.round((100 * written.zeros) / written.count);
      setText('#pack-time', written ? `${duration(written.ms)}; ${zeros} % of the numbers became 0` : '');
      const side = model?.ae.spatialCompressionRatio;
      const block = side === undefined ? 'a block' : `each ${sides(side, side)} block of pixels`;
      setText(
        '#heat-caption',
        written
          ? `Bits that ${block} takes: black for none, white for the most, ${Math.round(written.mostBits)} bits`
          : `Bits that ${block} takes`,
      );
    },
  );
  watch(
    store,
    ({ picture }) => [picture?.bitmaps.sheet, picture?.latentShape],
    (bitmap, shape) => {
      if (bitmap && shape) drawSheet(sheet, bitmap, shape[1]);
      else clear(sheet);
    },
  );
  watch(
    store,
    ({ picture }) => [picture?.bitmaps.bits],
    (bitmap) => {
      if (!bitmap) return clear(heat);
      heat.width = bitmap.width;
      heat.height = bitmap.height;
      context2d(heat).drawImage(bitmap, 0, 0);
      heat.setAttribute('aria-label', 'Bits of each block of the picture, dark for few and bright for many');
    },
  );
}

function titleOf({ title, credit, size, bitmaps }: Picture): string {
  const name = credit ? `${title} (${credit})` : title;
  return bitmaps.original || bitmaps.neural ? `${name}, ${sides(size.width, size.height)} pixels` : name;
}

function costOf(cost: RunCost | undefined): string {
  return cost ? `${duration(cost.ms)}, ${count(cost.dispatches)} dispatches, ${bytes(cost.peakBytes)}` : '';
}

function latentOf(picture: Picture | undefined): string {
  if (!picture?.latentShape) return '';
  const [, channels, height, width] = picture.latentShape;
  return `${sides(width, height, channels)}, ${count(width * height * channels)} numbers`;
}

/** Draws the channels of a latent side by side, as a contact sheet. */
function drawSheet(canvas: HTMLCanvasElement, sheet: ImageBitmap, channels: number): void {
  const height = sheet.height / channels;
  const columns = Math.min(channels, channels <= 4 ? channels : channels <= 64 ? 8 : 16);
  const rows = Math.ceil(channels / columns);
  const across = (SHEET_WIDTH - (columns - 1) * GAP) / columns;
  const down = Math.max(1, Math.round((across * height) / sheet.width));
  canvas.width = SHEET_WIDTH;
  canvas.height = rows * down + (rows - 1) * GAP;
  const context = context2d(canvas);
  context.imageSmoothingEnabled = false;
  for (let c = 0; c < channels; c++) {
    const x = (c % columns) * (across + GAP);
    const y = Math.floor(c / columns) * (down + GAP);
    context.drawImage(sheet, 0, c * height, sheet.width, height, Math.round(x), y, Math.round(across), down);
  }
  canvas.setAttribute('aria-label', `The ${channels} channels of the latent, as small grey pictures`);
  canvas.toggleAttribute('data-drawn', true);
}

/** Empties a canvas, and keeps its size, so that nothing below it moves. */
function clear(canvas: HTMLCanvasElement): void {
  context2d(canvas).clearRect(0, 0, canvas.width, canvas.height);
  canvas.removeAttribute('data-drawn');
}
