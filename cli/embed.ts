/** Puts EXIF blocks and ICC profiles into picture files. sharp would rewrite the block and convert the colours. */
import { crc32, deflateSync } from 'node:zlib';

/** Metadata of a picture, as .dcae files hold it. */
export interface Embedded {
  /** From the byte order mark on. */
  readonly exif?: Uint8Array | undefined;
  readonly icc?: Uint8Array | undefined;
}

/** Bytes of a JPEG segment, without its marker and length. */
const MAX_SEGMENT_BYTES = 65_533;

/**
 * Returns a picture file with metadata in it.
 *
 * @param file - a PNG or JPEG file without metadata
 * @returns undefined if the format is another, or if a block is too large for JPEG
 */
export function embed(file: Uint8Array, format: string, { exif, icc }: Embedded): Uint8Array | undefined {
  if (format === 'png') {
    const name = Buffer.from('ICC profile\0\0');
    return insert(file, 8 + 25, [
      ...(icc ? [pngChunk('iCCP', Buffer.concat([name, deflateSync(icc)]))] : []),
      ...(exif ? [pngChunk('eXIf', exif)] : []),
    ]);
  }
  if (format !== 'jpeg') return undefined;
  const segments = [
    ...(exif ? [{ marker: 0xe1, data: Buffer.concat([Buffer.from('Exif\0\0'), exif]) }] : []),
    ...(icc ? [{ marker: 0xe2, data: Buffer.concat([Buffer.from('ICC_PROFILE\0\x01\x01'), icc]) }] : []),
  ];
  if (segments.some(({ data }) => data.length > MAX_SEGMENT_BYTES)) return undefined;
  return insert(
    file,
    2,
    segments.map(({ marker, data }) => {
      const head = Buffer.from([0xff, marker, 0, 0]);
      head.writeUInt16BE(data.length + 2, 2);
      return Buffer.concat([head, data]);
    }),
  );
}

function insert(file: Uint8Array, at: number, parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([file.subarray(0, at), ...parts, file.subarray(at)]);
}

function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  crc.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, crc]);
}
