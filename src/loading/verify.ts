import { CheckpointError, InputError } from '../errors.ts';
import type { CheckpointFile } from '../weights/read/checkpoint.ts';
import { Sha256 } from './sha256.ts';
import type { OpenedSource } from '../weights/sources/open_source.ts';
import type { LoadCache } from './load_cache.ts';

interface HashedFile {
  readonly size: number;
  readonly expected: string;
  readonly hash: Sha256;
}

/** Compares files with the SHA-256 that their publisher gives. All of their bytes must be read. */
export class Verifier {
  readonly #files: ReadonlyMap<string, HashedFile>;

  private constructor(files: ReadonlyMap<string, HashedFile>) {
    this.#files = files;
  }

  /**
   * Asks for the hashes of the files in `wanted`.
   *
   * @throws InputError if the publisher gives no hash
   */
  static async create(
    { remote }: OpenedSource,
    files: readonly CheckpointFile[],
    wanted: ReadonlySet<string>,
    signal: AbortSignal | undefined,
  ): Promise<Verifier> {
    const found = new Map<string, HashedFile>();
    for (const { path, size } of files) {
      if (!wanted.has(path)) continue;
      const expected = await remote?.sha256?.(path, signal);
      if (expected === undefined) {
        throw new InputError(
          `options.verify: there is no SHA-256 for ${path}. Only repositories of the hub give one, for files ` +
            'in its large ' +
            'storage. Load without `verify`.',
        );
      }
      found.set(path, { size, expected, hash: new Sha256() });
    }
    return new Verifier(found);
  }

  /** The sizes of the files, which must be read from the first byte to the last. */
  get sizes(): ReadonlyMap<string, number> {
    return new Map(Array.from(this.#files, ([path, { size }]) => [path, size]));
  }

  /** Takes the next bytes of a file. */
  take(path: string, bytes: Uint8Array): void {
    this.#files.get(path)?.hash.update(bytes);
  }

  /**
   * Compares the hashes once all bytes have been taken. The stored copy of a damaged file is removed.
   *
   * @throws CheckpointError that names a damaged file
   */
  async check(cache: LoadCache): Promise<void> {
    for (const [path, { expected, hash }] of this.#files) {
      const actual = hash.hex();
      if (actual === expected) continue;
      await cache.forget(path);
      throw new CheckpointError(
        `${path} was damaged on its way: its SHA-256 is ${actual}, but the hub publishes ${expected}. Load ` +
          'again. If that fails ' +
          'too, a proxy or a virus scanner changes the file.',
      );
    }
  }
}
