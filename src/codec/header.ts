/** The header of a `.dcae` file. docs/dcae-format.md describes it byte by byte. */
import { FormatError, InputError } from '../errors.ts';
import type { CheckpointReference } from '../loading/fingerprint.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { MAX_ID_BYTES, MAX_PICTURE_SIDE, MAX_SIDES } from './check_options.ts';
import { crc32 } from './crc32.ts';
import { metadataChunks, readMetadata, type Chunk } from './metadata.ts';
import { readQuantiser, writeQuantiser, type CodedQuantiser } from './quantiser.ts';
import type { FileInfo, FileMetadata, FileMetadataInput } from './types.ts';

/** The version that is written, and the latest that is read. Version 1 is read, too. */
export const VERSION = 2;

const MAGIC = [0x44, 0x43, 0x41, 0x45]; // DCAE
/** Bytes of the magic, the version, the coding and the header's length. */
export const FIXED_BYTES = 10;
/** The most bytes of a header. An ICC profile, the largest part, has some hundred KiB. */
const MAX_HEADER_BYTES = 2 ** 24;
const CODINGS = ['quantised', 'f32', 'f16'] as const;

/** The contents of a header. */
export interface Header {
  readonly coding: FileInfo['coding'];
  readonly checkpoint: CheckpointReference;
  readonly url: string | undefined;
  readonly image: FileInfo['image'];
  readonly latent: FileInfo['latent'];
  /** The first channels that the writer kept. */
  readonly kept: number;
  /** The channels that the payload holds, in ascending order, all below `kept`. The others are zero. */
  readonly coded: readonly number[];
  /** `undefined` if the numbers are exact. */
  readonly quantiser: CodedQuantiser | undefined;
  readonly metadata: FileMetadata;
}

/** A header that was read. */
export interface ReadHeader extends Header {
  readonly version: number;
  /** Bytes of the header. */
  readonly length: number;
}

/** A header that is to be written. */
export type HeaderInput = Omit<Header, 'metadata'> & { readonly metadata: FileMetadataInput };

/** Writes a header, with its checksum. */
export function writeHeader(header: HeaderInput): Uint8Array<ArrayBuffer> {
  const { coding, checkpoint, url, image, latent, kept, coded, quantiser, metadata } = header;
  const body = new ByteWriter();
  for (const side of latent) body.varint(side);
  body.varint(image?.height ?? 0);
  body.varint(image?.width ?? 0);
  body.raw(fingerprintBytes(checkpoint.encoder));
  body.raw(fingerprintBytes(checkpoint.decoder));
  body.text(checkpoint.id ?? '');
  body.varint(kept);
  body.raw(maskOf(kept, coded));
  if (quantiser !== undefined) writeQuantiser(body, quantiser);
  for (const { type, data } of metadataChunks(metadata, url)) {
    body.raw(Uint8Array.from(type, (letter) => letter.charCodeAt(0)));
    body.block(data);
  }
  const length = FIXED_BYTES + body.length + 4;
  if (length > MAX_HEADER_BYTES) {
    throw new InputError(
      `The metadata takes ${body.length} bytes; a header may have ${MAX_HEADER_BYTES}. Leave out or shorten a field.`,
    );
  }
  const file = new ByteWriter();
  file.raw(Uint8Array.from([...MAGIC, VERSION, CODINGS.indexOf(coding)]));
  file.u32(length);
  file.raw(body.bytes);
  file.u32(crc32(file.bytes));
  return file.bytes;
}

/**
 * Returns the length of a header in bytes, given the file's first 10.
 *
 * @throws FormatError if they are not the beginning of a file of this version
 */
export function headerBytes(start: Uint8Array): number {
  const given = Math.min(start.length, MAGIC.length);
  if (given === 0 || MAGIC.slice(0, given).some((byte, i) => byte !== start[i])) {
    throw new FormatError('not-dcae', `This is not a .dcae file${start.length === 0 ? ': it is empty' : ''}.`);
  }
  const reader = new ByteReader(start.subarray(0, FIXED_BYTES), 'The beginning of the file', 'truncated');
  reader.raw(MAGIC.length);
  const version = reader.u8();
  if (version > VERSION || version === 0) {
    throw new FormatError(
      'version',
      `The file has version ${version} of the format; this program reads versions up to ${VERSION}. Use a ` +
        'later version of the program.',
    );
  }
  reader.u8();
  const length = reader.u32();
  if (length < FIXED_BYTES + 4 || length > MAX_HEADER_BYTES) {
    throw new FormatError(
      'damaged',
      `The file is damaged: the length of its header is ${length} bytes. Fetch the file again.`,
    );
  }
  return length;
}

