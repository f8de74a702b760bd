import { InputError, SourceError } from '../../errors.ts';
import type { Bytes } from './byte_source.ts';
import { HubFile, type Hub } from './hub_file.ts';
import { hubLibrary } from './hub_library.ts';
import type { RemoteSource } from './remote_source.ts';
import { globalFetch } from './url_source.ts';

/** Which folder of which repository. */
export interface HubFolder {
  readonly hubUrl: string;
  /** `owner/name`. */
  readonly repo: string;
  /** A branch, a tag or a commit's hash. */
  readonly revision: string;
  /** Empty for the repository's top; else with a slash at its end. */
  readonly folder: string;
}

/** How a hub is asked. */
export interface HubSourceOptions {
  /** Used in place of the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** For private and gated repositories: begins with `hf_`. */
  readonly accessToken?: string | undefined;
}

/**
 * Reads a folder of a repository through `@huggingface/hub`, which is imported when the first byte is asked for. Files in Xet storage
 * come as chunks from there, all others by HTTP ranges.
 *
 * Reads reject with a SourceError: its `status` where the hub refused, none where the network failed.
 *
 * @throws InputError for a token that can't be one
 */
export function hubSource(place: HubFolder, { fetch: own, accessToken }: HubSourceOptions = {}): RemoteSource {
  if (accessToken !== undefined && !/^hf_\w+$/.test(accessToken)) {
    throw new InputError(
      'options.accessToken must be a token of the hub, which begins with "hf_". Make one at https://huggingface.co/settings/tokens.',
    );
  }
  const hub: Hub = { ...place, fetch: own ?? globalFetch, accessToken };
  const files = new Map<string, HubFile>();
  const file = (path: string): HubFile => {
    const known = files.get(path) ?? new HubFile(hub, place.folder + path);
    files.set(path, known);
    return known;
  };
  const origin = `${place.hubUrl}/${place.repo}`;
  return {
    label: `${origin}/tree/${place.revision}/${place.folder}`,
    address: (path) => ({
      id: `${origin}@${place.revision}/${place.folder}${path}`,
      origin,
      fixed: /^[0-9a-f]{40}$/.test(place.revision),
    }),
    version: (path, _, signal) => file(path).version(signal),
    async size(path, signal) {
      return (await file(path).version(signal)).size;
    },
    read: async (path, start, end, signal): Promise<Bytes> => await file(path).read(start, end, signal),
    seekable: (path) => file(path).seekable,
    sha256: (path, signal) => publishedHash(hub, place.folder, path, signal),
  };
}

/** What the hub's listing says of a large file: the hash of its bytes. */
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
    throw new SourceError(`The listing of ${hub.repo} could not be had. Load without \`verify\`, or try again later.`, {
      cause,
    });
  }
}
