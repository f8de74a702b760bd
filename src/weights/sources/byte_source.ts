/** The one interface that everything here reads through. */

/** What `ByteSource.read` may answer with: the bytes at once, or as they come. */
export type Bytes = Uint8Array | ArrayBuffer | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * A folder to read from, near or far. Write one to load a checkpoint from anywhere.
 *
 * A file that isn't there rejects with an error whose `status` is 404 (a `SourceError`, or any error with that property).
 */
export interface ByteSource {
  /** The size of the file at `path` (relative, `/` between folders), in bytes. */
  size(path: string, signal?: AbortSignal): Promise<number>;
  /** The bytes `[start, end)` of the file at `path`, all of them and no more. Asked only for what lies in the file. */
  read(path: string, start: number, end: number, signal?: AbortSignal): Promise<Bytes>;
  /** What messages call this source: its URL, its folder. */
  readonly label?: string;
  /**
   * Whether reads from the middle of the file cost no more than what they read; `true` where this is missing. Answer `false`
   * for a stream that can only be read from its start (a server that ignores `Range`): such a file is then read in one go.
   */
  seekable?(path: string): boolean;
}
