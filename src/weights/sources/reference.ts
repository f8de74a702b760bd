/** Parses the strings by which people name a checkpoint: a repository, a URL, or a path on the disk. */
import { InputError } from '../../errors.ts';
import { hubAddress, parseHubPage, parseRepoReference, type RepoReference } from './repo_reference.ts';

/** An address outside of any hub. */
export interface UrlReference {
  readonly kind: 'url';
  readonly url: URL;
}

/** A path on the disk. */
export interface PathReference {
  readonly kind: 'path';
  /** As the file system takes it: a path, or a `file:` URL. */
  readonly path: string | URL;
}

/** Where a checkpoint is. */
export type SourceReference = RepoReference | UrlReference | PathReference;

/** Protocols that look like addresses but that no `fetch` knows. */
const STORAGE_PROTOCOLS = /^(s3|gs|az|abfss?|ftps?|sftp|ssh|git|hdfs|wss?):$/;

/**
 * Parses a repository (`owner/name`, `owner/name@v1.1/vae`, `hf://owner/name`, a page of the hub), a URL, or a path on
 * the disk. In a page, `./x`, `/x` and `x/` are relative URLs; elsewhere they are paths.
 *
 * @param hubUrl - the hub of repositories that are given without one; huggingface.co by default
 * @throws InputError if the input is none of these
 */
export function parseReference(input: string | URL, hubUrl?: string): SourceReference {
  const hub = hubAddress(hubUrl);
  const text = String(input).trim();
  if (typeof input === 'string') {
    if (isPath(text)) return { kind: 'path', path: text };
    const repo = parseRepoReference(text, hub);
    if (repo !== undefined) return repo;
  }
  const url = parseUrl(text);
  if (url === undefined || text === '') {
    throw new InputError(
      `source ${JSON.stringify(String(input))} is neither a repository, nor a URL, nor a path. Give ` +
        '"owner/name" for a repository ' +
        'on the hub, a full address such as https://example.com/model/, or a path that begins with "./" or "/".',
    );
  }
  if (url.protocol === 'file:') return { kind: 'path', path: url };
  if (STORAGE_PROTOCOLS.test(url.protocol)) {
    throw new InputError(
      `source ${JSON.stringify(text)} cannot be fetched: allowed are http and https. Give its https address.`,
    );
  }
  if (/^[\w.-]+:\d/.test(text)) {
    throw new InputError(`source ${JSON.stringify(text)} lacks a protocol. Write "http://" or "https://" before it.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new InputError(
      `source ${url.origin}${url.pathname} has a user name or a password in it, which browsers refuse. Leave ` +
        'them out and pass a ' +
        '`fetch` of your own that sends an Authorization header.',
    );
  }
  return parseHubPage(url, hub) ?? { kind: 'url', url };
}

/** Parses a URL, relative to the page if there is one; `undefined` if it is invalid. */
export function parseUrl(input: string | URL): URL | undefined {
  try {
    // In a worker, `location` is the script's; outside of browsers there is none.
    return new URL(input, typeof location === 'undefined' ? undefined : location.href);
  } catch {
    return undefined;
  }
}

/**
 * Whether this is a path on the disk: a Windows path, a home folder, or, outside of a page, any path with a leading dot
 * or slash.
 */
function isPath(text: string): boolean {
  if (/^[a-z]:[\\/]/i.test(text) || /^~([\\/]|$)/.test(text)) return true;
  if (text.includes('\\') && !text.includes('://')) return true;
  return (
    typeof location === 'undefined' && (/^\.{0,2}\//.test(text) || /^\.{1,2}$/.test(text) || /^[^:]+\/$/.test(text))
  );
}
