/** Little-endian fields, written one after another, and read back with every length checked before it is used. */
import { FormatError, type FormatProblem } from '../errors.ts';

const utf8 = { encode: new TextEncoder(), decode: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }) };

/** Collects fields. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** All that was written. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** How many bytes were written. */
  get length(): number {
    return this.#length;
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#room(bytes.length).set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** One byte. */
  u8(value: number): void {
    this.#room(1)[this.#length++] = value;
  }

  /** Four bytes, the lowest first. */
  u32(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.u8((value >>> shift) & 255);
  }

  /** A whole number below 2^32 in groups of seven bits, the lowest first; all but the last byte have their top bit set (LEB128). */
  varint(value: number): void {
    let rest = value >>> 0;
    for (; rest > 127; rest >>>= 7) this.u8((rest & 127) | 128);
    this.u8(rest);
  }

  /** A varint with the length, then UTF-8. */
  text(text: string): void {
    this.block(utf8.encode.encode(text));
  }

  /** A varint with the length, then the bytes. */
  block(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  #room(count: number): Uint8Array<ArrayBuffer> {
    if (this.#length + count > this.#bytes.length) {
      const larger = new Uint8Array(2 * (this.#length + count));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    return this.#bytes;
  }
}

/** Reads fields. Whatever runs past the end is a FormatError. */
export class ByteReader {
  #at = 0;

  /**
   * @param bytes - what to read
   * @param what - the name of it in messages
   * @param problem - what it means when a field runs past the end
   */
  constructor(
    readonly bytes: Uint8Array,
    readonly what: string,
    readonly problem: FormatProblem = 'damaged',
  ) {}

  /** Where the next field begins. */
  get position(): number {
    return this.#at;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.bytes.length - this.#at;
  }

  /** The next `count` bytes; a view, no copy. */
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

  /** One byte. */
  u8(): number {
    return this.raw(1)[0] ?? 0;
  }

  /** Four bytes, the lowest first. */
  u32(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.raw(4);
    return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
  }

  /** A varint from `least` to `most`. */
  varint(name: string, least: number, most: number): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.u8();
      if (shift === 28 && byte > 15) throw this.damaged(`${name} is longer than a number may be`);
      value = (value | ((byte & 127) << shift)) >>> 0;
      if (byte < 128) break;
    }
    if (value < least || value > most) throw this.damaged(`${name} is ${value}, and may be ${least} to ${most}`);
    return value;
  }

  /** UTF-8 of at most `most` bytes, after its length. */
  text(name: string, most: number): string {
    const bytes = this.block(name, most);
    try {
      return utf8.decode.decode(bytes);
    } catch (cause) {
      throw this.damaged(`${name} is not UTF-8`, cause);
    }
  }

  /** At most `most` bytes, after their length. */
  block(name: string, most: number): Uint8Array {
    return this.raw(this.varint(`the length of ${name}`, 0, most));
  }

  /** The error for a value that can't be. */
  damaged(why: string, cause?: unknown): FormatError {
    return new FormatError('damaged', `${this.what} is damaged: ${why}. Fetch the file again.`, { cause });
  }
}
