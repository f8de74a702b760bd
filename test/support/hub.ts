// A stand-in for huggingface.co. It serves repositories to `@huggingface/hub` as the hub does: small files directly,
// large files through a redirect to a second origin or as chunks in Xet storage.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sendBytes, type Fault } from './hub_faults.ts';
import type { VirtualFile } from './hash_file.ts';

export type { Fault } from './hub_faults.ts';

/** One request that the hub received. */
export interface HubRequest {
  readonly method: string;
  /** The path without query: `/cdn/owner/name/path` for the second origin, `/xorb/owner/name/path` for Xet storage. */
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
  /** Bytes of body that were sent. */
  sent: number;
}

/** Settings of a hub. Tests change them at any time. */
export interface HubBehaviour {
  /** Whether large files are in Xet storage. */
  xet: boolean;
  /** Whether large files are redirected to another origin, as the hub does. */
  redirect: boolean;
  /** The token that requests need. Without it, no repository is found. */
  token: string | undefined;
  /** Returns the fault of a request. */
  fault: ((request: HubRequest) => Fault | undefined) | undefined;
}

/** A running hub. */
export interface Hub extends HubBehaviour {
  readonly url: string;
  readonly log: HubRequest[];
  /** Puts a file into every revision of a repository. */
  put(repo: string, path: string, file: VirtualFile | Uint8Array | string): void;
  remove(repo: string, path: string): void;
  /** Bytes of bodies sent so far. */
  sent(): number;
  close(): Promise<void>;
}

const commit = '0123456789abcdef0123456789abcdef01234567';
const largeBytes = 100_000;
/** Bytes of a Xet chunk. On the wire, each has a header of 8 bytes and is not compressed. */
const chunkBytes = 65_536;
const exposed =
  'ETag, Content-Range, Content-Length, Accept-Ranges, Link, X-Linked-Size, X-Linked-ETag, X-Repo-Commit, X-Error-Code, X-Error-Message, X-Xet-Hash';

interface StoredFile extends VirtualFile {
  readonly id: string;
  /** `owner/name/path`. */
  readonly name: string;
  readonly etag: string;
  readonly sha256: () => string;
}

