/** Little-endian fields. Readers check every length before they use it. */
import { FormatError, type FormatProblem } from '../errors.ts';

const utf8 = { encode: new TextEncoder(), decode: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }) };

/** Writes fields one after another. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** Returns a copy of all bytes written so far. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** Number of bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Writes bytes unchanged. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length).set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Writes one byte. */
  u8(value: number): void {
    this.#reserve(1)[this.#length++] = value;
  }

  /** Writes four bytes, the lowest first. */
  u32(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.u8((value >>> shift) & 255);
  }

  /**
   * Writes a whole number below 2^32 in groups of seven bits, the lowest first. All bytes but the last have their top
   * bit set (LEB128).
   */
  varint(value: number): void {
    let rest = value >>> 0;
    for (; rest > 127; rest >>>= 7) this.u8((rest & 127) | 128);
    this.u8(rest);
  }

  /** Writes a varint with the length, then UTF-8. */
  text(text: string): void {
    this.block(utf8.encode.encode(text));
  }

  /** Writes a varint with the length, then the bytes. */
  block(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  #reserve(count: number): Uint8Array<ArrayBuffer> {
    if (this.#length + count > this.#bytes.length) {
      const larger = new Uint8Array(2 * (this.#length + count));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    return this.#bytes;
  }
}

/** Reads fields. A field that runs past the end is a FormatError. */
export class ByteReader {
  #at = 0;

  /**
   * @param bytes - the bytes to read
   * @param what - their name in messages
   * @param problem - the problem to report if a field runs past the end
   */
  constructor(
    readonly bytes: Uint8Array,
    readonly what: string,
    readonly problem: FormatProblem = 'damaged',
  ) {}

  /** Offset of the next field. */
  get position(): number {
    return this.#at;
  }

  /** Number of bytes left. */
  get left(): number {
    return this.bytes.length - this.#at;
  }

  /** Reads the next `count` bytes as a view, without a copy. */
  raw(count: number): Uint8Array {
    if (count > this.left) {
      throw new FormatError(
        this.problem,
        `${this.what} ends ${count - this.left} bytes too early. Fetch the file again.`,
      );
    }
    this.#at += count;
    return this.bytes.subarray(this.#at - count, this.#at);
  }

  /** Reads one byte. */
  u8(): number {
    return this.raw(1)[0] ?? 0;
  }

  /** Reads four bytes, the lowest first. */
  u32(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.raw(4);
    return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
  }

  /** Reads a varint from `least` to `most`. */
  varint(name: string, least: number, most: number): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.u8();
      if (shift === 28 && byte > 15) throw this.damaged(`${name} is longer than 32 bits`);
      value = (value | ((byte & 127) << shift)) >>> 0;
      if (byte < 128) break;
    }
    if (value < least || value > most) throw this.damaged(`${name} is ${value}; it must be ${least} to ${most}`);
    return value;
  }

  /** Reads a length, then UTF-8 of at most `most` bytes. */
  text(name: string, most: number): string {
    const bytes = this.block(name, most);
    try {
      return utf8.decode.decode(bytes);
    } catch (cause) {
      throw this.damaged(`${name} is not UTF-8`, cause);
    }
  }

  /** Reads a length, then at most `most` bytes. */
  block(name: string, most: number): Uint8Array {
    return this.raw(this.varint(`the length of ${name}`, 0, most));
  }

  /** Returns the error for an invalid value. */
  damaged(why: string, cause?: unknown): FormatError {
    return new FormatError('damaged', `${this.what} is damaged: ${why}. Fetch the file again.`, { cause });
  }
}
