import { SourceError } from '../../errors.ts';
import type { ByteSource } from './byte_source.ts';

/**
 * Reads from `File`s: a dropped folder, or what an `<input type="file" multiple>` holds. A path is found by the end of a file's
 * relative path, or else by its name alone.
 *
 * `size` and `read` reject with a SourceError: 404 where no file has that name, or where two have it.
 */
export function fileSource(files: Iterable<File>): ByteSource {
  const list = Array.from(files);
  const pathOf = (file: File): string =>
    file.webkitRelativePath === '' || file.webkitRelativePath === undefined ? file.name : file.webkitRelativePath;

  const find = (path: string): File => {
    const wanted = `/${path}`;
    const name = wanted.slice(wanted.lastIndexOf('/'));
    const byPath = list.filter((file) => `/${pathOf(file)}`.endsWith(wanted));
    const found = byPath.length > 0 ? byPath : list.filter((file) => `/${pathOf(file)}`.endsWith(name));
    const [file, second] = found;
    if (file === undefined) {
      throw new SourceError(
        `${path} isn't among the files given (${listed(list.map(pathOf))}). Add it, or drop the whole checkpoint folder.`,
        {
          status: 404,
        },
      );
    }
    if (second !== undefined) {
      throw new SourceError(
        `${path} could be any of ${listed(found.map(pathOf))}. Give the files of the autoencoder's folder alone (in a pipeline: "vae").`,
      );
    }
    return file;
  };

  return {
    label: 'the given files',

    async size(path) {
      return find(path).size;
    },

    async read(path, start, end) {
      return find(path).slice(start, end).stream();
    },
  };
}

function listed(paths: readonly string[]): string {
  const shown = paths.slice(0, 6).join(', ');
  if (paths.length === 0) return 'none';
  return paths.length > 6 ? `${shown} and ${paths.length - 6} more` : shown;
}
