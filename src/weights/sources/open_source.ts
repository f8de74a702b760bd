/** Opens whatever a caller may pass as a checkpoint: a repository, a URL, a path, files, or an object that reads. */
import { isBlob, isFile, isUrl } from '../../brand.ts';
import { InputError } from '../../errors.ts';
import { blobSource } from './blob_source.ts';
import type { ByteSource } from './byte_source.ts';
import { fileSource } from './file_source.ts';
import { hubSource, type HubFolder } from './hub_source.ts';
import { localFolderSource, splitPath } from './local_folder_source.ts';
import { parseReference } from './reference.ts';
import type { RemoteSource } from './remote_source.ts';
import type { RepoReference } from './repo_reference.ts';
import { folderUrl, globalFetch, inFolder, urlFileSource, urlFolderSource } from './url_source.ts';

/**
 * A checkpoint's folder: a repository of the hub, a URL, a path on the disk, the files of a folder, or an object that
 * reads.
 */
export type SourceInput = string | URL | File | Iterable<File> | ByteSource;

/** Options for reaching a checkpoint. */
export interface SourceOptions {
  /** A branch, a tag or a commit of a repository; `"main"` by default. */
  readonly revision?: string | undefined;
  /** The folder in the repository or source that holds the checkpoint; in a pipeline, usually `"vae"`. */
  readonly subfolder?: string | undefined;
  /** The hub of repositories; `https://huggingface.co` by default. */
  readonly hubUrl?: string | undefined;
  /**
   * A token that begins with `hf_`, for private and gated repositories. It is sent to the hub only, never to other
   * URLs.
   */
  readonly accessToken?: string | undefined;
  /** Used in place of the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

/** A source, and what its address tells about it. */
export interface OpenedSource {
  readonly source: ByteSource;
  /** The same source if it is on the network. */
  readonly remote: RemoteSource | undefined;
  /** The repository, `owner/name`, if it is one. */
  readonly repo: string | undefined;
  /** The repository and the folder in it: `owner/name/vae`. */
  readonly id: string | undefined;
}

/** A source, and the file of weights in it. */
export interface OpenedFile extends OpenedSource {
  readonly file: string;
}

const SAFETENSORS_NAME = /\.safetensors(\.index\.json)?$/;

/**
 * Opens a checkpoint's folder.
 *
 * @param input - a repository (`owner/name`, its page, or one of the forms of `parseReference`), a folder's URL or
 * path, `File`s, or a `ByteSource`
 * @throws InputError if it is none of these, or if an option does not go with it
 */
export function openFolder(input: SourceInput, options: SourceOptions = {}): OpenedSource {
  const subfolder = folderPath(options.subfolder);
  if (typeof input !== 'string' && !isUrl(input)) {
    refuseRevision(options);
    const source = localSource(input);
    return local(subfolder === '' ? source : inSubfolder(source, subfolder));
  }
  const reference = parseReference(input, options.hubUrl);
  if (reference.kind === 'repo') {
    if (/\.(json|safetensors)$/.test(reference.path)) {
      throw new InputError(
        `source "${String(input)}" is the address of a file. Give that of its folder, or load it with ` +
          'AutoencoderDC.fromSingleFile().',
      );
    }
    const folder = hubFolder(reference, folderPath(reference.path) + subfolder, options);
    return hub(folder, options);
  }
  refuseRevision(options);
  if (reference.kind === 'path') return local(localFolderSource(reference.path, subfolder));
  const folder = folderUrl(reference.url);
  return remote(urlFolderSource(subfolder === '' ? folder : inFolder(folder, subfolder), { fetch: options.fetch }));
}

/**
 * Opens a single file of weights.
 *
 * @param input - a file in a repository (`owner/name/model.safetensors`), a repository alone (then its
 * `model.safetensors`), the URL or path of a file, or a `File`
 * @throws InputError if it is none of these, or if an option does not go with it
 */
export function openFile(input: string | URL | Blob, options: SourceOptions = {}): OpenedFile {
  if (isBlob(input)) {
    const file = isFile(input) ? input.name : 'model.safetensors';
    return { ...local(fileSource([new File([input], file)])), file };
  }
  if (typeof input !== 'string' && !isUrl(input)) {
    throw new InputError(
      `The file was ${input === null ? 'null' : typeof input}; allowed are its URL or path, ` +
        '"owner/name/model.safetensors" for one ' +
        'in a repository, or a File.',
    );
  }
  const reference = parseReference(input, options.hubUrl);
  if (reference.kind === 'repo') {
    const path = folderPath(options.subfolder) + (reference.path || 'model.safetensors');
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    const file = path.slice(folder.length);
    if (!SAFETENSORS_NAME.test(file)) {
      throw new InputError(
        `"${String(input)}" is not the address of a .safetensors file. Give that of the file, or load its ` +
          'folder with ' +
          'AutoencoderDC.fromPretrained().',
      );
    }
    return { ...hub(hubFolder(reference, folder, options), options), file };
  }
  refuseRevision(options);
  if (options.subfolder !== undefined) {
    throw new InputError(
      `options.subfolder "${options.subfolder}" does not go with a file's own address. Leave it out.`,
    );
  }
  if (reference.kind === 'path') {
    const { folder, file } = splitPath(reference.path);
    return { ...local(localFolderSource(folder)), file };
  }
  if (/^(blob|data):$/.test(reference.url.protocol)) {
    return { ...local(blobSource(reference.url, options.fetch ?? globalFetch)), file: 'model.safetensors' };
  }
  const { source, file } = urlFileSource(reference.url, { fetch: options.fetch });
  return { ...remote(source), file };
}

/**
 * Makes a `ByteSource` of files, or passes one on.
 *
 * @throws InputError if the input is neither
 */
export function localSource(input: File | Iterable<File> | ByteSource): ByteSource {
  if (isByteSource(input)) return input;
  if (isFile(input)) return fileSource([input]);
  if (isIterable(input)) {
    const files = Array.from(input);
    if (files.length > 0 && files.every(isFile)) return fileSource(files);
    const found = files.length === 0 ? 'an empty list' : 'a list with something other than File objects';
    throw new InputError(
      `source was ${found}. Give the files of a checkpoint's folder: config.json and ` +
        'diffusion_pytorch_model.safetensors.',
    );
  }
  throw new InputError(
    `source was ${input === null ? 'null' : typeof input}; allowed are a repository "owner/name", the URL or ` +
      'path of a ' +
      "checkpoint's folder, a list of Files, or an object { size(path), read(path, start, end, signal) }.",
  );
}

function hub(folder: HubFolder, options: SourceOptions): OpenedSource {
  const source = hubSource(folder, options);
  return { source, remote: source, repo: folder.repo, id: `${folder.repo}/${folder.folder}`.replace(/\/$/, '') };
}

function remote(source: RemoteSource): OpenedSource {
  return { source, remote: source, repo: undefined, id: undefined };
}

function local(source: ByteSource): OpenedSource {
  return { source, remote: undefined, repo: undefined, id: undefined };
}

function hubFolder({ hubUrl, repo, revision }: RepoReference, folder: string, options: SourceOptions): HubFolder {
  return { hubUrl, repo, revision: options.revision?.trim() ?? revision ?? 'main', folder };
}

function refuseRevision({ revision }: SourceOptions): void {
  if (revision === undefined) return;
  throw new InputError(
    `options.revision "${revision}" is for repositories of the hub, "owner/name". URLs and files have no ` +
      'revisions: leave it out.',
  );
}

/**
 * Normalises `/a/b` to `a/b/`, and an absent or empty path to an empty string.
 *
 * @throws InputError if the path leads out of its source
 */
function folderPath(path = ''): string {
  const segments = path
    .trim()
    .split('/')
    .filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..')) {
    throw new InputError(`The folder "${path}" leads out of the source. Give a path below its top, such as "vae".`);
  }
  return segments.map((segment) => `${segment}/`).join('');
}

/** The files in a folder of a source. */
function inSubfolder(source: ByteSource, folder: string): ByteSource {
  return {
    ...(source.label !== undefined && { label: `${source.label} (${folder})` }),
    size: (path, signal) => source.size(folder + path, signal),
    read: (path, start, end, signal) => source.read(folder + path, start, end, signal),
    seekable: (path) => source.seekable?.(folder + path) ?? true,
    ...(source.list !== undefined && { list: () => source.list?.() ?? Promise.resolve([]) }),
  };
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

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}
