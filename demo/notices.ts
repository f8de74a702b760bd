/** Notices: a sentence about a failure, advice, and a button that helps. */
import { CheckpointError, ConfigError, DcAeError, FormatError, SourceError, type FormatProblem } from 'dc-ae-webgpu';
import { nano } from './model/choices.ts';
import { Cancelled, detailOf, PageError } from './errors.ts';

/** The action of a notice's button. */
export type Remedy =
  'reload-page' | 'open-https' | 'load-model' | 'load-needed' | 'choose-model' | 'run-again' | 'dismiss';

/** A notice in words. */
export interface Notice {
  readonly title: string;
  readonly advice: string;
  readonly button: string;
  readonly remedy: Remedy;
  /** For `load-needed`: the model that the file needs. */
  readonly needed?: string | undefined;
  /** The error's own words. */
  readonly detail?: string | undefined;
}

const BROWSERS = 'Chrome or Edge 113, Safari 26, Firefox 141, or a newer version';
const CLOSE = { button: 'Close', remedy: 'dismiss' } as const;
const RETRY_MODEL = { button: 'Try again', remedy: 'load-model' } as const;

/** Returns the notice for a failed load of a model. */
export function modelNotice(error: unknown, name: string): Notice {
  const detail = detailOf(error);
  if (error instanceof Cancelled) {
    return {
      title: 'Loading was cancelled',
      advice: 'Pictures can be compressed when a model is loaded.',
      button: 'Load the model',
      remedy: 'load-model',
    };
  }
  if (error instanceof SourceError) return { ...sourceAdvice(error, name), detail };
  if (error instanceof ConfigError || error instanceof CheckpointError) {
    return {
      title: `“${name}” is not a model that this page can run`,
      advice: 'Its files are damaged, or they belong to another kind of network. Choose another model.',
      button: 'Choose a model',
      remedy: 'choose-model',
      detail,
    };
  }
  return runNotice(error);
}

function sourceAdvice({ status, message }: SourceError, name: string): Omit<Notice, 'detail'> {
  if (!navigator.onLine) {
    return {
      title: 'You are offline',
      advice: `“${name}” is not stored on this device. Connect to the internet, then try again.`,
      ...RETRY_MODEL,
    };
  }
  if (status === 404) {
    const folder = message.includes('config.json');
    return {
      title: folder ? 'There is no model at this address' : 'A file of the model is missing',
      advice: folder
        ? 'The server found no config.json there (404). Check the address or the repository’s name.'
        : 'The server found config.json, but not the weights (404). Choose another model.',
      button: 'Choose a model',
      remedy: 'choose-model',
    };
  }
  if (status === 401 || status === 403) {
    return {
      title: 'The server refuses to send the model',
      advice:
        `It answered ${status}: the model may be private, or need a licence to be accepted. Choose ` +
        'another model, or try again.',
      ...RETRY_MODEL,
    };
  }
  if (status !== undefined) {
    return {
      title: 'The model could not be downloaded',
      advice: `The server answered ${status}. Try again in a few minutes.`,
      ...RETRY_MODEL,
    };
  }
  return {
    title: 'The model could not be read',
    advice:
      'The server does not answer, or does not let other pages read the model (CORS). For a folder: it must ' +
      'hold config.json and the weights.',
    ...RETRY_MODEL,
  };
}

/** Returns the notice for a failed run of a model, or a failed load that no special notice covers. */
export function runNotice(error: unknown, modelName?: string): Notice {
  const detail = detailOf(error);
  if (error instanceof Cancelled) {
    return {
      title: 'Stopped',
      advice: 'The picture is not compressed yet.',
      button: 'Compress it',
      remedy: 'run-again',
    };
  }
  if (error instanceof PageError) return pageNotice(error);
  if (error instanceof FormatError) return fileNotice(error, modelName);
  switch (error instanceof DcAeError ? error.code : undefined) {
    case 'unsupported':
      return {
        title: 'No GPU answered',
        advice:
          'This browser has WebGPU, but found no GPU to use. Turn on graphics acceleration in the browser’s ' +
          'settings, update the graphics driver, and restart the browser.',
        ...RETRY_MODEL,
        detail,
      };
    case 'device-lost':
      return gpuLost(detail);
    case 'limits':
    case 'input':
      return {
        title: 'This picture needs too much memory',
        advice:
          'The GPU or the chosen memory budget is too small for it. Choose a larger budget under “Runs on”, ' +
          'or open a smaller picture.',
        ...CLOSE,
        detail,
      };
    default:
      return {
        title: 'Something went wrong',
        advice: 'Load the model again. If it fails again, please report the details.',
        button: 'Load the model again',
        remedy: 'load-model',
        detail,
      };
  }
}

