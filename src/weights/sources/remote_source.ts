/** Sources over the network: besides bytes, they tell enough about files to keep a copy of them. */
import type { ByteSource } from './byte_source.ts';

/** The location of a file, known without a request. */
export interface FileAddress {
  /** Identifies the file: `https://huggingface.co/owner/name@main/vae/config.json`, or its URL. */
  readonly id: string;
  /** Files of one origin that have the same version have the same bytes. A repository, or again the file's URL. */
  readonly origin: string;
  /** Whether the bytes at this address never change, because the revision is a commit's hash. */
  readonly isImmutable: boolean;
}

/** Tells a version of a file from earlier and later ones. */
export interface FileVersion {
  readonly size: number;
  /** The ETag, or else Last-Modified; `undefined` if the server sends neither. */
  readonly tag: string | undefined;
  /** The Last-Modified header, if the server sends it. */
  readonly lastModified?: string | undefined;
}

/**
 * Whether two answers may come from the same version of a file. Servers behind one address may give the same file
 * different ETags; equal lengths and times of change outweigh those. Equal lengths alone do not: all fine-tuned weights
 * of a network have one length, and bytes of two of them must never be mixed.
 */
export function isSameVersion(a: FileVersion, b: FileVersion): boolean {
  if (a.size !== b.size) return false;
  if (a.tag === undefined || b.tag === undefined || a.tag === b.tag) return true;
  return a.lastModified !== undefined && a.lastModified === b.lastModified;
}

/** A source over the network. */
export interface RemoteSource extends ByteSource {
  size(path: string, signal?: AbortSignal): Promise<number>;
  /** Locates the file at `path`. */
  address(path: string): FileAddress;
  /**
   * Asks once which version of a file the server has. Rejects as `size` does.
   *
   * @param startNeeded - whether the file's first bytes are read next; the same request then fetches them
   */
  version(path: string, startNeeded: boolean, signal?: AbortSignal): Promise<FileVersion>;
  /** Returns the SHA-256 that the file's publisher gives, in hex; `undefined` if there is none. */
  sha256?(path: string, signal?: AbortSignal): Promise<string | undefined>;
}

/**
 * The bytes that the first request for a file asks for. They hold every known header (f128c512's has 68 kB) and every
 * config.json, so that most files need a single round trip for their size and their start.
 */
export const PREFIX_BYTES = 128 * 1024;
