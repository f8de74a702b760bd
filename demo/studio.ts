/** The work on one picture: photograph → latent → file → picture, and its measure against other codecs. */
import type { Comparison } from './comparison.ts';
import { find } from './dom.ts';
import type { Failure } from './failure.ts';
import { bytes, decibels, sides } from './format.ts';
import type { Model } from './model/model.ts';
import type { Encoded, Packed, RunSettings } from './model/protocol.ts';
import { failureOf } from './rpc.ts';
import type { Curious } from './story/curious.ts';
import type { Inside } from './story/inside.ts';
import type { Ledger } from './story/ledger.ts';
import type { SplitView } from './view/split_view.ts';
import type { WorkBar } from './work_bar.ts';

/** A photograph to be compressed. */
export interface Photo {
  readonly kind: 'photo';
  readonly title: string;
  readonly credit: string | undefined;
  /** Of the file that it came in. */
  readonly bytes: number | undefined;
  readonly bitmap: ImageBitmap;
}

/** A file to be looked at. */
export interface OpenedFile {
  readonly kind: 'file';
  readonly title: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Where the work is shown, and who is told of it. */
export interface Surroundings {
  readonly view: SplitView;
  readonly comparison: Comparison;
  readonly ledger: Ledger;
  readonly inside: Inside;
  readonly curious: Curious;
  readonly work: WorkBar;
  readonly settings: () => RunSettings;
  /** 1 to 100: what the slider says. */
  readonly quality: () => number;
  /** For those who don't see the page. */
  readonly say: (text: string) => void;
  /** A run failed, or was stopped by the reader. */
  readonly failed: (error: unknown) => void;
  /** There is a file now, or none any more. */
  readonly filed: (there: boolean) => void;
}

/** Why work ended: the reader pressed Cancel, rather than chose another picture. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

/** How long the slider rests before what it says is decoded. */
const REST_MS = 120;

/** Holds the picture at hand; a new one, a new quality or a new model ends the work on what was before. */
export class Studio {
  readonly #around: Surroundings;
  #model: Model | undefined;
  #subject: Photo | OpenedFile | undefined;
  #encoded: Encoded | undefined;
  #result: { readonly title: string; readonly file: Uint8Array<ArrayBuffer> } | undefined;
  #run: AbortController | undefined;
  #packing: Promise<unknown> = Promise.resolve();

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** The picture's title and its file, once there is one. */
  get result(): { readonly title: string; readonly file: Uint8Array<ArrayBuffer> } | undefined {
    return this.#result;
  }

  /** Whether the picture came as a .dcae file, so that there is no original. */
  get opened(): boolean {
    return this.#subject?.kind === 'file';
  }

  /** The model to work with; giving one begins the work on the picture at hand. */
  set model(model: Model | undefined) {
    this.stop(new DOMException('The model was changed.', 'AbortError'));
    this.#model = model;
    this.#encoded = undefined;
    if (model) void this.process();
  }

