/** Folders on the disk, in Node, Deno and Bun. */
import { InputError } from '../../errors.ts';
import type { ByteSource } from './byte_source.ts';

/** The bytes of one read from the disk. */
const READ_BYTES = 1024 * 1024;

/** The parts of Node's modules that are used here. Deno and Bun have them as well. */
interface NodeModules {
  readonly 'node:fs/promises': {
    stat(path: string): Promise<{ readonly size: number; isDirectory(): boolean }>;
    open(path: string): Promise<FileHandle>;
    readdir(path: string): Promise<readonly string[]>;
  };
  readonly 'node:path': {
    resolve(...parts: readonly string[]): string;
    join(...parts: readonly string[]): string;
    dirname(path: string): string;
    basename(path: string): string;
  };
  readonly 'node:url': { fileURLToPath(url: URL): string };
  readonly 'node:os': { homedir(): string };
}

interface FileHandle {
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  close(): Promise<void>;
}

/** The global `process` of Node, Deno and Bun. */
declare const process: { getBuiltinModule?<Name extends keyof NodeModules>(name: Name): NodeModules[Name] } | undefined;

/**
 * Reads from a folder on the disk.
 *
 * @param path - a path, or a `file:` URL
 * @throws InputError if there is no file system, as in a page and its workers
 */
export function localFolderSource(path: string | URL, subfolder = ''): ByteSource {
  const load = moduleLoader(path);
  const fs = load('node:fs/promises');
  const { join } = load('node:path');
  const root = join(absolutePath(path), subfolder);
  return {
    label: root,

    async size(file) {
      const stat = await fs.stat(join(root, file));
      return stat.isDirectory() ? undefined : stat.size;
    },

    read: async (file, start, end) => chunks(() => fs.open(join(root, file)), start, end),

    async list() {
      const entries = await fs.readdir(root).catch(() => []);
      const below = entries.map(async (entry) => {
        const files = await fs.readdir(join(root, entry)).catch(() => undefined); // a file
        return files === undefined ? [entry] : files.map((file) => `${entry}/${file}`);
      });
      return (await Promise.all(below)).flat();
    },
  };
}

/** Splits the path of a file into its folder and its name. */
export function splitPath(path: string | URL): { folder: string; file: string } {
  const { dirname, basename } = moduleLoader(path)('node:path');
  const absolute = absolutePath(path);
  return { folder: dirname(absolute), file: basename(absolute) };
}

function absolutePath(path: string | URL): string {
  const load = moduleLoader(path);
  if (typeof path !== 'string') return load('node:url').fileURLToPath(path);
  return load('node:path').resolve(path.replace(/^~(?=[\\/]|$)/, () => load('node:os').homedir()));
}

/**
 * Loads Node's modules. They are not imported: bundlers for pages would fail.
 *
 * @throws InputError in a page
 */
function moduleLoader(path: string | URL): <Name extends keyof NodeModules>(name: Name) => NodeModules[Name] {
  const load = typeof process === 'undefined' ? undefined : process.getBuiltinModule;
  if (load !== undefined) return load;
  throw new InputError(
    `source "${String(path)}" is a path on the disk, which a page cannot read. Let the user drop the folder ` +
      'or choose it with ' +
      '<input type="file" webkitdirectory>, and pass its File objects to AutoencoderDC.fromPretrained().',
  );
}

async function* chunks(
  open: () => Promise<FileHandle>,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const handle = await open();
  try {
    for (let position = start; position < end;) {
      const buffer = new Uint8Array(Math.min(READ_BYTES, end - position));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}
