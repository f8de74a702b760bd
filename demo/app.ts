/** The page: holds the model and the picture at hand, and lets the parts know of each other. */
import { find } from './dom.ts';
import { bytes, decibels, sides } from './format.ts';
import { decode, listen } from './intake.ts';
import { Journey } from './journey.ts';
import { Model, ModelError } from './model.ts';
import {
  NoticeCard,
  loadingStopped,
  notAPicture,
  noticeOf,
  nothingInIt,
  runStopped,
  sampleMissing,
  type Notice,
  type Remedy,
} from './notices.ts';
import type { Failure } from './protocol.ts';
import { sampleUrl, samples, type Sample } from './samples.ts';
import { SplitView } from './split_view.ts';
import { Toolbar } from './toolbar.ts';
import { WorkBar } from './work_bar.ts';

const CHECKPOINT = new URL('models/nano/', document.baseURI);

/** A picture that is shown. */
interface Picture {
  readonly title: string;
  readonly credit: string | undefined;
}

/** Why work ended: the reader pressed Cancel, rather than chose another picture. */
class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

/** Everything that lives as long as the page. */
export class App {
  readonly #view = find('split-view', SplitView);
  readonly #toolbar = new Toolbar(this.#view, (sample) => void this.#openSample(sample));
  readonly #journey = new Journey();
  readonly #work = new WorkBar(() => this.#stop(new Cancelled()));
  readonly #notices = new NoticeCard((remedy) => this.#act(remedy));
  readonly #status = find('#status', HTMLElement);
  #model: Model | undefined;
  #loading: AbortController | undefined;
  #run: AbortController | undefined;
  #picture: Picture | undefined;
  /** Counts what was asked to be opened: only the last is. */
  #opened = 0;

  start(): void {
    listen(find('#file', HTMLInputElement), (file) => {
      if (file) void this.#open(file, { title: file.name || 'Pasted picture', credit: undefined });
      else this.#notices.show(nothingInIt);
    });
    const wanted = new URLSearchParams(location.search).get('sample');
    void this.#openSample(samples.find(({ id }) => id === wanted) ?? samples[0]);
    void this.#load();
  }

  async #load(): Promise<void> {
    if (this.#loading) return;
    const controller = new AbortController();
    this.#loading = controller;
    this.#dropModel();
    this.#work.show('Loading the model');
    this.#say('Loading the model.');
    try {
      this.#model = await Model.load(CHECKPOINT.href, {
        signal: controller.signal,
        onProgress: ({ phase, loaded, total }) => {
          if (phase === 'resolve') this.#work.show('Looking at the model');
          else if (phase === 'download') {
            this.#work.show(`Loading the model: ${bytes(loaded)} of ${bytes(total)}`, loaded / total);
          } else this.#work.show(`${bytes(total)} loaded, compiling shaders`);
        },
        onLost: (failure) => this.#lost(failure),
      });
      this.#journey.model(this.#model.info);
      this.#work.hide();
    } catch (error) {
      this.#work.hide();
      this.#tell(error instanceof Cancelled ? loadingStopped : noticeOf(failureOf(error)));
    } finally {
      this.#loading = undefined;
    }
    if (this.#model) await this.#process();
  }

  async #openSample(sample: Sample): Promise<void> {
    const ticket = ++this.#opened;
    try {
      const response = await fetch(sampleUrl(sample));
      if (!response.ok) throw new Error(`The server answered ${response.status}.`);
      const file = await response.blob();
      if (ticket === this.#opened) await this.#open(file, sample, sample);
    } catch (error) {
      if (ticket === this.#opened) this.#tell(sampleMissing(sample.title, failureOf(error).message));
    }
  }

  /** Shows a picture and, when the model is there, what becomes of it. What isn't a picture leaves all as it was. */
  async #open(file: Blob, { title, credit }: Picture, sample?: Sample): Promise<void> {
    const ticket = ++this.#opened;
    let bitmap: ImageBitmap;
    try {
      bitmap = await decode(file);
    } catch {
      if (ticket === this.#opened) this.#tell(notAPicture(title));
      return;
    }
    if (ticket !== this.#opened) return bitmap.close();
    this.#stop(new DOMException('Another picture was opened.', 'AbortError'));
    // What stands there about the model, or its device, is true yet.
    if (this.#model) this.#notices.clear();
    const { width, height } = bitmap;
    this.#picture = { title, credit };
    this.#view.showOriginal(bitmap, width, height, title);
    bitmap.close();
    this.#journey.begin(title, credit, width, height);
    this.#toolbar.select(sample);
    if (this.#model) await this.#process();
  }

  /** Runs the picture at hand through the model. */
  async #process(): Promise<void> {
    const model = this.#model;
    const picture = this.#picture;
    if (!model || !picture) return;
    this.#run?.abort(new DOMException('A new run begins.', 'AbortError'));
    const controller = new AbortController();
    this.#run = controller;
    const { signal } = controller;
    try {
      const { width, height } = this.#view.original;
      const bitmap = await createImageBitmap(this.#view.original);
      signal.throwIfAborted();
      this.#work.show(`Encoding ${sides(width, height)}`);
      this.#journey.working('latent');
      this.#say('Encoding.');
      const decoded = await model.run(bitmap, {
        signal,
        onPrepared: (prepared) => {
          const { scaled } = prepared;
          if (scaled) {
            this.#view.showOriginal(scaled, prepared.width, prepared.height, picture.title);
            scaled.close();
            this.#work.show(`Encoding ${sides(prepared.width, prepared.height)}`);
          }
          this.#journey.prepared(prepared, { width, height });
          this.#journey.working('latent');
        },
        onEncoded: (encoded) => {
          this.#journey.encoded(encoded);
          this.#journey.working('reconstruction');
          this.#work.show(`Decoding ${sides(encoded.width, encoded.height, encoded.channels)}`);
        },
      });
      this.#view.showReconstruction(decoded.reconstruction);
      decoded.reconstruction.close();
      this.#journey.decoded(decoded);
      this.#work.hide();
      this.#say(`The reconstruction is there. PSNR ${decibels(decoded.psnr)}.`);
      performance.mark('reconstruction');
    } catch (error) {
      if (signal.aborted && !(signal.reason instanceof Cancelled)) return; // whoever aborted it goes on
      this.#work.hide();
      this.#journey.working(undefined);
      // A lost model tells of itself.
      if (this.#model === model) this.#tell(signal.aborted ? runStopped : noticeOf(failureOf(error)));
    } finally {
      if (this.#run === controller) this.#run = undefined;
    }
  }

  /** Ends what is being worked on; a new picture doesn't end the loading. */
  #stop(reason: Error): void {
    this.#run?.abort(reason);
    if (reason instanceof Cancelled) this.#loading?.abort(reason);
  }

  #lost(failure: Failure): void {
    this.#dropModel();
    this.#work.hide();
    this.#tell(noticeOf(failure));
  }

  #dropModel(): void {
    this.#model?.dispose();
    this.#model = undefined;
  }

  #act(remedy: Exclude<Remedy, 'dismiss'>): void {
    switch (remedy) {
      case 'reload-page':
        location.reload();
        break;
      case 'open-https':
        location.protocol = 'https:';
        break;
      case 'load-model':
        void this.#load();
        break;
      case 'run-again':
        void this.#process();
        break;
    }
  }

  #tell(notice: Notice): void {
    this.#notices.show(notice);
    this.#say('');
  }

  /** For those who don't see the page. */
  #say(text: string): void {
    this.#status.textContent = text;
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof ModelError) return error.failure;
  return { code: 'unknown', message: error instanceof Error ? error.message : String(error) };
}