/** Returns the notice for a lost GPU device. */
export function gpuLost(detail: string): Notice {
  return {
    title: 'The GPU stopped',
    advice:
      'Its driver was reset, it ran out of memory, or the computer slept. Your picture is still here, and ' +
      'can be saved. Load the model to go on.',
    button: 'Load the model again',
    remedy: 'load-model',
    detail,
  };
}

function pageNotice({ code, message: detail }: PageError): Notice {
  if (code === 'insecure') {
    return {
      title: 'WebGPU needs a secure page',
      advice: 'This page was loaded over http. Browsers offer WebGPU on https and on localhost only.',
      button: 'Open over https',
      remedy: 'open-https',
      detail,
    };
  }
  return {
    title: 'This browser has no WebGPU',
    advice:
      `The model needs WebGPU to run on your GPU. Open this page in ${BROWSERS}. If you use one of ` +
      'these, turn on WebGPU in its settings.',
    button: 'Try again',
    remedy: 'reload-page',
    detail,
  };
}

const FILE_ADVICE: Readonly<Record<Exclude<FormatProblem, 'wrong-model'>, string>> = {
  'not-dcae': 'It is another kind of file.',
  version: 'A newer version of the format wrote it. Reload this page to update it.',
  unsupported: 'It needs a feature that this version of the page lacks. Reload this page to update it.',
  truncated: 'Its end is missing. The download may have stopped early: download it again.',
  trailing: 'Extra bytes follow its end. Download it again.',
  damaged: 'Its checksum is wrong: some of its bytes have changed. Download it again.',
  'too-large': 'It asks for more memory than a file of this size can need.',
};

function fileNotice({ problem, needed, message: detail }: FormatError, modelName: string | undefined): Notice {
  if (problem !== 'wrong-model') {
    return { title: 'This .dcae file cannot be opened', advice: FILE_ADVICE[problem], ...CLOSE, detail };
  }
  const title = 'This file needs another model';
  const advice = `It was made with ${needed ?? 'a model that it does not name'}. Only the same model can decode it.`;
  if (needed !== undefined) {
    return { title, advice, button: 'Load that model', remedy: 'load-needed', needed, detail };
  }
  // Most files that name no model were made with the one that comes with the page.
  const { id } = nano;
  return modelName === id
    ? { title, advice, button: 'Choose a model', remedy: 'choose-model', detail }
    : { title, advice, button: `Load ${id}`, remedy: 'load-needed', needed: id, detail };
}

/** Returns the notice for a file that is not a picture. */
export function notAPicture(name: string): Notice {
  return {
    title: `“${name}” cannot be opened as a picture`,
    advice: 'Open a PNG, JPEG, WebP, AVIF or .dcae file. The picture before it is still here.',
    ...CLOSE,
  };
}

/** The notice for something dropped or pasted that holds no file. */
export const nothingReceived: Notice = {
  title: 'There is no picture in that',
  advice: 'Drop or paste an image file, a copied image, or a .dcae file.',
  ...CLOSE,
};

/** Returns the notice for a sample that could not be fetched. */
export function sampleMissing(title: string, detail: string): Notice {
  const advice = navigator.onLine
    ? 'The server did not send it. Try again, or open a picture of your own.'
    : 'You are offline. Open a picture of your own, or connect and try again.';
  return { title: `“${title}” could not be fetched`, advice, ...CLOSE, detail };
}

/** Returns the notice for a linked file that could not be fetched. */
export function linkedFileMissing(error: unknown): Notice {
  return {
    title: 'The linked file could not be fetched',
    advice: navigator.onLine
      ? 'Its address may be wrong, or its host does not let other pages read it (CORS).'
      : 'You are offline. Connect to the internet, then try again.',
    button: 'Try again',
    remedy: 'reload-page',
    detail: detailOf(error),
  };
}

/** Returns the notice for an invalid address of a model. */
export function notAModelAddress(address: string): Notice {
  return {
    title: 'This is not the address of a model',
    advice: `“${address}” is neither a repository, such as owner/name, nor a web address.`,
    button: 'Choose a model',
    remedy: 'choose-model',
  };
}

/** Returns the notice for an invalid address of a file. */
export function notAnAddress(address: string): Notice {
  return {
    title: 'This is not a web address',
    advice: `“${address}” must start with https:// and lead to a .dcae file.`,
    ...CLOSE,
  };
}
