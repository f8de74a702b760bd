/** What is said when something fails: what happened, what to do, and a button that does it. */
import { find, hide } from './dom.ts';
import type { Failure } from './protocol.ts';

/** What a notice's button does. */
export type Remedy = 'reload-page' | 'open-https' | 'load-model' | 'run-again' | 'dismiss';

/** A notice in words. */
export interface Notice {
  readonly title: string;
  readonly advice: string;
  readonly button: string;
  readonly remedy: Remedy;
  /** What the machine said, for those who want to know. */
  readonly detail?: string | undefined;
}

const BROWSERS = 'Chrome or Edge 113, Safari 26, Firefox 141, or anything newer';

/** A failure of the model or of a run, for a person. */
export function noticeOf({ code, message: detail }: Failure): Notice {
  switch (code) {
    case 'insecure':
      return {
        title: 'WebGPU needs a secure page',
        advice: 'Browsers offer WebGPU on https and on localhost only, and this page came over plain http.',
        button: 'Open over https',
        remedy: 'open-https',
        detail,
      };
    case 'no-webgpu':
      return {
        title: 'This browser has no WebGPU',
        advice: `The model runs on your GPU, through WebGPU. Open this page in ${BROWSERS}. If you have one of these, WebGPU may be turned off in its settings.`,
        button: 'Try again',
        remedy: 'reload-page',
        detail,
      };
    case 'no-adapter':
      return {
        title: 'No GPU answered',
        advice:
          'Your browser has WebGPU, but found no GPU that it may use. Turn on graphics acceleration in the browser’s settings, update the graphics driver, and restart the browser.',
        button: 'Try again',
        remedy: 'load-model',
        detail,
      };
    case 'device-lost':
      return {
        title: 'The GPU went away',
        advice:
          'Its driver was reset, ran out of memory, or the computer slept. Load the model again; your picture is still here.',
        button: 'Load the model again',
        remedy: 'load-model',
        detail,
      };
    case 'source':
      return {
        title: 'The model could not be downloaded',
        advice: 'Check your connection, then try again.',
        button: 'Try again',
        remedy: 'load-model',
        detail,
      };
    case 'config':
    case 'checkpoint':
      return {
        title: 'The model’s files are damaged',
        advice: 'What came from the server is not the checkpoint that this page expects. A fresh download may help.',
        button: 'Try again',
        remedy: 'load-model',
        detail,
      };
    case 'limits':
    case 'input':
      return {
        title: 'This picture doesn’t fit',
        advice: 'It needs more than this GPU can give. A smaller picture will work.',
        button: 'All right',
        remedy: 'dismiss',
        detail,
      };
    case 'format':
      return {
        title: 'This file can’t be opened',
        advice: 'It is damaged, or no .dcae file, or was made with another model.',
        button: 'All right',
        remedy: 'dismiss',
        detail,
      };
    case 'unsupported':
    case 'gpu':
    case 'disposed':
    case 'worker':
    case 'unknown':
      return {
        title: 'Something went wrong',
        advice: 'Loading the model again may help. If it doesn’t, please report what the details say.',
        button: 'Load the model again',
        remedy: 'load-model',
        detail,
      };
  }
}

/** A file that isn't a picture. */
export function notAPicture(name: string): Notice {
  return {
    title: `“${name}” doesn’t open as a picture`,
    advice: 'Try a PNG, JPEG, WebP or AVIF. The picture before it is still here.',
    button: 'All right',
    remedy: 'dismiss',
  };
}

/** Something was dropped or pasted that holds no file. */
export const nothingInIt: Notice = {
  title: 'There is no picture in that',
  advice: 'Drop or paste an image file, or an image that you copied.',
  button: 'All right',
  remedy: 'dismiss',
};

/** A sample that could not be fetched. */
export function sampleMissing(title: string, detail: string): Notice {
  return {
    title: `“${title}” could not be fetched`,
    advice: 'Check your connection, then choose it again, or open a picture of your own.',
    button: 'All right',
    remedy: 'dismiss',
    detail,
  };
}

/** The reader stopped the loading of the model. */
export const loadingStopped: Notice = {
  title: 'Loading was stopped',
  advice: 'Without the model there is no reconstruction.',
  button: 'Load the model',
  remedy: 'load-model',
};

/** The reader stopped a run. */
export const runStopped: Notice = {
  title: 'Stopped',
  advice: 'The picture has no reconstruction yet.',
  button: 'Encode it again',
  remedy: 'run-again',
};

/** Shows notices on the stage, one at a time. One that can be put right stays in mind behind one that is only to be read. */
export class NoticeCard {
  readonly #card = find('#notice', HTMLElement);
  readonly #button = find('#notice button', HTMLButtonElement);
  #shown: Notice | undefined;
  #standing: Notice | undefined;

  /** @param act - does what the button of the notice at hand promises; the notice is gone by then */
  constructor(act: (remedy: Exclude<Remedy, 'dismiss'>) => void) {
    this.#button.addEventListener('click', () => {
      const remedy = this.#shown?.remedy;
      if (remedy === 'dismiss' && this.#standing) return this.show(this.#standing);
      this.clear();
      if (remedy && remedy !== 'dismiss') act(remedy);
    });
  }

  show(notice: Notice): void {
    const { title, advice, button, remedy, detail } = notice;
    this.#shown = notice;
    if (remedy !== 'dismiss') this.#standing = notice;
    find('h2', HTMLElement, this.#card).textContent = title;
    find('.advice', HTMLElement, this.#card).textContent = advice;
    const details = find('details', HTMLDetailsElement, this.#card);
    details.hidden = !detail;
    details.open = false;
    find('pre', HTMLElement, details).textContent = detail ?? '';
    this.#button.textContent = button;
    this.#card.hidden = false;
  }

  clear(): void {
    hide(this.#card);
    this.#shown = this.#standing = undefined;
  }
}
