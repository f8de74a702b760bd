/** Our picture beside others: the original, and other codecs at the same bytes. */
import { find, make, setText } from './dom.ts';
import type { Measurer } from './measure/measurer.ts';
import type { Likeness, Pixels, Rival, Side } from './measure/protocol.ts';
import type { Format } from './measure/rivals.ts';
import { CallError } from './rpc.ts';
import { FORMATS, NAMES, type Ledger } from './story/ledger.ts';
import type { RatePlot } from './story/rate_plot.ts';
import type { SplitView } from './view/split_view.ts';

/** A picture and the file that it is in, as far as they are compared. */
export interface Sized {
  readonly bytes: number;
  readonly width: number;
  readonly height: number;
}

/** Holds what stands on the left side, and what is known of the others. */
export class Comparison {
  readonly #view: SplitView;
  readonly #ledger: Ledger;
  readonly #plot: RatePlot;
  readonly #measurer: Measurer;
  readonly #rivals = new Map<Format, Rival>();
  /** Codecs that are measured unasked. AVIF joins when it is asked for. */
  readonly #formats = new Set<Format>(['jpeg', 'webp']);
  readonly #avif = make('button', {
    type: 'button',
    textContent: 'measure it, too',
    title: 'Fetches an encoder of 3.5 MB, unless this browser has its own',
  });
  #title = '';
  #side: Side = 'original';
  /** Ours has been measured, so that there is a difference to be shown. */
  #measured = false;

  /** @param askedForAvif - AVIF is to be measured from now on, and at once */
  constructor(view: SplitView, ledger: Ledger, plot: RatePlot, measurer: Measurer, askedForAvif: () => void) {
    this.#view = view;
    this.#ledger = ledger;
    this.#plot = plot;
    this.#measurer = measurer;
    this.#avif.addEventListener('click', () => {
      this.#formats.add('avif');
      askedForAvif();
    });
  }

  /** A new picture: nothing is known of it. One without an original is compared with nothing. */
  begin(title: string, hasOriginal: boolean): void {
    this.#title = title;
    this.#rivals.clear();
    this.#plot.clear();
    this.#measured = false;
    for (const layer of ['rival', 'difference'] as const) this.#view.clear(layer);
    for (const part of ['.rivals', '.curve']) find(part, HTMLElement).hidden = !hasOriginal;
    this.choose('original');
  }

  /** Sets the original that all results are measured against. Its pixels are moved, not copied. */
  original(pixels: Pixels): void {
    void this.#measurer.original(pixels);
  }

  /** Measures our picture. The pixels are handed over. */
  async ours(pixels: Pixels, size: Sized, signal: AbortSignal): Promise<Likeness> {
    const likeness = await this.#measurer.ours(pixels, signal);
    this.#ledger.likeness(likeness);
    this.#plot.add('ours', { bpp: bitsPerPixel(size), psnr: likeness.psnr });
    this.#measured = true;
    await this.#showDifference();
    return likeness;
  }

  /** Makes the others' files, no larger than ours, and measures them. */
  async others({ bytes, width, height }: Sized, signal: AbortSignal): Promise<void> {
    for (const format of FORMATS) {
      if (!this.#formats.has(format)) this.#ledger.instead(format, this.#avif);
      else if (!this.#rivals.has(format)) this.#ledger.instead(format, 'measuring …');
    }
    for (const format of this.#formats) {
      try {
        const rival = await this.#measurer.rival(format, bytes, signal);
        this.#rivals.set(format, rival);
        this.#ledger.rival(rival);
        this.#plot.add(format, { bpp: bitsPerPixel({ bytes: rival.bytes, width, height }), psnr: rival.psnr });
        if (this.#side === format) this.choose(format);
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        this.#ledger.instead(format, whyNot(format, error));
      }
    }
    performance.mark('rivals');
  }

  /** Puts a picture on the left side. */
  choose(side: Side): void {
    this.#side = side;
    this.#ledger.choose(side);
    for (const place of ['#left-name', '#left-tag']) setText(place, NAMES[side]);
    const rival = side === 'original' ? undefined : this.#rivals.get(side);
    if (rival) this.#view.show('rival', rival.picture, `${NAMES[rival.format]}: ${this.#title}`);
    this.#view.left = rival ? 'rival' : 'original';
    void this.#showDifference();
  }

  async #showDifference(): Promise<void> {
    if (!this.#measured) return;
    const [side, title] = [this.#side, this.#title];
    const picture = await this.#measurer.difference(side).catch(() => undefined); // another original is there by now
    if (!picture) return;
    if (side === this.#side && title === this.#title && this.#measured) {
      this.#view.show('difference', picture, `Difference of ${NAMES[side]} and reconstruction: ${title}`);
    }
    picture.close();
  }
}

function bitsPerPixel({ bytes, width, height }: Sized): number {
  return (8 * bytes) / (width * height);
}

function whyNot(format: Format, { failure }: CallError): string {
  if (failure.code === 'no-wasm') return 'this host’s policy forbids its encoder';
  return format === 'avif' ? 'its encoder could not be had' : 'this browser encodes none';
}
