/** The page: holds the model, routes what comes in, and lets the parts know of each other. */
import { Batch } from './batch.ts';
import { Comparison } from './comparison.ts';
import { find, onPress, setText } from './dom.ts';
import { bytes } from './format.ts';
import type { Failure } from './failure.ts';
import { decode, listen, takeShared } from './intake/intake.ts';
import { SampleStrip } from './intake/sample_strip.ts';
import { sampleUrl, samples, type Sample } from './intake/samples.ts';
import { Measurer } from './measure/measurer.ts';
import { Model } from './model/model.ts';
import { NoticeCard } from './notice_card.ts';
import {
  linkWithoutFile,
  loadingStopped,
  notAPicture,
  noticeOf,
  nothingInIt,
  runStopped,
  sampleMissing,
  type Notice,
} from './notices.ts';
import { failureOf } from './rpc.ts';
import { fileName, linkTo, save } from './saving.ts';
import { Curious } from './story/curious.ts';
import { Inside } from './story/inside.ts';
import { Ledger } from './story/ledger.ts';
import { ModelPanel, nanoWanted, type Wanted } from './story/model_panel.ts';
import { RatePlot } from './story/rate_plot.ts';
import { RunPanel } from './story/run_panel.ts';
import { Cancelled, Studio } from './studio.ts';
import { SplitView } from './view/split_view.ts';
import { Toolbar } from './view/toolbar.ts';
import { WorkBar } from './work_bar.ts';

/** Everything that lives as long as the page. */
export class App {
  readonly #view = find('split-view', SplitView);
  readonly #work = new WorkBar(() => this.#cancel());
  readonly #notices = new NoticeCard((notice) => this.#act(notice));
  readonly #strip = new SampleStrip((sample) => void this.#openSample(sample));
  readonly #panel = new ModelPanel((wanted) => void this.#load(wanted));
  readonly #curious = new Curious();
  readonly #batch = new Batch();
  readonly #runs = new RunPanel(() => void this.#studio.process());
  readonly #quality = find('#quality', HTMLInputElement);
  readonly #studio: Studio;
  #model: Model | undefined;
  #wanted: Wanted = nanoWanted();
  #loading: AbortController | undefined;
  /** Counts what was asked to be opened: only the last is. */
  #opened = 0;

  constructor() {
    new Toolbar(this.#view);
    const ledger = new Ledger((side) => comparison.choose(side));
    const askedForAvif = (): void => void this.#studio.compare();
    const comparison = new Comparison(this.#view, ledger, new RatePlot(), new Measurer(), askedForAvif);
    this.#studio = new Studio({
      view: this.#view,
      comparison,
      ledger,
      inside: new Inside(),
      curious: this.#curious,
      work: this.#work,
      settings: () => this.#runs.settings,
      quality: () => this.#quality.valueAsNumber,
      say: (text) => this.#say(text),
      failed: (error) => this.#tell(error instanceof Cancelled ? runStopped : noticeOf(failureOf(error))),
      filed: (there) => this.#filed(there),
    });
  }

