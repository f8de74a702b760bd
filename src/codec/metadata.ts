/** The chunks at the end of a header. A type whose first letter is a capital must be understood; the others may be skipped (as in PNG). */
import { FormatError, InputError } from '../errors.ts';
import { classNameOf } from '../runtime/brand.ts';
import { ByteReader } from './bytes.ts';
import type { FileMetadata, FileMetadataInput } from './types.ts';

/** A piece of the header: four letters, and what they say. */
export interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
}

const COLOR_SPACES = ['srgb', 'display-p3'] as const;

/**
 * Metadata as chunks.
 *
 * @param url - where the checkpoint can be had
 * @throws InputError for values that a file can't say
 */
export function metadataChunks(metadata: FileMetadataInput, url: string | undefined): Chunk[] {
  const { title, colorSpace, icc, orientationApplied: orientation } = metadata;
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
  if (icc !== undefined) chunks.push({ type: 'iccp', data: bytesOf(icc) });
  if (orientation !== undefined) {
    if (!Number.isInteger(orientation) || orientation < 1 || orientation > 8) {
      throw new InputError(`metadata.orientationApplied must be 1 to 8, as EXIF has it; it was ${orientation}.`);
    }
    chunks.push({ type: 'orie', data: Uint8Array.of(orientation) });
  }
  return chunks;
}

/**
 * What chunks say. Of two of a type, the first counts.
 *
 * @throws FormatError for a chunk that must be understood and isn't known, or one whose value can't be
 */
export function readMetadata(chunks: readonly Chunk[]): { metadata: FileMetadata; url: string | undefined } {
  const known = new Map<string, ByteReader>();
  for (const { type, data } of chunks) {
    if (!/^[A-Za-z]{4}$/.test(type)) {
      throw new FormatError(
        'damaged',
        `The header is damaged: ${JSON.stringify(type)} is no chunk. Fetch the file again.`,
      );
    }
    if (/^[A-Z]/.test(type)) {
      throw new FormatError(
        'unsupported',
        `The file has a part, "${type}", that this program doesn't know and that it can't be decoded without. Use a later one.`,
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
  return {
    url: text('murl'),
    metadata: {
      ...(title !== undefined && { title }),
      ...(colorSpace !== undefined && { colorSpace }),
      ...(icc !== undefined && { icc }),
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

function bytesOf(icc: unknown): Uint8Array {
  const bytes = ArrayBuffer.isView(icc)
    ? new Uint8Array(icc.buffer, icc.byteOffset, icc.byteLength)
    : classNameOf(icc) === 'ArrayBuffer'
      ? new Uint8Array(icc as ArrayBuffer)
      : undefined;
  if (bytes !== undefined && bytes.length > 0) return bytes;
  throw new InputError(
    `metadata.icc must be a Uint8Array, ArrayBuffer or DataView with an ICC profile; it was ${bytes ? 'empty' : String(icc)}.`,
  );
}
