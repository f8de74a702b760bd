/** What a source that lies elsewhere can tell about its files, beyond their bytes: enough to keep a copy of them. */
import type { ByteSource } from './byte_source.ts';

/** Where a file lies, known without asking anybody. */
export interface FileAddress {
  /** The file and nothing else: `https://huggingface.co/owner/name@main/vae/config.json`, or its URL. */
  readonly id: string;
  /** Files of one origin that have the same version have the same bytes: a repository, or again the URL. */
  readonly origin: string;
  /** Whether what lies there can never change: the revision is a commit's hash. */
  readonly fixed: boolean;
}

/** What tells a file from its earlier and later versions. */
export interface FileVersion {
  readonly size: number;
  /** The ETag, or what stands in for it; `undefined` where the server gives nothing to tell versions by. */
  readonly tag: string | undefined;
}

/** A source over the network. */
export interface RemoteSource extends ByteSource {
  /** Where the file at `path` lies. */
  address(path: string): FileAddress;
  /**
   * Asks which version of a file is there, once; rejects as `size` does.
   *
   * @param startNeeded - whether the file's first bytes will be read next: they are then fetched with the same request
   */
  version(path: string, startNeeded: boolean, signal?: AbortSignal): Promise<FileVersion>;
  /** The SHA-256 that the file's publisher gives, in hex; `undefined` where none is given. */
  sha256?(path: string, signal?: AbortSignal): Promise<string | undefined>;
}

/**
 * The first request for a file asks for this many bytes: enough for any header that we know of (f128c512's has 68 kB) and for any
 * config.json, so that most files give their size and all that is wanted first in a single round trip.
 */
export const prefixBytes = 128 * 1024;
