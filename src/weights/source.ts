/** What a caller may give as a place to read from, made into a `ByteSource`. */
import { InputError } from '../errors.ts';
import type { ByteSource } from './byte_source.ts';
import { fileSource } from './file_source.ts';
import { urlSource, type UrlSourceOptions } from './url_source.ts';

export type { Bytes, ByteSource } from './byte_source.ts';

/** What can be given as a source: a folder's URL, the files of a dropped folder, or an object that reads. */
export type SourceInput = string | URL | File | Iterable<File> | ByteSource;

/**
 * Makes a `ByteSource` of whatever a caller may give.
 *
 * @param input - a folder's URL (relative ones start with `./`, `../` or `/`, or end with `/`), `File`s, or a `ByteSource`
 * @param options - for URLs: headers and the `fetch` to use
 * @throws InputError where it is none of these
 */
export function toSource(input: SourceInput, options: UrlSourceOptions = {}): ByteSource {
  if (input instanceof URL) return urlSource(input, options);
  if (typeof input === 'string') {
    if (/^[\w.-]+\/[\w.-]+$/.test(input) && !/^\.{1,2}\//.test(input)) {
      throw new InputError(
        `source "${input}" looks like a repository's id. Give the address of its files, "https://huggingface.co/${input}/resolve/main/"; ` +
          `a folder on your own server is written "./${input}/".`,
      );
    }
    return urlSource(input, options);
  }
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
    `source was ${input === null ? 'null' : typeof input}; allowed: the URL of a checkpoint's folder, a list of Files, ` +
      'or an object { size(path), read(path, start, end, signal) }.',
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