  start(): void {
    listen([find('#file', HTMLInputElement), find('#open-file', HTMLInputElement)], (files) => this.#receive(files));
    this.#quality.addEventListener('input', () => {
      this.#showQuality();
      void this.#studio.requantise();
    });
    onPress('#save', () => {
      const result = this.#studio.result;
      if (result) save(new Blob([result.file]), fileName(result.title, 'dcae'));
    });
    onPress('#save-png', () => this.#savePng());
    find('#share-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#share(find('#hosted', HTMLInputElement).value.trim());
    });
    // Where there is room, there is no need to ask for it.
    find('#inside', HTMLDetailsElement).open = matchMedia('(min-width: 900px) and (min-height: 1000px)').matches;
    void this.#begin(new URLSearchParams(location.search));
  }

  /** Opens what the page's address asks for, and the small model. */
  async #begin(query: URLSearchParams): Promise<void> {
    const link = query.get('open');
    const shared = query.has('shared') ? await takeShared().catch(() => []) : [];
    if (shared.length === 1 && !isFile(shared)) this.#receive(shared);
    else if (link === null && shared.length === 0) {
      void this.#openSample(samples.find(({ id }) => id === query.get('sample')) ?? samples[0]);
    }
    await this.#load(nanoWanted());
    if (link !== null) await this.#openLink(link);
    else if (shared.length > 1 || isFile(shared)) this.#receive(shared);
  }

  async #load(wanted: Wanted): Promise<void> {
    this.#loading?.abort(new DOMException('Another model was chosen.', 'AbortError'));
    const controller = new AbortController();
    this.#loading = controller;
    this.#wanted = wanted;
    this.#dropModel();
    this.#notices.clear();
    this.#panel.loading(wanted.name);
    this.#work.show('Loading the model');
    this.#say('Loading the model.');
    let total = 0;
    let cached = 0;
    try {
      const model = await Model.load(wanted, {
        signal: controller.signal,
        onProgress: ({ phase, loaded, total: all, rate, fromCache }) => {
          [total, cached] = [all, fromCache];
          if (phase === 'resolve') this.#work.show('Looking at the model');
          else if (phase === 'download') {
            const from = loaded > 0 && fromCache === loaded ? ' from the cache' : '';
            const speed = rate > 0 && !from ? `, ${bytes(rate)}/s` : '';
            this.#work.show(`Loading the model${from}: ${bytes(loaded)} of ${bytes(all)}${speed}`, loaded / all);
          } else this.#work.show(`${bytes(all)} loaded, compiling shaders`);
        },
        onLost: (failure) => this.#lost(failure),
      });
      this.#model = model;
      this.#curious.model(model.info);
      this.#panel.loaded(wanted.name, model.info, total, cached);
      this.#work.hide();
      this.#studio.model = model;
    } catch (error) {
      if (this.#loading !== controller) return; // another is being loaded
      this.#work.hide();
      this.#panel.failed();
      this.#tell(error instanceof Cancelled ? loadingStopped : noticeOf(failureOf(error)));
    } finally {
      if (this.#loading === controller) this.#loading = undefined;
    }
  }

  /** Sorts out what came in: a checkpoint, a .dcae file, one picture or many. */
  #receive(files: readonly File[]): void {
    const [first] = files;
    const file = files.find(({ name }) => name.endsWith('.dcae'));
    const pictures = files.filter(({ type }) => type.startsWith('image/'));
    if (!first) this.#tell(nothingInIt);
    else if (files.some(({ name }) => name.endsWith('.safetensors'))) void this.#load(this.#panel.ofFiles(files));
    else if (file) void this.#openFile(file, file.name);
    else if (pictures.length > 1 && this.#model) {
      void this.#batch.run(pictures, this.#model, this.#runs.settings, this.#quality.valueAsNumber);
    } else {
      const picture = pictures[0] ?? first;
      void this.#openPicture(picture, picture.name || 'Pasted picture', undefined);
    }
  }

  async #openSample(sample: Sample): Promise<void> {
    const ticket = ++this.#opened;
    try {
      const response = await fetch(sampleUrl(sample));
      if (!response.ok) throw new Error(`The server answered ${response.status}.`);
      const file = await response.blob();
      if (ticket === this.#opened) await this.#openPicture(file, sample.title, sample.credit, sample);
    } catch (error) {
      if (ticket === this.#opened) this.#tell(sampleMissing(sample.title, failureOf(error).message));
    }
  }

  /** Shows a picture and, when the model is there, what becomes of it. What isn't a picture leaves all as it was. */
  async #openPicture(file: Blob, title: string, credit: string | undefined, sample?: Sample): Promise<void> {
    const ticket = ++this.#opened;
    let bitmap: ImageBitmap;
    try {
      bitmap = await decode(file);
    } catch {
      if (ticket === this.#opened) this.#tell(notAPicture(title));
      return;
    }
    if (ticket !== this.#opened) return bitmap.close();
    this.#show(sample);
    this.#studio.open({ kind: 'photo', title, credit, bytes: file.size, bitmap });
  }

  async #openFile(file: Blob, title: string): Promise<void> {
    const ticket = ++this.#opened;
    const content = new Uint8Array(await file.arrayBuffer());
    if (ticket !== this.#opened) return;
    this.#show(undefined);
    await this.#studio.openFile({ kind: 'file', title, bytes: content });
  }

  /** Opens a file from its address, which a link gave. */
  async #openLink(address: string): Promise<void> {
    const model = this.#model;
    if (!model) return; // what went wrong is being said
    if (linkTo(address) === undefined) return this.#tell(linkWithoutFile(address));
    const ticket = ++this.#opened;
    const { href, pathname } = new URL(address, document.baseURI);
    this.#work.show('Fetching the file');
    try {
      const content = await model.download(href, new AbortController().signal);
      if (ticket !== this.#opened) return;
      find('#hosted', HTMLInputElement).value = href;
      const title = decodeURIComponent(pathname.split('/').at(-1) ?? '') || 'picture.dcae';
      await this.#studio.openFile({ kind: 'file', title, bytes: content });
    } catch (error) {
      this.#work.hide();
      this.#tell({ ...noticeOf(failureOf(error)), title: 'The file could not be fetched', remedy: 'reload-page' });
    }
  }

  /** Another picture is about to be shown. */
  #show(sample: Sample | undefined): void {
    // What stands there about the model, or its device, is true yet.
    if (this.#model) this.#notices.clear();
    this.#strip.select(sample);
  }

  /** There is a file to be saved, or none; one that was opened has its quality for good. */
  #filed(there: boolean): void {
    for (const id of ['#save', '#save-png']) find(id, HTMLButtonElement).disabled = !there;
    this.#quality.disabled = this.#studio.opened;
    this.#showQuality();
  }

  #showQuality(): void {
    setText('#quality-value', this.#quality.value);
  }

  #savePng(): void {
    const { result } = this.#studio;
    this.#view.canvas('ours').toBlob((blob) => {
      if (blob && result) save(blob, fileName(result.title, 'png'));
    });
  }

  async #share(address: string): Promise<void> {
    const link = linkTo(address);
    if (!link) return this.#tell(linkWithoutFile(address));
    const copied = await navigator.clipboard.writeText(link).then(
      () => 'Copied: ',
      () => '',
    );
    setText('#link', copied + link);
  }

  /** The reader wants an end of it. A new picture doesn't end the loading; this does. */
  #cancel(): void {
    this.#studio.stop(new Cancelled());
    this.#loading?.abort(new Cancelled());
  }

  #lost(failure: Failure): void {
    this.#dropModel();
    this.#work.hide();
    this.#panel.failed();
    this.#tell(noticeOf(failure));
  }

  #dropModel(): void {
    this.#studio.model = undefined;
    this.#model?.dispose();
    this.#model = undefined;
  }

  #act({ remedy, needed }: Notice): void {
    switch (remedy) {
      case 'dismiss':
        break;
      case 'reload-page':
        location.reload();
        break;
      case 'open-https':
        location.protocol = 'https:';
        break;
      case 'load-model':
        void this.#load(this.#wanted);
        break;
      case 'load-needed':
        void this.#load(this.#panel.ofAddress(needed));
        break;
      case 'run-again':
        void this.#studio.process();
        break;
    }
  }

  #tell(notice: Notice): void {
    this.#notices.show(notice);
    this.#say('');
  }

  /** For those who don't see the page. */
  #say(text: string): void {
    setText('#status', text);
  }
}

/** Whether a .dcae file is what came. */
function isFile([first]: readonly File[]): boolean {
  return first?.name.endsWith('.dcae') ?? false;
}
