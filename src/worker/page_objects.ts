/** What the page lends to the worker and can't be cloned: sources and a `fetch` while a model loads, takers of strips while one decodes. */
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

/** What was lent for one load. */
export interface Lent {
  readonly source: SentSource;
  readonly fetch: number | undefined;
  /** The load is over. */
  end(): void;
}

/** Objects of the page by number, and the methods by which the worker uses them. */
export class PageObjects {
  readonly #sources = new Map<number, ByteSource>();
  readonly #fetches = new Map<number, typeof fetch>();
  readonly #takers = new Map<number, (strip: Strip) => Promise<void>>();
  #next = 0;

  /** Answers the worker. */
  readonly handlers: Handlers<PageMethods> = {
    strip: async ({ sink, strip }) => {
      await this.#takers.get(sink)?.(strip);
      return undefined;
    },
    size: async ({ object, path }, { signal }) =>
      await sizeOf(this.#source(object), path, { signal, retry: { tries: 1 } }),
    read: async ({ object, path, start, end }, call) => {
      const answer = await this.#source(object).read(path, start, end, call.signal);
      const bytes = new Uint8Array(end - start);
      const pieces = new BufferPool();
      let at = 0;
      for await (const chunk of bytesOf(answer, pieces)) {
        if (at + chunk.length > bytes.length) break; // the worker says that it is too long, below
        bytes.set(chunk, at);
        at += chunk.length;
        pieces.release(chunk);
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
   * Makes a source ready to be sent; addresses are resolved against the page, the worker's being its script's.
   *
   * @throws InputError for what is no source
   */
  lend(input: SourceInput | Blob, options: LoadOptions, single: boolean): Lent {
    const numbers: number[] = [];
    const number = (): number => {
      numbers.push(this.#next);
      return this.#next++;
    };
    let fetch: number | undefined;
    if (options.fetch !== undefined) {
      fetch = number();
      this.#fetches.set(fetch, options.fetch);
    }
    const source = this.#send(input, options, single, number);
    return {
      source,
      fetch,
      end: () => {
        for (const id of numbers) {
          this.#sources.delete(id);
          this.#fetches.delete(id);
        }
      },
    };
  }

  /** Has someone take strips, under a number, while `work` goes on. */
  async withTaker<T>(take: (strip: Strip) => Promise<void>, work: (sink: number) => Promise<T>): Promise<T> {
    const sink = this.#next++;
    this.#takers.set(sink, take);
    try {
      return await work(sink);
    } finally {
      this.#takers.delete(sink);
    }
  }

  #send(input: SourceInput | Blob, { hubUrl }: LoadOptions, single: boolean, number: () => number): SentSource {
    if (typeof input === 'string' || input instanceof URL) {
      const reference = parseReference(input, hubUrl);
      return { kind: 'address', address: reference.kind === 'url' ? reference.url.href : String(input) };
    }
    if (single) {
      if (input instanceof Blob) return { kind: 'blob', blob: input };
      throw new InputError('The file must be its address, "owner/name/model.safetensors", or a File.');
    }
    if (input instanceof File) return { kind: 'files', files: [input] };
    if (input instanceof Blob) {
      throw new InputError('A Blob is no checkpoint folder. Give a list of Files, or load it with fromSingleFile().');
    }
    if (typeof input === 'object' && input !== null && Symbol.iterator in input) {
      const files = [...input];
      localSource(files); // complains of what is no list of files
      return { kind: 'files', files };
    }
    const source = localSource(input);
    const object = number();
    this.#sources.set(object, source);
    return { kind: 'object', object, label: source.label };
  }

  #source(object: number): ByteSource {
    const source = this.#sources.get(object);
    if (source === undefined) throw new RangeError(`source ${object} was lent for a load that is over`);
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

/** Not every browser can hand a stream over to a worker. */
function canTransferStreams(): boolean {
  const stream = new ReadableStream();
  try {
    structuredClone(stream, { transfer: [stream] });
    return true;
  } catch {
    return false;
  }
}
