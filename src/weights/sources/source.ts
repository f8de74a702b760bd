/** What a caller may give as a place to read from, made into a `ByteSource`. */
import { InputError } from '../../errors.ts';
import type { ByteSource } from './byte_source.ts';
import { fileSource } from './file_source.ts';
import { hubSource } from './hub_source.ts';
import { parseRepoReference, type RepoReference } from './repo_reference.ts';
import type { RemoteSource } from './remote_source.ts';
import { urlSource } from './url_source.ts';

export type { Bytes, ByteSource } from './byte_source.ts';

/** What can be given as a source: a repository of the hub, a folder's URL, the files of a dropped folder, or an object that reads. */
export type SourceInput = string | URL | File | Iterable<File> | ByteSource;

/** How sources over the network are reached. */
export interface SourceOptions {
  /** A branch, tag or commit of a repository; `"main"` where this is missing. */
  readonly revision?: string | undefined;
  /** The folder in the repository or source that holds the checkpoint; in a pipeline it is usually `"vae"`. */
  readonly subfolder?: string | undefined;
  /** The hub that repositories are looked up on; `https://huggingface.co` where this is missing. */
  readonly hubUrl?: string | undefined;
  /** For private and gated repositories: begins with `hf_`. It goes to the hub alone, never to other URLs. */
  readonly accessToken?: string | undefined;
  /** Used in place of the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

/** A source, and what its address tells. */
export interface OpenedSource {
  readonly source: ByteSource;
  /** The same source where it lies over the network. */
  readonly remote: RemoteSource | undefined;
  /** The repository, where it is one. */
  readonly repo: string | undefined;
  /** The file that the address named; `undefined` where it named a folder. */
  readonly file: string | undefined;
}

/**
 * Makes a `ByteSource` of whatever a caller may give as a checkpoint's folder.
 *
 * @param input - a repository's id (`owner/name`) or page, a folder's URL (relative ones start with `./`, `../` or `/`, or end with
 * `/`), `File`s, or a `ByteSource`
 * @throws InputError where it is none of these
 */
export function openFolder(input: SourceInput, options: SourceOptions = {}): OpenedSource {
  const subfolder = folderPath(options.subfolder);
  if (typeof input === 'string' || input instanceof URL) {
    const place = parseRepoReference(input, options.hubUrl);
    if (place.kind === 'hub') {
      if (/\.(json|safetensors)$/.test(place.path)) {
        throw new InputError(
          `source "${String(input)}" is a file's address. Give the folder's, or load it with AutoencoderDC.fromSingleFile().`,
        );
      }
      return opened(hubSource(hubFolder(place, folderPath(place.path) + subfolder, options), options), place.repo);
    }
    refuseRevision(options);
    const remote = urlSource(place.url, { fetch: options.fetch });
    return opened(subfolder === '' ? remote : urlSource(inFolder(place.url, subfolder), { fetch: options.fetch }));
  }
  refuseRevision(options);
  const source = localSource(input);
  return { source: subfolder === '' ? source : below(source, subfolder), ...nothingKnown };
}

/**
 * Makes a `ByteSource` of whatever a caller may give as a single file of weights.
 *
 * @param input - a file in a repository (`owner/name/model.safetensors`), its page or its URL, a repository alone (then its
 * `model.safetensors`), or a `File`
 * @throws InputError where it is none of these
 */
export function openFile(input: string | URL | Blob, options: SourceOptions = {}): OpenedSource & { file: string } {
  if (input instanceof Blob) {
    const name = isFile(input) ? input.name : 'model.safetensors';
    const file = new File([input], name);
    return { source: fileSource([file]), ...nothingKnown, file: name };
  }
  if (typeof input !== 'string' && !(input instanceof URL)) {
    throw new InputError(
      `The file was ${input === null ? 'null' : typeof input}; allowed: its URL, "owner/name/model.safetensors" for one in a repository, or a File.`,
    );
  }
  const place = parseRepoReference(input, options.hubUrl);
  const path = place.kind === 'hub' ? place.path || 'model.safetensors' : decodeURIComponent(place.url.pathname);
  const [, folder = '', file = ''] = /^(.*\/)?([^/]*)$/.exec(folderPath(options.subfolder) + path) ?? [];
  if (!/\.safetensors(\.index\.json)?$/.test(file)) {
    throw new InputError(
      `"${String(input)}" is not the address of a .safetensors file. Give the file itself, or its folder to AutoencoderDC.fromPretrained().`,
    );
  }
  if (place.kind === 'hub')
    return { ...opened(hubSource(hubFolder(place, folder, options), options), place.repo), file };
  refuseRevision(options);
  const base = new URL('./', place.url);
  base.search = place.url.search;
  return { ...opened(urlSource(base, { fetch: options.fetch })), file };
}

const nothingKnown = { remote: undefined, repo: undefined, file: undefined };

function opened(remote: RemoteSource, repo?: string): OpenedSource {
  return { source: remote, remote, repo, file: undefined };
}

function hubFolder({ hubUrl, repo, revision }: RepoReference, folder: string, options: SourceOptions) {
  return { hubUrl, repo, revision: options.revision ?? revision ?? 'main', folder };
}

function refuseRevision({ revision }: SourceOptions): void {
  if (revision === undefined) return;
  throw new InputError(
    `options.revision "${revision}" is for repositories of the hub, "owner/name". Leave it out: a URL or files are what they are.`,
  );
}

/** `a/b` as `a/b/`; nothing for nothing. */
function folderPath(path = ''): string {
  const parts = path.split('/').filter(Boolean);
  if (parts.some((part) => part === '.' || part === '..')) {
    throw new InputError(`The folder "${path}" leads elsewhere. Give a path below the source's top, such as "vae".`);
  }
  return parts.map((part) => `${part}/`).join('');
}

function inFolder(base: URL, subfolder: string): URL {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/?$/, '/')}${subfolder}`;
  return url;
}

/** What lies in a folder of a source. */
function below(source: ByteSource, folder: string): ByteSource {
  return {
    ...(source.label !== undefined && { label: `${source.label} (${folder})` }),
    size: (path, signal) => source.size(folder + path, signal),
    read: (path, start, end, signal) => source.read(folder + path, start, end, signal),
    seekable: (path) => source.seekable?.(folder + path) ?? true,
  };
}

/** Makes a `ByteSource` of what needs no network: files, or an object that reads. */
export function localSource(input: File | Iterable<File> | ByteSource): ByteSource {
  if (isByteSource(input)) return input;
  if (isFile(input)) return fileSource([input]);
  if (isIterable(input)) {
    const files = Array.from(input);
    if (files.length > 0 && files.every(isFile)) return fileSource(files);
    const found = files.length === 0 ? 'an empty list' : 'a list that holds something else than File objects';
    throw new InputError(
      `source was ${found}. Give the files of a checkpoint's folder: config.json and diffusion_pytorch_model.safetensors.`,
    );
  }
  throw new InputError(
    `source was ${input === null ? 'null' : typeof input}; allowed: a repository's id "owner/name", the URL of a checkpoint's folder, ` +
      'a list of Files, or an object { size(path), read(path, start, end, signal) }.',
  );
}

function isByteSource(value: unknown): value is ByteSource {
  return (
    typeof value === 'object' &&
    value !== null &&
    'read' in value &&
    typeof value.read === 'function' &&
    'size' in value &&
    typeof value.size === 'function'
  );
}

function isFile(value: unknown): value is File {
  return value instanceof Blob && 'name' in value && typeof value.name === 'string';
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}
