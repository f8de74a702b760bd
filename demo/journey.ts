/** The column beside the picture: what it is, what became of it, and how long that took. */
import { context2d, find } from './dom.ts';
import { bytes, count, decibels, duration, sides, times } from './format.ts';
import type { Decoded, Encoded, ModelInfo, Prepared } from './protocol.ts';

/** A step of the journey. */
export type Stage = 'original' | 'latent' | 'reconstruction';

/** Pixels between the channels of a latent, and the least width of the drawing. */
const GAP = 2;
const SHEET_WIDTH = 640;

/** Fills in the numbers. */
export class Journey {
  #numbers = 0;

  /** A new picture: what is known of the last one goes. */
  begin(title: string, credit: string | undefined, width: number, height: number): void {
    text('#title', title);
    text('#credit', credit ? `(${credit})` : '');
    this.#sizeIs(width, height);
    text('#scaled', '');
    for (const id of ['#latent', '#latent-numbers', '#encode-time', '#psnr', '#decode-time']) text(id, '');
    clearSheet(find('#sheet', HTMLCanvasElement));
    this.#reach('original');
  }

  /** Which step is being worked on. */
  working(stage: Stage | undefined): void {
    for (const step of steps()) step.toggleAttribute('data-working', step.dataset['stage'] === stage);
  }

  prepared({ width, height, scaled }: Prepared, from: { width: number; height: number }): void {
    this.#sizeIs(width, height);
    text('#scaled', scaled ? `Made smaller from ${sides(from.width, from.height)}, for this device’s sake.` : '');
  }

  encoded({ ms, channels, height, width, sheet }: Encoded): void {
    const numbers = channels * height * width;
    text('#latent', sides(width, height, channels));
    text('#latent-numbers', `${count(numbers)} in all, ${fewer(this.#numbers / numbers)}`);
    text('#encode-time', duration(ms));
    drawSheet(find('#sheet', HTMLCanvasElement), sheet, channels);
    this.#reach('latent');
  }

  decoded({ ms, psnr }: Decoded): void {
    text('#psnr', decibels(psnr));
    text('#decode-time', duration(ms));
    this.#reach('reconstruction');
  }

  model({ adapter, weightBytes, dtype }: ModelInfo): void {
    text('#weights', `${bytes(weightBytes)} in ${dtype}`);
    text('#adapter', adapter.name);
    find('#software', HTMLElement).hidden = !adapter.software;
  }

  #sizeIs(width: number, height: number): void {
    this.#numbers = 3 * width * height;
    text('#size', sides(width, height));
    text('#numbers', `${count(this.#numbers)} values`);
  }

  #reach(stage: Stage): void {
    let reached = true;
    for (const step of steps()) {
      step.toggleAttribute('data-done', reached);
      if (step.dataset['stage'] === stage) reached = false;
    }
    this.working(undefined);
  }
}

function text(selector: string, value: string): void {
  find(selector, HTMLElement).textContent = value;
}

function steps(): NodeListOf<HTMLElement> {
  return document.querySelectorAll<HTMLElement>('.steps > [data-stage]');
}

function fewer(ratio: number): string {
  return ratio >= 1 ? `${times(ratio)} times fewer` : `${times(1 / ratio)} times more`;
}

/** Lays a latent's channels out side by side, as a contact sheet. */
function drawSheet(canvas: HTMLCanvasElement, sheet: ImageBitmap, channels: number): void {
  const height = sheet.height / channels;
  const columns = Math.min(channels, channels <= 4 ? channels : 8);
  const rows = Math.ceil(channels / columns);
  const across = (SHEET_WIDTH - (columns - 1) * GAP * 2) / columns;
  const down = Math.max(1, Math.round((across * height) / sheet.width));
  canvas.width = SHEET_WIDTH;
  canvas.height = rows * down + (rows - 1) * GAP * 2;
  const context = context2d(canvas);
  context.imageSmoothingEnabled = false;
  for (let c = 0; c < channels; c++) {
    const x = (c % columns) * (across + GAP * 2);
    const y = Math.floor(c / columns) * (down + GAP * 2);
    context.drawImage(sheet, 0, c * height, sheet.width, height, Math.round(x), y, Math.round(across), down);
  }
  canvas.setAttribute('aria-label', `The ${channels} channels of the latent, as small grey pictures`);
  canvas.toggleAttribute('data-drawn', true);
}

/** Leaves an empty place of the same size, so that nothing below it jumps. */
function clearSheet(canvas: HTMLCanvasElement): void {
  context2d(canvas).clearRect(0, 0, canvas.width, canvas.height);
  canvas.removeAttribute('data-drawn');
  canvas.setAttribute('aria-label', 'The latent: nothing yet');
}
