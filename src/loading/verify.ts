import { CheckpointError, InputError } from '../errors.ts';
import type { CheckpointFile } from '../weights/format/checkpoint.ts';
import { Sha256 } from '../weights/read/sha256.ts';
import type { OpenedSource } from '../weights/sources/source.ts';
import type { LoadCache } from './load_cache.ts';

interface Hashed {
  readonly size: number;
  readonly expected: string;
  readonly hash: Sha256;
}

/** Compares files with the SHA-256 that their publisher gives. */
export class Verifier {
  readonly #files: ReadonlyMap<string, Hashed>;

  private constructor(files: ReadonlyMap<string, Hashed>) {
    this.#files = files;
  }

  /**
   * Asks for the hashes of those files that will be read.
   *
   * @throws InputError where nobody gives a hash
   */
  static async create(
    { remote }: OpenedSource,
    files: readonly CheckpointFile[],
    wanted: ReadonlySet<string>,
    signal: AbortSignal | undefined,
  ): Promise<Verifier> {
    const found = new Map<string, Hashed>();
    for (const { path, size } of files) {
      if (!wanted.has(path)) continue;
      const expected = await remote?.sha256?.(path, signal);
      if (expected === undefined) {
        throw new InputError(
          `options.verify: nobody gives a SHA-256 for ${path}. Only repositories of the hub do, for files in its large storage; load without it.`,
        );
      }
      found.set(path, { size, expected, hash: new Sha256() });
    }
    return new Verifier(found);
  }

  /** The files, which have to be read from their first byte to their last, and their sizes. */
  get sizes(): ReadonlyMap<string, number> {
    return new Map(Array.from(this.#files, ([path, { size }]) => [path, size]));
  }

  /** Takes the next bytes of a file. */
  take(path: string, bytes: Uint8Array): void {
    this.#files.get(path)?.hash.update(bytes);
  }

  /**
   * Compares, once all bytes have come; what the cache holds of a damaged file is removed.
   *
   * @throws CheckpointError that names the file
   */
  async check(cache: LoadCache): Promise<void> {
    for (const [path, { expected, hash }] of this.#files) {
      const actual = hash.hex();
      if (actual === expected) continue;
      await cache.forget(path);
      throw new CheckpointError(
        `${path} was damaged on its way: its SHA-256 is ${actual}, and the hub publishes ${expected}. Load again; if that fails too, a proxy or ` +
          'a virus scanner changes what it passes on.',
      );
    }
  }
}
