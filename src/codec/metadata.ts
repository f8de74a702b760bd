/**
 * The chunks at the end of a header. As in PNG, a reader must know a chunk whose type begins with a capital, and may
 * skip all others.
 */
import { FormatError, InputError } from '../errors.ts';
import { bufferBytes } from '../brand.ts';
import { ByteReader } from './bytes.ts';
import { describeExif, uprightExif } from './exif.ts';
import type { FileMetadata, FileMetadataInput } from './types.ts';

/** A field of the header: its type in four letters, and its data. */
export interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
}

const COLOR_SPACES = ['srgb', 'display-p3'] as const;

/**
 * Writes metadata as chunks.
 *
 * @param url - the checkpoint's address
 * @throws InputError if a value is invalid
 */
export function metadataChunks(metadata: FileMetadataInput, url: string | undefined): Chunk[] {
  const { title, colorSpace, icc, exif: givenExif } = metadata;
  const exif = givenExif === undefined ? undefined : exifBlock(givenExif);
  const orientation = metadata.orientationApplied ?? (exif && describeExif(exif.given).orientation);
  const chunks: Chunk[] = [];
  if (url !== undefined) chunks.push({ type: 'murl', data: new TextEncoder().encode(url) });
  if (title !== undefined && typeof (title as unknown) !== 'string') {
    throw new InputError(`metadata.title must be a text; it was ${String(title)}.`);
  }
  if (title !== undefined) chunks.push({ type: 'titl', data: new TextEncoder().encode(title) });
  if (colorSpace !== undefined) {
    const index = COLOR_SPACES.indexOf(colorSpace);
    if (index < 0) {
      throw new InputError(`metadata.colorSpace must be "srgb" or "display-p3"; it was ${JSON.stringify(colorSpace)}.`);
    }
    chunks.push({ type: 'cspc', data: Uint8Array.of(index) });
  }
  if (icc !== undefined) chunks.push({ type: 'iccp', data: bytesOf('icc', 'an ICC profile', icc) });
  if (exif !== undefined) chunks.push({ type: 'exif', data: exif.upright });
  if (orientation !== undefined) {
    if (!Number.isInteger(orientation) || orientation < 1 || orientation > 8) {
      throw new InputError(`metadata.orientationApplied must be an EXIF orientation, 1 to 8; it was ${orientation}.`);
    }
    chunks.push({ type: 'orie', data: Uint8Array.of(orientation) });
  }
  return chunks;
}

/**
 * Reads metadata from chunks. Of two chunks of a type, the first counts.
 *
 * @throws FormatError if a required chunk is unknown or a value is invalid
 */
export function readMetadata(chunks: readonly Chunk[]): { metadata: FileMetadata; url: string | undefined } {
  const known = new Map<string, ByteReader>();
  for (const { type, data } of chunks) {
    if (!/^[A-Za-z]{4}$/.test(type)) {
      throw new FormatError(
        'damaged',
        `The header is damaged: ${JSON.stringify(type)} is not a chunk type. Fetch the file again.`,
      );
    }
    if (/^[A-Z]/.test(type)) {
      throw new FormatError(
        'unsupported',
        `The file has the required chunk "${type}", which this program does not know. Use a later version of ` +
          'the program.',
      );
    }
    if (!known.has(type)) known.set(type, new ByteReader(data, `The chunk "${type}"`));
  }
  const text = (type: string): string | undefined => {
    const reader = known.get(type);
    return reader && decode(reader);
  };
  const space = known.get('cspc')?.u8();
  const colorSpace = space === undefined ? undefined : COLOR_SPACES[space];
  const orientation = known.get('orie')?.u8();
  const title = text('titl');
  const icc = known.get('iccp')?.bytes.slice();
  const block = known.get('exif')?.bytes;
  const exif = block && uprightExif(block);
  return {
    url: text('murl'),
    metadata: {
      ...(title !== undefined && { title }),
      ...(colorSpace !== undefined && { colorSpace }),
      ...(icc !== undefined && { icc }),
      ...(exif !== undefined && { exif }),
      ...(orientation !== undefined && orientation >= 1 && orientation <= 8 && { orientationApplied: orientation }),
    },
  };
}

function decode(reader: ByteReader): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(reader.bytes);
  } catch (cause) {
    throw reader.damaged('it is not UTF-8', cause);
  }
}

/** The EXIF block as it was given, and with an orientation of 1. */
function exifBlock(exif: unknown): { given: Uint8Array; upright: Uint8Array } {
  const given = bytesOf('exif', 'an EXIF block', exif);
  const upright = uprightExif(given);
  if (upright !== undefined) return { given, upright };
  throw new InputError(
    'metadata.exif must be an EXIF block, which begins with "II*" or "MM" or with "Exif" before that. ' +
      'readExif returns the block of a JPEG, PNG or WebP file.',
  );
}

function bytesOf(name: string, content: string, given: unknown): Uint8Array {
  const bytes = bufferBytes(given);
  if (bytes !== undefined && bytes.length > 0) return bytes;
  throw new InputError(
    `metadata.${name} must be a Uint8Array, ArrayBuffer or DataView with ${content}; it was ` +
      `${bytes ? 'empty' : String(given)}.`,
  );
}