  /** Takes a photograph, which is shown at once. */
  open(photo: Photo): void {
    this.stop(new DOMException('Another picture was opened.', 'AbortError'));
    const { view } = this.#around;
    const { bitmap, title } = photo;
    if (this.#subject?.kind === 'photo') this.#subject.bitmap.close();
    this.#subject = photo;
    this.#begin(photo);
    view.begin(bitmap.width, bitmap.height);
    view.show('original', bitmap, `Original: ${title}`);
    void this.process();
  }

  /**
   * Takes a file. What was there before stays until the file has proved to be whole; one that needs another model waits
   * for it.
   */
  async openFile(file: OpenedFile): Promise<void> {
    const before = this.#subject;
    this.#subject = file;
    const failure = await this.process();
    if (this.#subject !== file) return;
    if (failure === undefined || failure.problem === 'wrong-model') {
      if (before?.kind === 'photo') before.bitmap.close();
    } else {
      this.#subject = before;
      if (!this.#result) void this.process();
    }
  }

  /** Works on the picture from its beginning; tells what went wrong, if something did. */
  async process(): Promise<Failure | undefined> {
    return await this.#working(async (model, subject, signal) => {
      if (subject.kind === 'file') return await this.#read(model, subject.bytes, undefined, signal);
      this.#begin(subject);
      await this.#encode(model, subject, signal);
      await this.#write(model, signal, 0);
    });
  }

  /** Writes the file anew, from the latent that is there: the quality has changed. */
  async requantise(): Promise<void> {
    if (this.#encoded && !this.opened) await this.#working((model, _, signal) => this.#write(model, signal, REST_MS));
  }

  /** Measures the other codecs, one of which was asked for just now. */
  async compare(): Promise<void> {
    await this.#working((_, __, signal) => this.#compare(signal));
  }

  /** Ends what is being worked on. */
  stop(reason: Error): void {
    this.#run?.abort(reason);
    this.#run = undefined;
  }

  get #title(): string {
    return this.#subject?.title ?? '';
  }

  /** Ends the work before this, does this, and tells of its failure. */
  async #working(
    work: (model: Model, subject: Photo | OpenedFile, signal: AbortSignal) => Promise<void>,
  ): Promise<Failure | undefined> {
    const model = this.#model;
    const subject = this.#subject;
    if (!model || !subject) return undefined;
    this.stop(new DOMException('Newer work begins.', 'AbortError'));
    const controller = new AbortController();
    this.#run = controller;
    try {
      await work(model, subject, controller.signal);
      return undefined;
    } catch (error) {
      const reason: unknown = controller.signal.reason;
      // the caller that aborted continues
      if (controller.signal.aborted && !(reason instanceof Cancelled)) return undefined;
      this.#around.work.hide();
      // a lost model tells of itself
      if (this.#model === model) this.#around.failed(controller.signal.aborted ? reason : error);
      return failureOf(error);
    } finally {
      if (this.#run === controller) this.#run = undefined;
    }
  }

  /** Nothing is known of the picture yet. */
  #begin(subject: Photo | OpenedFile): void {
    const { comparison, ledger, inside, view, filed } = this.#around;
    const photo = subject.kind === 'photo' ? subject : undefined;
    this.#encoded = undefined;
    this.#result = undefined;
    for (const layer of ['ours', 'bits'] as const) view.clear(layer);
    ledger.begin(photo?.bytes);
    comparison.begin(subject.title, photo !== undefined);
    inside.begin(subject.title, photo?.credit);
    filed(false);
  }

  async #encode(model: Model, { bitmap, title }: Photo, signal: AbortSignal): Promise<void> {
    const { view, inside, comparison, work, say, settings } = this.#around;
    const from = { width: bitmap.width, height: bitmap.height };
    const doing = `Encoding ${sides(from.width, from.height)}`;
    work.show(doing);
    say('Encoding.');
    const copy = await createImageBitmap(bitmap);
    signal.throwIfAborted();
    this.#encoded = await model.encode(
      copy,
      ({ pixels, picture }) => {
        view.begin(pixels.width, pixels.height);
        view.show('original', picture, `Original: ${title}`);
        picture.close();
        inside.prepared(pixels.width, pixels.height, from);
        comparison.original(pixels);
      },
      { settings: settings(), onProgress: (regions) => work.regions(doing, regions), signal },
    );
    inside.encoded(this.#encoded);
  }

  async #write(model: Model, signal: AbortSignal, rest: number): Promise<void> {
    const encoded = this.#encoded;
    if (!encoded) return;
    const { ledger, inside, view, quality, filed } = this.#around;
    await this.#packing; // one at a time: of all that wait, only the last is still wanted
    signal.throwIfAborted();
    const packing = model.pack(encoded.latent, quality(), signal);
    this.#packing = packing.catch(() => undefined);
    const packed = await packing;
    this.#result = { title: this.#title, file: packed.bytes };
    ledger.file(packed.bytes.length, packed.stats.bitsPerPixel);
    inside.packed(packed);
    view.show('bits', packed.heat, `Where the bits went: ${this.#title}`);
    filed(true);
    if (rest) await pause(rest, signal);
    await this.#read(model, packed.bytes, packed, signal);
  }

  /** Decodes a file; one that was packed here is measured against its original. */
  async #read(
    model: Model,
    file: Uint8Array<ArrayBuffer>,
    packed: Packed | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { view, work, inside, curious, say, ledger, filed, settings } = this.#around;
    work.show('Decoding');
    const decoded = await model.decode(file, {
      settings: settings(),
      onProgress: (regions) => work.regions('Decoding', regions),
      signal,
    });
    const { picture, pixels, info } = decoded;
    if (!packed) {
      this.#begin({ kind: 'file', title: this.#title, bytes: file });
      view.begin(picture.width, picture.height);
      this.#result = { title: this.#title, file };
      ledger.file(file.length, (8 * file.length) / (pixels.width * pixels.height));
      inside.prepared(pixels.width, pixels.height, pixels);
      const slider = find('#quality', HTMLInputElement);
      if (info.quantiser) slider.value = String(info.quantiser.quality);
      filed(true);
    }
    view.show('ours', picture, `Reconstruction: ${this.#title}`);
    picture.close();
    inside.decoded(decoded);
    curious.work(this.#encoded?.work, decoded.work);
    let told = `Opened: ${bytes(file.length)}.`;
    if (packed) {
      const size = { bytes: file.length, width: pixels.width, height: pixels.height };
      const { psnr } = await this.#around.comparison.ours(pixels, size, signal);
      told = `The file has ${bytes(file.length)}. PSNR ${decibels(psnr)}.`;
    }
    say(told);
    work.hide();
    performance.mark('reconstruction');
    if (packed) await this.#compare(signal);
  }

  async #compare(signal: AbortSignal): Promise<void> {
    const file = this.#result?.file;
    const size = this.#encoded?.latent.imageSize;
    if (file && size) await this.#around.comparison.others({ bytes: file.length, ...size }, signal);
  }
}

/** Waits. @throws the signal's reason when aborted */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((done, stopped) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      stopped(new DOMException('Stopped.', 'AbortError'));
    });
  });
}
