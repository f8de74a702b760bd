/** The notices of failures: what happened, what to do, and a button that does it. */
import type { FormatProblem } from 'dc-ae-webgpu/codec';
import type { Failure } from './failure.ts';

/** The action of a notice's button. */
export type Remedy = 'reload-page' | 'open-https' | 'load-model' | 'load-needed' | 'run-again' | 'dismiss';

/** A notice in words. */
export interface Notice {
  readonly title: string;
  readonly advice: string;
  readonly button: string;
  readonly remedy: Remedy;
  /** With `load-needed`: the checkpoint that the file at hand needs; the small one where the file doesn't say. */
  readonly needed?: string | undefined;
  /** The original error message. */
  readonly detail?: string | undefined;
}

const BROWSERS = 'Chrome or Edge 113, Safari 26, Firefox 141, or anything newer';

/** A failure of the model or of a run, for a person. */
export function noticeOf({ code, message: detail, problem, needed }: Failure): Notice {
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
        advice:
          'It needs more than this GPU can give, or than the memory budget allows. A larger budget or a smaller picture will work.',
        button: 'All right',
        remedy: 'dismiss',
        detail,
      };
    case 'format':
      return fileNotice(problem, needed, detail);
    case 'unsupported':
    case 'gpu':
    case 'disposed':
    case 'worker':
    case 'no-wasm':
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

const FILE_ADVICE: Readonly<Record<Exclude<FormatProblem, 'wrong-model'>, string>> = {
  'not-dcae': 'It isn’t one, whatever its name says.',
  version: 'It was written by a later version of this format. Reload the page: there may be a newer one.',
  unsupported: 'It has a part that this version of the page doesn’t know. Reload the page: there may be a newer one.',
  truncated: 'Its end is missing: the download may have broken off. Fetch it again.',
  trailing: 'Something follows its end. Fetch it again.',
  damaged: 'Its checksum doesn’t fit: something changed it on its way here. Fetch it again.',
  'too-large': 'It asks for more memory than so few bytes can account for.',
};

function fileNotice(problem: FormatProblem | undefined, needed: string | undefined, detail: string): Notice {
  if (problem === 'wrong-model') {
    return {
      title: 'This file needs another model',
      advice: `It was made with ${needed ?? 'a checkpoint that it doesn’t name'}, and only that draws it again.`,
      button: needed === undefined ? 'Try the small model' : 'Load that model',
      remedy: 'load-needed',
      needed,
      detail,
    };
  }
  return {
    title: 'This .dcae file can’t be opened',
    advice: problem === undefined ? 'It is damaged.' : FILE_ADVICE[problem],
    button: 'All right',
    remedy: 'dismiss',
    detail,
  };
}

/** A file that isn't a picture. */
export function notAPicture(name: string): Notice {
  return {
    title: `“${name}” doesn’t open as a picture`,
    advice: 'Try a PNG, JPEG, WebP or AVIF, or a .dcae file. The picture before it is still here.',
    button: 'All right',
    remedy: 'dismiss',
  };
}

/** Something was dropped or pasted that holds no file. */
export const nothingInIt: Notice = {
  title: 'There is no picture in that',
  advice: 'Drop or paste an image file, an image that you copied, or a .dcae file.',
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

/** A link was copied that names no file. */
export function linkWithoutFile(address: string): Notice {
  return {
    title: 'The link names no file',
    advice: `“${address}” is not an address that a file could be fetched from.`,
    button: 'All right',
    remedy: 'dismiss',
  };
}