/**
 * Reads a header.
 *
 * @param bytes - the file, or its beginning with the header
 * @throws FormatError if the header is damaged, incomplete or of another version
 */
export function readHeader(bytes: Uint8Array): ReadHeader {
  const length = headerBytes(bytes);
  if (bytes.length < length) {
    throw new FormatError(
      'truncated',
      `The file ends inside its header, after ${bytes.length} of ${length} bytes. Fetch the file again.`,
    );
  }
  const crc = new ByteReader(bytes.subarray(length - 4, length), 'The header').u32();
  if (crc !== crc32(bytes.subarray(0, length - 4))) {
    throw new FormatError('damaged', "The file's header is damaged: its checksum is wrong. Fetch the file again.");
  }
  const version = bytes[MAGIC.length] ?? 0;
  const coding = CODINGS[bytes[5] ?? 0];
  if (coding === undefined) {
    throw new FormatError(
      'unsupported',
      `The file has the unknown coding ${bytes[5]}. Use a later version of the program.`,
    );
  }
  const body = new ByteReader(bytes.subarray(FIXED_BYTES, length - 4), 'The header');
  const side = (name: string, most: number): number => body.varint(name, 1, most);
  const latent = [
    side('the batch', MAX_SIDES[0]),
    side('channels', MAX_SIDES[1]),
    side('height', MAX_SIDES[2]),
    side('width', MAX_SIDES[3]),
  ] as const;
  const height = body.varint("the picture's height", 0, MAX_PICTURE_SIDE);
  const width = body.varint("the picture's width", 0, MAX_PICTURE_SIDE);
  if ((height === 0) !== (width === 0)) throw body.damaged('the picture has a height of 0 or a width of 0');
  const checkpoint = {
    encoder: fingerprintText(body.raw(8)),
    decoder: fingerprintText(body.raw(8)),
    id: body.text('the checkpoint', MAX_ID_BYTES) || undefined,
  };
  const [, channels] = latent;
  const kept = version === 1 ? channels : body.varint('kept channels', 1, channels);
  const coded = version === 1 ? [...Array(kept).keys()] : readMask(body, kept);
  const quantiser = coding === 'quantised' ? readQuantiser(body, coded.length, version) : undefined;
  const chunks: Chunk[] = [];
  while (body.left > 0) {
    const type = String.fromCharCode(...body.raw(4));
    chunks.push({ type, data: body.block(`the chunk ${JSON.stringify(type)}`, MAX_HEADER_BYTES) });
  }
  const { metadata, url } = readMetadata(chunks);
  return {
    version,
    coding,
    checkpoint,
    url,
    image: height === 0 ? undefined : { height, width },
    latent,
    kept,
    coded,
    quantiser,
    metadata,
    length,
  };
}

/** One bit for each kept channel, the lowest bit of a byte first: whether the channel is coded. */
function maskOf(kept: number, coded: readonly number[]): Uint8Array {
  const mask = new Uint8Array(Math.ceil(kept / 8));
  for (const c of coded) mask[c >> 3] = (mask[c >> 3] ?? 0) | (1 << (c & 7));
  return mask;
}

function readMask(body: ByteReader, kept: number): number[] {
  const mask = body.raw(Math.ceil(kept / 8));
  const coded = [...Array(8 * mask.length).keys()].filter((c) => ((mask[c >> 3] ?? 0) >> (c & 7)) & 1);
  if ((coded.at(-1) ?? 0) >= kept) throw body.damaged(`channel ${coded.at(-1)} is coded, but only ${kept} are kept`);
  return coded;
}

function fingerprintBytes(hex: string | undefined): Uint8Array {
  return Uint8Array.from({ length: 8 }, (_, i) => Number.parseInt(hex?.slice(2 * i, 2 * i + 2) ?? '0', 16));
}

/** Eight zero bytes mean that there is no fingerprint. */
function fingerprintText(bytes: Uint8Array): string | undefined {
  if (bytes.every((byte) => byte === 0)) return undefined;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
