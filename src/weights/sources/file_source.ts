import { SourceError } from '../../errors.ts';
import { commaList } from '../format/message_text.ts';
import type { ByteSource } from './byte_source.ts';

/**
 * Reads from `File`s: those of a dropped folder, or of an `<input type="file" multiple>`. A path is looked up at the
 * end of each file's relative path, or else as the name of a file.
 *
 * `size` and `read` reject with a SourceError: status 404 if no file has that name, no status if several have it.
 */
export function fileSource(files: Iterable<File>): ByteSource {
  const list = Array.from(files);

  const find = (path: string): File => {
    const wanted = `/${path}`;
    const name = wanted.slice(wanted.lastIndexOf('/'));
    const byPath = list.filter((file) => `/${pathOf(file)}`.endsWith(wanted));
    const found = byPath.length > 0 ? byPath : list.filter((file) => `/${pathOf(file)}`.endsWith(name));
    const [file, second] = found;
    if (file === undefined) {
      throw new SourceError(
        `${path} is not among the given files (${commaList(list.map(pathOf))}). Add it, or give the whole folder.`,
        { status: 404 },
      );
    }
    if (second !== undefined) throw ambiguous(path, found.map(pathOf));
    return file;
  };

  return {
    label: 'the given files',
    size: async (path) => find(path).size,
    read: async (path, start, end) => find(path).slice(start, end).stream(),
    list: async () => list.map(pathOf),
  };
}

function pathOf(file: File): string {
  return file.webkitRelativePath === '' || file.webkitRelativePath === undefined ? file.name : file.webkitRelativePath;
}

/** The error for a name that several files have. In a pipeline, the folder of the autoencoder is meant. */
function ambiguous(path: string, paths: readonly string[]): SourceError {
  const folders = paths.map((each) => each.split('/').slice(-2, -1).join());
  const vae = folders.includes('vae') ? `Pass \`subfolder: 'vae'\`` : 'Pass `subfolder`';
  return new SourceError(
    `Several of the given files are called ${path}: ${commaList(paths)}. ${vae} to choose a folder, or give ` +
      'only the files of the ' +
      'autoencoder.',
  );
}
