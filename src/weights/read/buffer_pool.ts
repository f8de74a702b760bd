/** Buffers that streams are read into, used again and again: what a browser allocates for each read is garbage that piles up. */

/** For streams: about what Chromium gives in one read. */
const pieceBytes = 512 * 1024;
/** For whatever gives as many bytes as are asked for: each time costs a way to another thread and back. */
const longPieceBytes = 2 * 1024 * 1024;

/** A buffer that is handed to and fro between threads: a new object each time that it comes back. */
export interface BorrowedBuffer {
  buffer: ArrayBuffer;
}

/** The buffers of one load. */
export class BufferPool {
  readonly #free: ArrayBuffer[] = [];
  readonly #freeLong: ArrayBuffer[] = [];
  readonly #lent = new WeakSet<ArrayBufferLike>();
  #made = 0;

  /** How many buffers were ever made. */
  get made(): number {
    return this.#made;
  }

  /**
   * Reads the stream's next bytes into a buffer of ours, which is lent until `release`; `undefined` at its end.
   *
   * @param reader - of a stream that is read by nobody else
   */
  async read(reader: ReadableStreamBYOBReader): Promise<Uint8Array | undefined> {
    const buffer = this.#free.pop() ?? this.#make(pieceBytes);
    const { done, value } = await reader.read(new Uint8Array(buffer));
    if (value === undefined) return undefined; // the stream was cancelled, and keeps the buffer
    if (done) {
      this.#free.push(value.buffer);
      return undefined;
    }
    this.#lent.add(value.buffer);
    return value;
  }

  /** A long buffer of ours with as many bytes as `fill` says that it put there, lent until `release`. */
  async fill(fill: (lent: BorrowedBuffer) => Promise<number>): Promise<Uint8Array> {
    const lent: BorrowedBuffer = { buffer: this.#freeLong.pop() ?? this.#make(longPieceBytes) };
    const length = await fill(lent);
    this.#lent.add(lent.buffer);
    return new Uint8Array(lent.buffer, 0, length);
  }

  /** The bytes aren't needed any more: where their buffer is one of ours, it may be filled again. */
  release({ buffer }: Uint8Array): void {
    if (!this.#lent.delete(buffer) || !(buffer instanceof ArrayBuffer)) return;
    (buffer.byteLength === longPieceBytes ? this.#freeLong : this.#free).push(buffer);
  }

  /** Memory that these bytes keep busy. */
  sizeOf({ buffer, byteLength }: Uint8Array): number {
    return this.#lent.has(buffer) ? buffer.byteLength : byteLength;
  }

  #make(bytes: number): ArrayBuffer {
    this.#made++;
    return new ArrayBuffer(bytes);
  }
}

/** Reads a stream piece by piece, into buffers of `pieces` where it lets us. */
export function piecesOf(
  stream: ReadableStream<Uint8Array>,
  pieces: BufferPool,
): { next(): Promise<Uint8Array | undefined>; cancel(): Promise<void> } {
  try {
    const reader = stream.getReader({ mode: 'byob' });
    return { next: () => pieces.read(reader), cancel: () => reader.cancel() };
  } catch {
    // not a stream of bytes: it makes its own buffers
    const reader = stream.getReader();
    return { next: async () => (await reader.read()).value, cancel: () => reader.cancel() };
  }
}
