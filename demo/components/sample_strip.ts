/** The strip of sample pictures below the picture. */
import type { Context } from '../actions/context.ts';
import { openSample } from '../actions/receive.ts';
import { find, make } from '../dom.ts';
import { samples, thumbUrl } from '../files/samples.ts';
import { watch } from '../state/store.ts';

/** Shows the samples, and marks the one that is open. */
export function sampleStrip(context: Context): void {
  const list = find('#samples', HTMLElement);
  const buttons = samples.map((sample) => {
    const { title } = sample;
    const image = make('img', { src: thumbUrl(sample).href, alt: title, width: 64, height: 64, draggable: false });
    const button = make('button', { type: 'button', title }, image);
    button.addEventListener('click', () => void openSample(context, sample));
    list.append(make('li', {}, button));
    return { id: sample.id, button };
  });
  watch(
    context.store,
    ({ picture }) => [picture?.sample],
    (open) => {
      for (const { id, button } of buttons) {
        if (id === open) {
          button.setAttribute('aria-current', 'true');
          scrollStripTo(button);
        } else button.removeAttribute('aria-current');
      }
    },
  );
}

/** Scrolls the strip, and only the strip, until a button in it is fully visible. */
function scrollStripTo(button: HTMLElement): void {
  const strip = button.closest('ul');
  if (!strip) return;
  const seen = strip.getBoundingClientRect();
  const box = button.getBoundingClientRect();
  const margin = box.width / 2;
  if (box.left < seen.left) strip.scrollLeft += box.left - seen.left - margin;
  else if (box.right > seen.right) strip.scrollLeft += box.right - seen.right + margin;
}
