import { InputError, SourceError } from '../../errors.ts';
import type { Bytes } from './byte_source.ts';
import { HubFile, type Hub } from './hub_file.ts';
import { hubLibrary } from './hub_library.ts';
import type { RemoteSource } from './remote_source.ts';
import { globalFetch } from './url_source.ts';

/** A folder of a repository. */
export interface HubFolder {
  readonly hubUrl: string;
  /** `owner/name`. */
  readonly repo: string;
  /** A branch, a tag or a commit's hash. */
  readonly revision: string;
  /** Empty for the repository's top; otherwise it ends with a slash. */
  readonly folder: string;
}

/** Options for reading from a hub. */
export interface HubSourceOptions {
  /** Used in place of the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** For private and gated repositories: a token that begins with `hf_`. */
  readonly accessToken?: string | undefined;
}

/**
 * Reads a folder of a repository through `@huggingface/hub`, which is imported at the first read. Files in Xet storage
 * arrive as chunks from there, all others by HTTP ranges.
 *
 * Reads reject with a SourceError. Its `status` is that of the hub's answer, or `undefined` if the network failed.
 *
 * @throws InputError if the token is not one of the hub's
 */
export function hubSource(folder: HubFolder, options: HubSourceOptions = {}): RemoteSource {
  const hub: Hub = { ...folder, fetch: options.fetch ?? globalFetch, accessToken: hubToken(options.accessToken) };
  const files = new Map<string, HubFile>();
  const file = (path: string): HubFile => {
    const known = files.get(path) ?? new HubFile(hub, folder.folder + path);
    files.set(path, known);
    return known;
  };
  const origin = `${folder.hubUrl}/${folder.repo}`;
  return {
    label: `${origin}/tree/${folder.revision}/${folder.folder}`,
    address: (path) => ({
      id: `${origin}@${folder.revision}/${folder.folder}${path}`,
      origin,
      isImmutable: /^[0-9a-f]{40}$/.test(folder.revision),
    }),
    version: (path, _, signal) => file(path).version(signal),
    async size(path, signal) {
      return (await file(path).version(signal)).size;
    },
    read: async (path, start, end, signal): Promise<Bytes> => await file(path).read(start, end, signal),
    seekable: (path) => file(path).seekable,
    sha256: (path, signal) => publishedHash(hub, folder.folder, path, signal),
  };
}

/**
 * Normalises an access token: `hf_…`, or `hf_oauth_…` from a sign-in with the hub, whose rest is a JSON Web Token.
 *
 * @throws InputError if it is not a token of the hub. The message does not repeat it.
 */
function hubToken(accessToken: string | undefined): string | undefined {
  const token = accessToken?.trim().replace(/^Bearer\s+/i, '');
  if (token === undefined || /^hf_[\w.~+/=-]+$/.test(token)) return token;
  throw new InputError(
    'options.accessToken must be a token of the hub, which begins with "hf_". Make one at ' +
      'https://huggingface.co/settings/tokens.',
  );
}

/** Finds the hash of a large file's bytes in the hub's listing. */
async function publishedHash(
  hub: Hub,
  folder: string,
  path: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const { listFiles } = await hubLibrary();
  const inRepo = folder + path;
  const listing = listFiles({
    repo: { type: 'model', name: hub.repo },
    path: inRepo.replace(/\/?[^/]*$/, ''),
    revision: encodeURIComponent(hub.revision),
    hubUrl: hub.hubUrl,
    fetch: (input, init) => hub.fetch(input, { ...init, signal: signal ?? null }),
    ...(hub.accessToken !== undefined && { accessToken: hub.accessToken }),
  });
  try {
    for await (const entry of listing) {
      const hash = entry.path === inRepo ? entry.lfs?.oid : undefined;
      if (hash !== undefined) return /^[0-9a-f]{64}$/.test(hash) ? hash : undefined;
    }
    return undefined;
  } catch (cause) {
    signal?.throwIfAborted();
    throw new SourceError(
      `The listing of ${hub.repo} could not be read. Load without \`verify\`, or try again later.`,
      { cause },
    );
  }
}
