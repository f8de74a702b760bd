/** The interface that checkpoints are read through. */

/** Bytes as `ByteSource.read` may return them: all at once, or as they arrive. */
export type Bytes = Uint8Array | ArrayBuffer | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** A folder to read a checkpoint from. Implement it to load from anywhere. */
export interface ByteSource {
  /**
   * Returns the size of the file at `path` (relative, with `/` between folders) in bytes.
   *
   * For a file that does not exist, resolve to `undefined`, or reject with an error whose `status` is 404.
   */
  size(path: string, signal?: AbortSignal): Promise<number | bigint | undefined>;
  /** Returns the bytes `[start, end)` of the file at `path`, exactly. The range always lies within the file. */
  read(path: string, start: number, end: number, signal?: AbortSignal): Promise<Bytes>;
  /** The name of this source in messages, such as its URL. */
  readonly label?: string;
  /**
   * Whether a read from the middle of the file costs no more than the bytes it returns. `true` by default. Return
   * `false` for a stream that can only be read from its start; such a file is then read in one go.
   */
  seekable?(path: string): boolean;
  /** Lists the paths of the files. Optional: messages use it to name the folders in which weights were found. */
  list?(): Promise<readonly string[]>;
}
