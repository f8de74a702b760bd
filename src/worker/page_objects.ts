/**
 * Objects of the page that cannot be cloned. The worker uses them by id: sources and a `fetch` during a load, sinks of
 * strips during a run.
 */
import { isBlob, isFile, isUrl } from '../brand.ts';
import { InputError } from '../errors.ts';
import type { ByteSource } from '../weights/sources/byte_source.ts';
import { parseReference } from '../weights/sources/reference.ts';
import { BufferPool } from '../weights/sources/buffer_pool.ts';
import { bytesOf, sizeOf } from '../weights/read/read.ts';
import { localSource, type SourceInput } from '../weights/sources/open_source.ts';
import type { LoadOptions } from '../loading/load_options.ts';
import type { Strip } from '../runtime/strips.ts';
import type { CallContext, Handlers } from '../rpc/channel.ts';
import type { PageMethods, SentResponse, SentSource } from './protocol.ts';

/** Objects that are lent for one load. */
export interface Lent {
  readonly source: SentSource;
  readonly fetch: number | undefined;
  /** Ends the loan, when the load has ended. */
  end(): void;
}

/** The lent objects by id, and the methods that the worker calls on them. */
export class PageObjects {
  readonly #sources = new Map<number, ByteSource>();
  readonly #fetches = new Map<number, typeof fetch>();
  readonly #sinks = new Map<number, (strip: Strip) => Promise<void>>();
  #nextId = 0;

  /** The methods that the page serves to the worker. */
  readonly handlers: Handlers<PageMethods> = {
    strip: async ({ sink, strip }) => {
      await this.#sinks.get(sink)?.(strip);
      return undefined;
    },
    size: async ({ object, path }, { signal }) =>
      await sizeOf(this.#source(object), path, { signal, retry: { tries: 1 } }),
    read: async ({ object, path, start, end }, call) => {
      const answer = await this.#source(object).read(path, start, end, call.signal);
      const bytes = new Uint8Array(end - start);
      const buffers = new BufferPool();
      let at = 0;
      for await (const chunk of bytesOf(answer, buffers)) {
        if (at + chunk.length > bytes.length) break; // The surplus is dropped; reading checks lengths in the worker.
        bytes.set(chunk, at);
        at += chunk.length;
        buffers.release(chunk);
      }
      call.transfer(bytes.buffer);
      return bytes.subarray(0, at);
    },
    fetch: async ({ fetch, url, method, headers, cache }, call) => {
      const own = this.#fetches.get(fetch) ?? globalThis.fetch;
      const init = { method, headers: headers.map(([name, value]): [string, string] => [name, value]) };
      const response = await own(url, { ...init, ...(cache !== undefined && { cache }), signal: call.signal });
      return await sendResponse(response, call);
    },
  };

  /**
   * Makes a source ready to be sent. Addresses are resolved against the page, because the worker's base URL is its
   * script's.
   *
   * @throws InputError if the input is not a source
   */
  lend(input: SourceInput | Blob, options: LoadOptions, single: boolean): Lent {
    const ids: number[] = [];
    const newId = (): number => {
      ids.push(this.#nextId);
      return this.#nextId++;
    };
    let fetch: number | undefined;
    if (options.fetch !== undefined) {
      fetch = newId();
      this.#fetches.set(fetch, options.fetch);
    }
    const source = this.#send(input, options, single, newId);
    return {
      source,
      fetch,
      end: () => {
        for (const id of ids) {
          this.#sources.delete(id);
          this.#fetches.delete(id);
        }
      },
    };
  }

  /** Lends a sink of strips to the worker while `work` runs. */
  async withSink<T>(take: (strip: Strip) => Promise<void>, work: (sink: number) => Promise<T>): Promise<T> {
    const sink = this.#nextId++;
    this.#sinks.set(sink, take);
    try {
      return await work(sink);
    } finally {
      this.#sinks.delete(sink);
    }
  }

  #send(input: SourceInput | Blob, { hubUrl }: LoadOptions, single: boolean, newId: () => number): SentSource {
    if (typeof input === 'string' || isUrl(input)) {
      const reference = parseReference(input, hubUrl);
      return { kind: 'address', address: reference.kind === 'url' ? reference.url.href : String(input) };
    }
    if (single) {
      if (isBlob(input)) return { kind: 'blob', blob: input };
      throw new InputError('The file must be a URL, "owner/name/model.safetensors" on the hub, or a File.');
    }
    if (isFile(input)) return { kind: 'files', files: [input] };
    if (isBlob(input)) {
      throw new InputError(
        'A Blob is not a checkpoint folder. Pass a list of Files, or load the Blob with fromSingleFile().',
      );
    }
    if (typeof input === 'object' && input !== null && Symbol.iterator in input) {
      const files = [...input];
      localSource(files); // Throws if it is not a list of files.
      return { kind: 'files', files };
    }
    const source = localSource(input);
    const object = newId();
    this.#sources.set(object, source);
    return { kind: 'object', object, label: source.label };
  }

  #source(object: number): ByteSource {
    const source = this.#sources.get(object);
    if (source === undefined) throw new RangeError(`source ${object} was lent for a load that has ended`);
    return source;
  }
}

async function sendResponse(response: Response, call: CallContext): Promise<SentResponse> {
  const { status, statusText, body } = response;
  const head = { status, statusText, headers: [...response.headers] };
  if (body === null) return { ...head, body };
  if (canTransferStreams()) {
    call.transfer(body);
    return { ...head, body };
  }
  const bytes = await response.arrayBuffer();
  call.transfer(bytes);
  return { ...head, body: bytes };
}

/** Whether this browser can move a stream to a worker. */
function canTransferStreams(): boolean {
  const stream = new ReadableStream();
  try {
    structuredClone(stream, { transfer: [stream] });
    return true;
  } catch {
    return false;
  }
}
