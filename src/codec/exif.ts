/**
 * EXIF blocks: the facts that cameras write beside a picture. A block is a TIFF file without pixels, from its byte
 * order mark on (EXIF 3.0, CIPA DC-008, section 4.5; TIFF 6.0, section 2).
 */
import { bufferBytes } from '../brand.ts';
import { readFile, type FileInput } from './file_input.ts';

/** Facts of an EXIF block that viewers show. Each is absent if the block does not hold it. */
export interface ExifFacts {
  readonly copyright?: string;
  /** The name of the person who took the picture. */
  readonly artist?: string;
  /** When the picture was taken, as the camera wrote it: `YYYY:MM:DD HH:MM:SS`, without a time zone. */
  readonly taken?: string;
  /** The EXIF orientation, 1 to 8. */
  readonly orientation?: number;
}

const TAGS = { orientation: 0x0112, dateTime: 0x0132, artist: 0x013b, exifIfd: 0x8769, copyright: 0x8298 } as const;
const DATE_TIME_ORIGINAL = 0x9003;
/** TIFF's types of values. */
const [ASCII, SHORT, LONG] = [2, 3, 4];
/** Bytes of an entry of a directory: its tag, its type, the number of values, and the value or its offset. */
const ENTRY_BYTES = 12;
const PREFIX = 'Exif\0\0';

/** A value of a directory. */
interface Entry {
  readonly type: number;
  readonly count: number;
  /** Offset of the four bytes that hold the value, or its offset. */
  readonly at: number;
}

/**
 * Returns the EXIF block of a JPEG, PNG or WebP file; `undefined` if it has none or is of another format.
 *
 * @param file - the picture's file
 * @throws errors of reading the file
 */
export async function readExif(file: FileInput): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const bytes = await readFile(file);
  const found = jpegExif(bytes) ?? pngExif(bytes) ?? webpExif(bytes);
  const block = found && tiffBlock(found);
  return block?.slice();
}

/** Returns the facts of an EXIF block that viewers show. A damaged block gives those that can be read. */
export function describeExif(exif: ArrayBufferView | ArrayBuffer): ExifFacts {
  const given = bufferBytes(exif);
  const bytes = given && tiffBlock(given);
  if (bytes === undefined) return {};
  const block = new Block(bytes);
  const main = block.directory(block.u32(4));
  const pointer = main.get(TAGS.exifIfd);
  const details = pointer?.type === LONG ? block.directory(block.u32(pointer.at)) : new Map<number, Entry>();
  const facts = {
    copyright: block.text(main.get(TAGS.copyright)),
    artist: block.text(main.get(TAGS.artist)),
    taken: block.text(details.get(DATE_TIME_ORIGINAL)) ?? block.text(main.get(TAGS.dateTime)),
    orientation: block.orientation(main)?.value,
  };
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}

/**
 * Returns a copy of an EXIF block whose orientation is 1, for a picture that is upright. `undefined` if the bytes are
 * no EXIF block.
 */
export function uprightExif(exif: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const copy = tiffBlock(exif)?.slice();
  if (copy === undefined) return undefined;
  const block = new Block(copy);
  const orientation = block.orientation(block.directory(block.u32(4)));
  if (orientation) block.view.setUint16(orientation.at, 1, block.isLittle);
  return copy;
}

/** Reads a TIFF block. Reading past its end gives zeros. */
class Block {
  readonly view: DataView;
  readonly isLittle: boolean;

  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.isLittle = bytes[0] === 0x49;
  }

  u16(at: number): number {
    return at + 2 <= this.view.byteLength ? this.view.getUint16(at, this.isLittle) : 0;
  }

  u32(at: number): number {
    return at + 4 <= this.view.byteLength ? this.view.getUint32(at, this.isLittle) : 0;
  }

  /** The entries of a directory by their tags. */
  directory(at: number): Map<number, Entry> {
    const entries = new Map<number, Entry>();
    const end = Math.min(at + 2 + this.u16(at) * ENTRY_BYTES, this.view.byteLength - ENTRY_BYTES + 1);
    for (let i = at + 2; at > 0 && i < end; i += ENTRY_BYTES) {
      entries.set(this.u16(i), { type: this.u16(i + 2), count: this.u32(i + 4), at: i + 8 });
    }
    return entries;
  }

  text(entry: Entry | undefined): string | undefined {
    if (entry?.type !== ASCII) return undefined;
    const start = entry.count <= 4 ? entry.at : this.u32(entry.at);
    if (start + entry.count > this.view.byteLength) return undefined;
    const bytes = new Uint8Array(this.view.buffer, this.view.byteOffset + start, entry.count);
    const [text = ''] = new TextDecoder().decode(bytes).split('\0');
    return text.trim() || undefined;
  }

  orientation(main: Map<number, Entry>): { value: number; at: number } | undefined {
    const entry = main.get(TAGS.orientation);
    if (entry?.type !== SHORT) return undefined;
    const value = this.u16(entry.at);
    return value >= 1 && value <= 8 ? { value, at: entry.at } : undefined;
  }
}

/** Cuts off the prefix that a block has in JPEG. `undefined` if no TIFF header follows. */
function tiffBlock(bytes: Uint8Array): Uint8Array | undefined {
  const block = ascii(bytes, 0, PREFIX.length) === PREFIX ? bytes.subarray(PREFIX.length) : bytes;
  return ['II*\0', 'MM\0*'].includes(ascii(block, 0, 4)) && block.length >= 8 ? block : undefined;
}

function jpegExif(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined;
  for (let at = 2; bytes[at] === 0xff;) {
    const marker = bytes[at + 1] ?? 0;
    const length = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    if (marker === 0xda || length < 2) return undefined; // the pixels begin
    const segment = bytes.subarray(at + 4, at + 2 + length);
    if (marker === 0xe1 && ascii(segment, 0, PREFIX.length) === PREFIX) return segment;
    at += 2 + length;
  }
  return undefined;
}

function pngExif(bytes: Uint8Array): Uint8Array | undefined {
  return ascii(bytes, 1, 3) === 'PNG' ? chunkOf(bytes, 8, 'eXIf', false) : undefined;
}

function webpExif(bytes: Uint8Array): Uint8Array | undefined {
  const isWebp = ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 4) === 'WEBP';
  return isWebp ? chunkOf(bytes, 12, 'EXIF', true) : undefined;
}

/** The data of a chunk of PNG, or of RIFF: little-endian, its type first, padded to whole pairs, without a CRC. */
function chunkOf(bytes: Uint8Array, start: number, type: string, isRiff: boolean): Uint8Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = start; at + 8 <= bytes.length;) {
    const length = view.getUint32(isRiff ? at + 4 : at, isRiff);
    if (ascii(bytes, isRiff ? at : at + 4, 4) === type) return bytes.subarray(at + 8, at + 8 + length);
    at += 8 + length + (isRiff ? length % 2 : 4);
  }
  return undefined;
}

function ascii(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}
