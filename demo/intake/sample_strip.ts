/** The strip of sample pictures below the stage. */
import { find, make } from '../dom.ts';
import { samples, thumbUrl, type Sample } from './samples.ts';

/** Shows the samples, and which of them is open. */
export class SampleStrip {
  readonly #buttons = new Map<string, HTMLButtonElement>();

  /** @param open - shows the sample that was chosen */
  constructor(open: (sample: Sample) => void) {
    const list = find('#samples', HTMLElement);
    for (const sample of samples) {
      const { title } = sample;
      const image = make('img', { src: thumbUrl(sample).href, alt: title, width: 64, height: 64, draggable: false });
      const button = make('button', { type: 'button', title }, image);
      button.addEventListener('click', () => open(sample));
      list.append(make('li', {}, button));
      this.#buttons.set(sample.id, button);
    }
  }

  /** Marks the sample that is shown, if it is one. */
  select(sample: Sample | undefined): void {
    for (const [id, button] of this.#buttons) {
      if (id === sample?.id) {
        button.setAttribute('aria-current', 'true');
        bringIntoView(button);
      } else button.removeAttribute('aria-current');
    }
    if (!sample) find('.strip', HTMLElement).scrollLeft = 0;
  }
}

/** Scrolls the strip, and only the strip, so that a picture in it is seen whole. */
function bringIntoView(button: HTMLElement): void {
  const strip = button.closest('.strip');
  if (!strip) return;
  const room = strip.getBoundingClientRect();
  const place = button.getBoundingClientRect();
  const margin = place.width / 2;
  if (place.left < room.left) strip.scrollLeft += place.left - room.left - margin;
  else if (place.right > room.right) strip.scrollLeft += place.right - room.right + margin;
}