/** Starts a hub on free ports of this machine. */
export async function startHub(behaviour: Partial<HubBehaviour> = {}): Promise<Hub> {
  const repos = new Map<string, Map<string, StoredFile>>();
  const byId = new Map<string, StoredFile>();
  const log: HubRequest[] = [];
  let versions = 0;

  const handle = async (request: IncomingMessage, response: ServerResponse, isCdn: boolean): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://hub');
    const path = decodeURIComponent(url.pathname);
    const { range, authorization } = request.headers;
    const id = /^\/(?:cdn|xorb)\/(\w+)$/.exec(path)?.[1] ?? '';
    const shown = path.replace(id, byId.get(id)?.name ?? id);
    const entry = { method: request.method ?? 'GET', path: shown, range, authorization, sent: 0 };
    log.push(entry);
    const fault = hub.fault?.(entry);
    if (fault?.hideFromPages !== true) {
      response.setHeader('access-control-allow-origin', '*');
      response.setHeader('access-control-expose-headers', exposed);
    }
    if (request.method === 'OPTIONS') {
      response.writeHead(204, {
        'access-control-allow-headers': 'authorization, range, accept',
        'access-control-allow-methods': 'GET, HEAD, OPTIONS',
        'access-control-max-age': '600',
      });
      response.end();
      return;
    }
    const reply: Reply = { request, response, entry, fault, range: parseRange(range) };
    if (isCdn) await sendFile(reply, byId.get(id));
    else await route(reply, url.pathname);
  };

  const route = async (reply: Reply, path: string): Promise<void> => {
    const { response, request } = reply;
    // A revision is one part of the path, since its slashes are escaped.
    const match =
      /^\/(?:api\/models\/)?([^/]+\/[^/]+)\/(?:tree\/[^/]+\/?(.*)|(?:resolve|raw)\/[^/]+\/(.+))$/.exec(path) ?? [];
    const [, repoId, listing, file] = match.map((part: string | undefined) => part && decodeURIComponent(part));
    const xet = /^\/(?:(xet-token)|v2\/reconstructions\/(\w+)|xorb\/(\w+))$/.exec(path);
    if (xet?.[1] !== undefined) {
      sendJson(response, { accessToken: 't', casUrl: hub.url, exp: Date.now() / 1000 + 3600 });
    } else if (xet?.[2] !== undefined) {
      sendJson(response, reconstruction(`${hub.url}/xorb`, xet[2], byId.get(xet[2]), reply.range));
    } else if (xet?.[3] !== undefined) {
      await sendXorb(reply, byId.get(xet[3]));
    } else if (repoId === undefined) {
      refuse(response, 404, 'NotFound', 'no such route in the stand-in');
    } else {
      const files = repos.get(repoId);
      const known = hub.token === undefined || request.headers.authorization === `Bearer ${hub.token}`;
      if (files === undefined || !known) refuse(response, 401, 'RepoNotFound', 'Repository not found');
      else if (file === undefined) sendJson(response, list(files, listing ?? ''));
      else await resolveFile(reply, files.get(file));
    }
  };

  const resolveFile = async (reply: Reply, file: StoredFile | undefined): Promise<void> => {
    const { response, request } = reply;
    if (file === undefined) {
      refuse(response, 404, 'EntryNotFound', 'Entry not found');
      return;
    }
    response.setHeader('x-repo-commit', commit);
    if (hub.xet && file.size > largeBytes && request.headers.accept?.includes('xet-fileinfo') === true) {
      response.writeHead(200, {
        etag: file.etag,
        'content-type': 'application/vnd.xet-fileinfo+json',
        'x-linked-size': file.size,
        'x-linked-etag': reply.fault?.etag ?? file.etag,
        'x-xet-hash': file.id,
        link: `<${hub.url}/xet-token>; rel="xet-auth", <${hub.url}/v1/reconstructions/${file.id}>; rel="xet-reconstruction-info"`,
      });
      response.end('{}');
    } else if (hub.redirect && file.size > largeBytes && reply.fault === undefined) {
      response.writeHead(302, { location: `${cdnUrl}/cdn/${file.id}?signature=secret`, 'x-linked-etag': file.etag });
      response.end();
    } else {
      await sendFile(reply, file);
    }
  };

  const servers: Server[] = [];
  const listen = async (isCdn: boolean): Promise<string> => {
    const server = createServer((request, response) => {
      handle(request, response, isCdn).catch((error: unknown) => response.destroy(error as Error));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const url = await listen(false);
  const cdnUrl = await listen(true);
  const hub: Hub = {
    xet: false,
    redirect: true,
    token: undefined,
    fault: undefined,
    ...behaviour,
    url,
    log,
    put(repo, path, file) {
      const stored = store(file, `${repo}/${path}`, ++versions);
      byId.set(stored.id, stored);
      const files = repos.get(repo) ?? new Map<string, StoredFile>();
      repos.set(repo, files.set(path, stored));
    },
    remove: (repo, path) => void repos.get(repo)?.delete(path),
    sent: () => log.reduce((sum, entry) => sum + entry.sent, 0),
    async close() {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
  return hub;
}

interface Reply {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly entry: HubRequest;
  readonly fault: Fault | undefined;
  readonly range: readonly [start: number, end: number] | undefined;
}

function store(file: VirtualFile | Uint8Array | string, name: string, version: number): StoredFile {
  const bytes = typeof file === 'string' ? new TextEncoder().encode(file) : file;
  const virtual = bytes instanceof Uint8Array ? inMemory(bytes) : bytes;
  const id = createHash('sha256').update(`${name} ${version}`).digest('hex');
  let sha256: string | undefined;
  const hashed = (): string => {
    const hash = createHash('sha256');
    for (let at = 0; at < virtual.size; at += 2 ** 22)
      hash.update(virtual.read(at, Math.min(virtual.size, at + 2 ** 22)));
    return hash.digest('hex');
  };
  return { ...virtual, id, name, etag: `"${id}"`, sha256: () => (sha256 ??= hashed()) };
}

function inMemory(bytes: Uint8Array): VirtualFile {
  return { size: bytes.length, read: (start, end) => bytes.subarray(start, end) };
}

function parseRange(header: string | undefined): readonly [number, number] | undefined {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(header ?? '') ?? [];
  return first === undefined ? undefined : [Number(first), last === '' ? Infinity : Number(last) + 1];
}

function list(files: ReadonlyMap<string, StoredFile>, folder: string): object[] {
  const prefix = folder === '' ? '' : `${folder.replace(/\/$/, '')}/`;
  return [...files]
    .filter(([path]) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
    .map(([path, { size, sha256 }]) => ({
      type: 'file',
      oid: commit,
      size,
      path,
      ...(size > largeBytes && { lfs: { oid: sha256(), size, pointerSize: 134 } }),
    }));
}

async function sendFile(
  { request, response, entry, fault, range }: Reply,
  file: StoredFile | undefined,
): Promise<void> {
  if (file === undefined) {
    refuse(response, 404, 'EntryNotFound', 'Entry not found');
    return;
  }
  const headers = {
    etag: fault?.etag ?? file.etag,
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    ...fault?.headers,
  };
  const asked = fault?.ignoreRange === true ? undefined : range;
  const [start, end] = [asked?.[0] ?? 0, Math.min(asked?.[1] ?? file.size, file.size)];
  if (asked !== undefined && start >= file.size) {
    response.writeHead(416, { ...headers, 'content-range': `bytes */${file.size}` }).end();
    return;
  }
  const shift = fault?.shiftRange ?? 0;
  response.writeHead(fault?.status ?? (asked === undefined ? 200 : 206), {
    ...headers,
    ...(fault?.truncateAfter === undefined && { 'content-length': end - start }),
    ...(asked !== undefined && { 'content-range': `bytes ${start + shift}-${end - 1 + shift}/${file.size}` }),
  });
  if (request.method === 'HEAD' || fault?.status !== undefined) response.end();
  else await sendBytes(response, entry, fault, start, end, (from, to) => file.read(from, to));
}

/** The chunks that hold a range. Here, every file is one xorb. */
function reconstruction(
  xorbs: string,
  hash: string,
  file: StoredFile | undefined,
  range: readonly [number, number] | undefined,
): object {
  if (file === undefined) return {};
  const [start, end] = [range?.[0] ?? 0, Math.min(range?.[1] ?? file.size, file.size)];
  const [first, last] = [Math.floor(start / chunkBytes), Math.ceil(end / chunkBytes)];
  const unpacked = Math.min(last * chunkBytes, file.size);
  const bytes = { start: first * (chunkBytes + 8), end: unpacked + last * 8 - 1 };
  return {
    offset_into_first_range: start - first * chunkBytes,
    terms: [{ hash, unpacked_length: unpacked - first * chunkBytes, range: { start: first, end: last } }],
    xorbs: { [hash]: [{ url: `${xorbs}/${hash}`, ranges: [{ chunks: { start: first, end: last }, bytes }] }] },
  };
}

async function sendXorb({ response, entry, fault, range }: Reply, file: StoredFile | undefined): Promise<void> {
  if (file === undefined || range === undefined) {
    refuse(response, 404, 'NotFound', 'no such xorb');
    return;
  }
  const [start, end] = range;
  if (fault?.status !== undefined) {
    response.writeHead(fault.status, fault.headers).end();
    return;
  }
  response.writeHead(206, {
    'content-range': `bytes ${start}-${end - 1}/*`,
    ...(fault?.truncateAfter === undefined && { 'content-length': end - start }),
  });
  const packed = chunkBytes + 8;
  await sendBytes(response, entry, fault, start, end, (from, to) => {
    const parts: Uint8Array[] = [];
    for (let chunk = Math.floor(from / packed); chunk * packed < to; chunk++) {
      const length = Math.min(chunkBytes, file.size - chunk * chunkBytes);
      const header = new DataView(new ArrayBuffer(8));
      header.setUint32(0, length << 8, true); // version 0, then the packed length in 24 bits
      header.setUint32(4, length << 8, true); // not compressed, then the unpacked length
      parts.push(new Uint8Array(header.buffer), file.read(chunk * chunkBytes, chunk * chunkBytes + length));
    }
    const skip = from % packed;
    return Buffer.concat(parts).subarray(skip, skip + to - from);
  });
}

function sendJson(response: ServerResponse, body: object): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'x-error-code': code, 'x-error-message': message, 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: message }));
}
