/** What people call a place by: a repository's id, a page of the hub, a URL. */
import { InputError } from '../../errors.ts';
import { parseUrl } from './url_source.ts';

/** A place in a repository of the hub. */
export interface RepoReference {
  readonly kind: 'hub';
  readonly hubUrl: string;
  /** `owner/name`. */
  readonly repo: string;
  /** A branch, a tag or a commit's hash; `undefined` where the address names none. */
  readonly revision: string | undefined;
  /** The folder or file in the repository; empty for its top. */
  readonly path: string;
}

/** A place anywhere else. */
export interface UrlReference {
  readonly kind: 'url';
  readonly url: URL;
}

/** The hub that is asked unless the caller names another. */
export const defaultHub = 'https://huggingface.co';

const hubHosts = new Set(['huggingface.co', 'www.huggingface.co', 'hf.co']);
const repoName = /^[\w-][\w.-]*\/[\w-][\w.-]*$/;

/**
 * Understands `owner/name`, `owner/name/path/to/model.safetensors`, pages of the hub (`…/owner/name`, `…/tree/main/vae`,
 * `…/blob/main/model.safetensors`, `…/resolve/main/`) and every other URL. On other hosts a file's page (`/blob/`) becomes the file
 * itself (`/resolve/`), which is what hubs and their mirrors have in common.
 *
 * @param hubUrl - the hub that ids without a host belong to
 * @throws InputError where it is none of these
 */
export function parseRepoReference(input: string | URL, hubUrl: string = defaultHub): RepoReference | UrlReference {
  const hub = hubAddress(hubUrl);
  const text = String(input);
  const id = typeof input === 'string' ? repositoryPath(text) : undefined;
  if (id !== undefined) return { kind: 'hub', hubUrl: hub, ...id, revision: undefined };
  const url = parseUrl(input);
  if (url === undefined) {
    throw new InputError(
      `source ${JSON.stringify(text)} isn't a URL, nor a repository's id. Give "owner/name" for a repository of the hub, or a full address ` +
        'such as https://example.com/model/.',
    );
  }
  const own = url.origin === new URL(hub).origin && url.href.startsWith(`${hub}/`);
  if (own || hubHosts.has(url.hostname)) {
    const page = hubPage(own ? url.href.slice(hub.length + 1) : url.pathname.slice(1));
    if (page !== undefined) return { kind: 'hub', hubUrl: own ? hub : defaultHub, ...page };
  }
  if (/^\/[^/]+\/[^/]+\/blob\/./.test(url.pathname)) {
    url.pathname = url.pathname.replace('/blob/', '/resolve/');
    url.search = '';
  }
  return { kind: 'url', url };
}

/** `owner/name`, or `owner/name/…/file.safetensors`: whatever else has slashes in it is a relative URL. */
function repositoryPath(text: string): Pick<RepoReference, 'repo' | 'path'> | undefined {
  const [owner = '', name = '', ...rest] = text.split('/');
  const repo = `${owner}/${name}`;
  if (!repoName.test(repo) || rest.some((part) => /^\.{0,2}$/.test(part))) return undefined;
  if (rest.length > 0 && !/\.(safetensors|json)$/.test(text)) return undefined;
  return { repo, path: rest.join('/') };
}

/** `owner/name`, `owner/name/tree/main/vae` and the like, as they stand in the hub's addresses. */
function hubPage(address: string): Pick<RepoReference, 'repo' | 'path' | 'revision'> | undefined {
  const [bare = ''] = address.split(/[?#]/);
  const [owner = '', name = '', view, revision, ...rest] = bare.replace(/\/+$/, '').split('/').map(decoded);
  const repo = `${owner}/${name}`;
  if (!repoName.test(repo) || owner === 'api' || owner === 'datasets' || owner === 'spaces') return undefined;
  if (view === undefined) return { repo, revision: undefined, path: '' };
  if (!['tree', 'blob', 'resolve', 'raw'].includes(view) || revision === undefined) return undefined;
  return { repo, revision, path: rest.join('/') };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function hubAddress(hubUrl: string): string {
  const url = parseUrl(hubUrl);
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new InputError(
      `options.hubUrl ${JSON.stringify(hubUrl)} isn't an http address. Give one such as "${defaultHub}", or leave it out.`,
    );
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
