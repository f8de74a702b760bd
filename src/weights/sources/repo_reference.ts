/** Parses the ways in which people name a repository of the hub. */
import { InputError } from '../../errors.ts';

/** A folder or file in a repository of a hub. */
export interface RepoReference {
  readonly kind: 'repo';
  readonly hubUrl: string;
  /** `owner/name`. */
  readonly repo: string;
  /** A branch, a tag or a commit's hash; `undefined` if none is given. */
  readonly revision: string | undefined;
  /** The folder or file in the repository; empty for its top. */
  readonly path: string;
}

type RepoPath = Pick<RepoReference, 'repo' | 'revision' | 'path'>;

/** The hub of repositories that are given without one. */
export const DEFAULT_HUB = 'https://huggingface.co';

const HUB_HOSTS = new Set(['huggingface.co', 'www.huggingface.co', 'hf.co']);
/** Mirrors of the hub: their pages name repositories, but their files come from the mirror. */
const MIRROR_HOSTS = new Set(['hf-mirror.com']);

const REPO_ID = /^[\w-][\w.-]*\/[\w-][\w.-]*$/;
/** A revision after `@`. Pull requests have slashes in theirs. */
const REVISION = /^([^@]+)@(refs\/(?:pr|convert)\/[^/]+|[^/]+)(.*)$/;

/**
 * Parses `owner/name`, `owner/name/folder`, `owner/name@revision/folder`, `owner/name/tree/main/folder`, `hf://…` with
 * any of these, `git@hf.co:owner/name` and pages of the hub without their protocol.
 *
 * @param hub - the hub of repositories that are given without one
 * @returns `undefined` if the text does not name a repository
 * @throws InputError for a dataset or a space
 */
export function parseRepoReference(text: string, hub: string): RepoReference | undefined {
  const [host = ''] = text.split('/');
  if (HUB_HOSTS.has(host) || MIRROR_HOSTS.has(host)) return parseHubPage(new URL(`https://${text}`), hub);
  const id = text.replace(/^(hf:\/\/|git@(huggingface\.co|hf\.co):)(models\/)?/, '');
  if (id.endsWith('/') && id === text) return undefined; // a relative URL
  const path = repoPath(id.replace(/\/+$/, ''));
  return path && { kind: 'repo', hubUrl: hub, ...path };
}

/**
 * Parses a page of the hub: `…/owner/name`, `…/tree/main/vae`, `…/blob/main/model.safetensors`, `…/resolve/main/`.
 *
 * @param hub - the hub that the caller has chosen; its pages are recognised besides those of huggingface.co
 * @returns `undefined` if the URL is not one of a repository
 */
export function parseHubPage(url: URL, hub: string): RepoReference | undefined {
  const isOwn = url.href.startsWith(`${hub}/`);
  if (!isOwn && !HUB_HOSTS.has(url.hostname) && !MIRROR_HOSTS.has(url.hostname)) return undefined;
  const [address = ''] = (isOwn ? url.href.slice(hub.length) : url.pathname).split(/[?#]/);
  const segments = address
    .replace(/^\/(api\/models\/)?|\/+$/g, '')
    .split('/')
    .map(decodedSegment);
  if (segments[0] === 'datasets' || segments[0] === 'spaces' || segments[0] === 'api') return undefined;
  const path = repoSegments(segments);
  const hubUrl = isOwn ? hub : MIRROR_HOSTS.has(url.hostname) ? url.origin : DEFAULT_HUB;
  return path && { kind: 'repo', hubUrl, ...path };
}

/**
 * Normalises the address of a hub.
 *
 * @throws InputError if it is not an http address
 */
export function hubAddress(hubUrl = DEFAULT_HUB): string {
  const url = URL.canParse(hubUrl) ? new URL(hubUrl) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new InputError(
      `options.hubUrl ${JSON.stringify(hubUrl)} is not an http address. Give one such as "${DEFAULT_HUB}", ` +
        'or leave it out.',
    );
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/** Parses `owner/name` with an optional revision and path. */
function repoPath(id: string): RepoPath | undefined {
  const [, base, revision, rest = ''] = REVISION.exec(id) ?? [undefined, id, undefined];
  const found = repoSegments(`${base ?? ''}${rest}`.split('/'));
  if (found === undefined) return undefined;
  if (/^(datasets|spaces)\//.test(found.repo)) {
    throw new InputError(`source "${id}" is not a model's repository. Give "owner/name" of one.`);
  }
  return revision === undefined ? found : { ...found, revision: decodedSegment(revision) };
}

/** Parses the segments of `owner/name`, `owner/name/tree/main/vae` or `owner/name/vae`. */
function repoSegments([owner = '', name = '', ...rest]: readonly string[]): RepoPath | undefined {
  const repo = `${owner}/${name.replace(/\.git$/, '')}`;
  if (!REPO_ID.test(repo) || rest.some((segment) => /^\.{0,2}$/.test(segment))) return undefined;
  const [view = '', revision, ...path] = rest;
  if (revision !== undefined && /^(tree|blob|resolve|raw)$/.test(view)) return { repo, revision, path: path.join('/') };
  return { repo, revision: undefined, path: rest.join('/') };
}

/** Decodes a segment of a URL's path; returns it as it is if its escapes are not text, as in `100%.dcae`. */
export function decodedSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
