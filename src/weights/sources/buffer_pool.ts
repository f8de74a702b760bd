/** Reusable buffers for reading streams. Otherwise the browser allocates one for each read, and garbage piles up. */

/** The length of buffers for streams: about as much as Chromium returns from one read. */
const STREAM_BUFFER_BYTES = 512 * 1024;
/** The length of buffers for readers that fill them completely. Each read is a round trip to another thread. */
const LONG_BUFFER_BYTES = 2 * 1024 * 1024;

/** A buffer that is transferred between threads: `buffer` is a new object each time it returns. */
export interface BorrowedBuffer {
  buffer: ArrayBuffer;
}

/** The buffers of one load. */
export class BufferPool {
  readonly #free: ArrayBuffer[] = [];
  readonly #freeLong: ArrayBuffer[] = [];
  readonly #lent = new WeakSet<ArrayBufferLike>();
  #allocated = 0;

  /** The number of buffers that were ever allocated. */
  get allocated(): number {
    return this.#allocated;
  }

  /**
   * Reads a stream's next bytes into a buffer of the pool, which is lent until `release`; `undefined` at the end.
   *
   * @param reader - the only reader of its stream
   */
  async read(reader: ReadableStreamBYOBReader): Promise<Uint8Array | undefined> {
    const buffer = this.#free.pop() ?? this.#allocate(STREAM_BUFFER_BYTES);
    const { done, value } = await reader.read(new Uint8Array(buffer));
    if (value === undefined) return undefined; // a cancelled stream keeps the buffer
    if (done) {
      this.#free.push(value.buffer);
      return undefined;
    }
    this.#lent.add(value.buffer);
    return value;
  }

  /**
   * Lends a long buffer until `release`.
   *
   * @param fill - fills the buffer and returns the number of bytes it wrote
   */
  async fill(fill: (lent: BorrowedBuffer) => Promise<number>): Promise<Uint8Array> {
    const lent: BorrowedBuffer = { buffer: this.#freeLong.pop() ?? this.#allocate(LONG_BUFFER_BYTES) };
    const length = await fill(lent);
    this.#lent.add(lent.buffer);
    return new Uint8Array(lent.buffer, 0, length);
  }

  /** Takes bytes back that are no longer needed. Bytes from elsewhere are ignored. */
  release({ buffer }: Uint8Array): void {
    if (!this.#lent.delete(buffer) || !(buffer instanceof ArrayBuffer)) return;
    (buffer.byteLength === LONG_BUFFER_BYTES ? this.#freeLong : this.#free).push(buffer);
  }

  /** The memory that these bytes occupy: their whole buffer if it belongs to the pool. */
  occupiedBytes({ buffer, byteLength }: Uint8Array): number {
    return this.#lent.has(buffer) ? buffer.byteLength : byteLength;
  }

  #allocate(bytes: number): ArrayBuffer {
    this.#allocated++;
    return new ArrayBuffer(bytes);
  }
}

/** Reads a stream chunk by chunk. */
export interface ChunkReader {
  /** The next bytes, to be released to the pool; `undefined` at the end. */
  next(): Promise<Uint8Array | undefined>;
  cancel(): Promise<void>;
}

/** Reads a stream into buffers of `pool` if the stream supports that (byte streams do). */
export function chunkReader(stream: ReadableStream<Uint8Array>, pool: BufferPool): ChunkReader {
  try {
    const reader = stream.getReader({ mode: 'byob' });
    return { next: () => pool.read(reader), cancel: () => reader.cancel() };
  } catch {
    const reader = stream.getReader(); // not a byte stream: it brings its own buffers
    return { next: async () => (await reader.read()).value, cancel: () => reader.cancel() };
  }
}
