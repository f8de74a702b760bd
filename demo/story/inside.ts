/** The panel of details: the latent, the bits of each position, and the times. */
import { context2d, find, setText } from '../dom.ts';
import { bytes, count, duration, sides } from '../format.ts';
import type { Decoded, Encoded, Packed, Work } from '../model/protocol.ts';

/** Pixels between the channels of a latent, and the width of the drawing. */
const GAP = 4;
const SHEET_WIDTH = 640;

/** Fills in the panel. */
export class Inside {
  /** A new picture: what was known goes. */
  begin(title: string, credit: string | undefined): void {
    setText('#photo', credit ? `${title} (${credit})` : title);
    setText('#scaled', '');
    for (const id of ['#encode-time', '#latent', '#pack-time', '#decode-time']) setText(id, '');
    for (const id of ['#sheet', '#heat']) clear(find(id, HTMLCanvasElement));
    setText('#heat-caption', 'Where the bits went');
  }

  /** The picture's size, and what it was before it was made smaller. */
  prepared(width: number, height: number, from: { readonly width: number; readonly height: number }): void {
    const smaller = width !== from.width || height !== from.height;
    setText('#photo', `${find('#photo', HTMLElement).textContent}, ${sides(width, height)} pixels`);
    setText('#scaled', smaller ? `Made smaller from ${sides(from.width, from.height)}, for this device’s sake.` : '');
  }

  encoded({ work, latent, sheet }: Encoded): void {
    setText('#encode-time', timeOf(work));
    this.#latent(latent.shape, sheet);
  }

  packed({ ms, stats, heat, mostBits }: Packed): void {
    const zeros = Math.round((100 * stats.zeros) / stats.count);
    setText('#pack-time', `${duration(ms)}; ${zeros} % of the numbers became 0`);
    const canvas = find('#heat', HTMLCanvasElement);
    canvas.width = heat.width;
    canvas.height = heat.height;
    context2d(canvas).drawImage(heat, 0, 0);
    canvas.setAttribute('aria-label', 'Bits at each place of the latent, dark for few and bright for many');
    setText('#heat-caption', `Where the bits went: black none, white ${Math.round(mostBits)} at one place`);
  }

  decoded({ work, info, sheet }: Decoded): void {
    setText('#decode-time', timeOf(work));
    if (!find('#sheet', HTMLCanvasElement).hasAttribute('data-drawn')) this.#latent(info.latent, sheet);
  }

  #latent([, channels, height, width]: readonly [number, number, number, number], sheet: ImageBitmap): void {
    setText('#latent', `${sides(width, height, channels)}, ${count(width * height * channels)} numbers`);
    drawSheet(find('#sheet', HTMLCanvasElement), sheet, channels);
  }
}

function timeOf({ ms, peakBytes, dispatches }: Work): string {
  return `${duration(ms)}, ${count(dispatches)} dispatches, ${bytes(peakBytes)}`;
}

/** Lays a latent's channels out side by side, as a contact sheet. */
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

/** Leaves an empty place of the same size, so that nothing below it jumps. */
function clear(canvas: HTMLCanvasElement): void {
  context2d(canvas).clearRect(0, 0, canvas.width, canvas.height);
  canvas.removeAttribute('data-drawn');
}
