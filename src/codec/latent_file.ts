/** A latent in a file, and out of it: no network is needed for either. */
import { FormatError, InputError } from '../errors.ts';
import { crc32 } from './crc32.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { fromF16, toF16 } from './f16.ts';
import { headerBytes, readHeader, VERSION, writeHeader, type Header } from './header.ts';
import { LevelModel } from './levels.ts';
import { pace } from './pace.ts';
import { dequantise, quantise, stepOf, type CodedQuantiser } from './quantiser.ts';
import { BitDecoder, BitEncoder } from './range_coder.ts';
import type { ModelLatent } from '../runtime/model_interface.ts';
import type {
  CompressedFile,
  FileInfo,
  LatentNumbers,
  PackLatentOptions,
  PlainLatent,
  Quantiser,
  UnpackOptions,
} from './types.ts';
import { WordModel } from './words.ts';

/** `quality` where none is given. */
const DEFAULT_QUALITY = 60;
/** The most numbers that a latent may have where the caller says nothing: 128 MiB of f32. */
const MAX_NUMBERS = 2 ** 25;
/**
 * The most numbers that a byte can hold: every number takes a decision at least, and none of those is likelier than 65514/65536, which takes
 * 1/2065 of a bit.
 */
const NUMBERS_PER_BYTE = 2 ** 15;
/** And so many in any file, however short. */
const NUMBERS_ANYWAY = 2 ** 20;

/**
 * Writes a latent to a file.
 *
 * @param latent - `[N, C, h, w]`, not scaled: what `await latent.toArray()` gives
 * @returns the file, and where its bits went
 * @throws InputError for options or a latent that can't be; the signal's reason when aborted
 */
export async function packLatent(
  latent: LatentNumbers | ModelLatent,
  options: PackLatentOptions,
): Promise<CompressedFile> {
  const { codec } = options.model;
  if (codec !== undefined) return await codec.packLatent(latent, options);
  const numbers =
    'data' in latent ? latent : { data: await latent.toArray(), shape: latent.shape, imageSize: latent.imageSize };
  return await encodeLatent(numbers, options);
}

async function encodeLatent(latent: LatentNumbers, options: PackLatentOptions): Promise<CompressedFile> {
  const { data, shape, imageSize } = latent;
  const { model, exact, quality = DEFAULT_QUALITY, metadata = {}, checkpointUrl: url } = options;
  check(latent, options);
  const [n, channels, height, width] = shape;
  const coding = exact ?? 'quantised';
  const { quantiser, levels } =
    exact === undefined
      ? quantise(latent, quality, model.config.scalingFactor)
      : { quantiser: undefined, levels: bitsOf(latent, exact) };
  const head = writeHeader({
    coding,
    checkpoint: model.checkpoint,
    url,
    image: imageSize,
    latent: shape,
    quantiser,
    metadata,
  });

  const area = height * width;
  const bitsPerPosition = new Float32Array(n * area);
  const bitsPerChannel = new Float64Array(channels);
  const coder = new BitEncoder();
  const symbols = modelOf(coding, channels);
  let zeros = 0;
  for (const level of levels) if (level === 0) zeros++;
  const step = pace('pack', options);
  for (let i = 0; i < n; i++) {
    const picture = levels.subarray(i * channels * area, (i + 1) * channels * area);
    const spent = { positions: bitsPerPosition.subarray(i * area, (i + 1) * area), channels: bitsPerChannel };
    const share = (fraction: number): Promise<void> | undefined => step((i + fraction) / n);
    await symbols.code(coder, { data: picture, channels, height, width }, share, spent);
  }
  const payload = coder.finish();
  const file = new ByteWriter();
  file.raw(head);
  file.u32(payload.length);
  file.raw(payload);
  file.u32(crc32(payload));
  options.onProgress?.({ phase: 'done', fraction: 1 });
  const bytes = file.bytes;
  const pixels = imageSize ? n * imageSize.height * imageSize.width : data.length;
  return {
    bytes,
    stats: {
      bytes: sizes(bytes.length, payload.length),
      bitsPerPixel: (8 * bytes.length) / pixels,
      count: data.length,
      zeros,
      bitsPerPosition,
      bitsPerChannel,
      quantiser: quantiser && publicQuantiser(quantiser),
    },
  };
}

/**
 * Reads a latent from a file.
 *
 * @returns the latent, as `ae.decode` takes it, and what the file says of itself
 * @throws FormatError for what isn't a whole, undamaged file of this version, or asks for too much memory; the signal's reason when aborted
 */
export async function unpackLatent(
  bytes: Uint8Array | ArrayBuffer,
  options: UnpackOptions = {},
): Promise<{ latent: PlainLatent; info: FileInfo }> {
  const file = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  const header = readHeader(file);
  const rest = new ByteReader(file.subarray(header.length), 'The file', 'truncated');
  const payload = rest.raw(rest.u32());
  const crc = rest.u32();
  if (rest.left > 0) {
    throw new FormatError(
      'trailing',
      `${rest.left} bytes follow the file's end. Cut them off, or fetch the file again.`,
    );
  }
  if (crc !== crc32(payload)) {
    throw new FormatError('damaged', "The file is damaged: its checksum doesn't fit. Fetch it again.");
  }
  const { coding, quantiser, image, latent: shape } = header;
  const [n, channels, height, width] = shape;
  const area = height * width;
  const count = n * channels * area;
  const most = Math.min(options.maxNumbers ?? MAX_NUMBERS, Math.max(NUMBERS_ANYWAY, payload.length * NUMBERS_PER_BYTE));
  if (count > most) {
    throw new FormatError(
      'too-large',
      `The file's latent has ${count} numbers ([${shape.join(', ')}]), and ${most} are allowed for a file of ${file.length} bytes. Raise maxNumbers if you trust it.`,
    );
  }
  const data = new Float32Array(count);
  const coder = new BitDecoder(payload);
  const symbols = modelOf(coding, channels);
  const step = pace('unpack', options);
  for (let i = 0; i < n; i++) {
    const levels = new Int32Array(channels * area);
    const share = (fraction: number): Promise<void> | undefined => step((i + fraction) / n);
    await symbols.code(coder, { data: levels, channels, height, width }, share);
    const planes = data.subarray(i * channels * area, (i + 1) * channels * area);
    if (quantiser !== undefined) dequantise(levels, quantiser, planes);
    else numbersOf(levels, coding, channels, planes);
  }
  options.onProgress?.({ phase: 'done', fraction: 1 });
  return { latent: { data, shape, imageSize: image }, info: infoOf(header, payload.length) };
}

/**
 * Reads what a file says of itself; no model is needed, and no more than the header is looked at, so that the beginning of a file serves too.
 *
 * @param file - the file, or its beginning
 * @throws FormatError for what isn't the beginning of a file of this version
 */
export async function inspect(file: Uint8Array | ArrayBuffer | Blob): Promise<FileInfo> {
  const read = async (count: number): Promise<Uint8Array> => {
    if (file instanceof Uint8Array) return file.subarray(0, count);
    return new Uint8Array(
      file instanceof ArrayBuffer ? file.slice(0, count) : await file.slice(0, count).arrayBuffer(),
    );
  };
  const length = headerBytes(await read(10));
  const start = await read(length + 4);
  const header = readHeader(start);
  return infoOf(header, new ByteReader(start.subarray(length), 'The file', 'truncated').u32());
}

function modelOf(coding: Header['coding'], channels: number): LevelModel | WordModel {
  return coding === 'quantised' ? new LevelModel(channels) : new WordModel(channels, coding === 'f32' ? 32 : 16);
}

/** The bits of a latent's numbers, as `[N, h, w, C]`. */
function bitsOf({ data, shape }: LatentNumbers, coding: 'f32' | 'f16'): Int32Array {
  const [n, channels, height, width] = shape;
  const area = height * width;
  const words = coding === 'f32' ? new Int32Array(data.slice().buffer) : Int32Array.from(data, toF16);
  const bits = new Int32Array(words.length);
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < channels; c++) {
      for (let k = 0; k < area; k++) {
        bits[(i * area + k) * channels + c] = words[(i * channels + c) * area + k] ?? 0;
      }
    }
  }
  return bits;
}

/** The numbers of these bits, `[h, w, C]`, as `[C, h, w]`. */
function numbersOf(bits: Int32Array, coding: Header['coding'], channels: number, planes: Float32Array): void {
  const area = bits.length / channels;
  const numbers = coding === 'f32' ? new Float32Array(bits.buffer) : Float32Array.from(bits, fromF16);
  for (let c = 0; c < channels; c++) {
    for (let k = 0; k < area; k++) planes[c * area + k] = numbers[k * channels + c] ?? 0;
  }
}

function check({ data, shape }: LatentNumbers, { model, quality, exact }: PackLatentOptions): void {
  const shown = `[${shape.join(', ')}]`;
  if (shape.length !== 4 || !shape.every((side) => Number.isSafeInteger(side) && side > 0)) {
    throw new InputError(`latent.shape must be [N, C, h, w] of positive integers; it was ${shown}.`);
  }
  if (shape[1] !== model.config.latentChannels) {
    throw new InputError(
      `latent.shape must have ${model.config.latentChannels} channels, as the model's config says; it was ${shown}.`,
    );
  }
  const count = shape.reduce((product, side) => product * side, 1);
  if (data.length !== count) {
    throw new InputError(`latent.data must hold ${count} numbers for its shape ${shown}; it holds ${data.length}.`);
  }
  const bad = exact === undefined ? data.findIndex((value) => !Number.isFinite(value)) : -1;
  if (bad >= 0) {
    throw new InputError(
      `latent.data holds ${String(data[bad])} at index ${bad}; all numbers must be finite. Look at what made it.`,
    );
  }
  if (quality !== undefined && !(Number.isInteger(quality) && quality >= 1 && quality <= 100)) {
    throw new InputError(`options.quality must be a whole number from 1 to 100; it was ${quality}.`);
  }
  if (exact !== undefined && !['f32', 'f16'].includes(exact)) {
    throw new InputError(`options.exact must be "f32" or "f16", or be left out; it was ${JSON.stringify(exact)}.`);
  }
}

function infoOf(header: Header & { readonly length: number }, payload: number): FileInfo {
  const { coding, checkpoint, url, image, latent, quantiser, metadata, length } = header;
  const isRepo = checkpoint.id?.includes('/') === true;
  return {
    version: VERSION,
    coding,
    checkpoint: { ...checkpoint, url: url ?? (isRepo ? `https://huggingface.co/${checkpoint.id}` : undefined) },
    image,
    latent,
    quantiser: quantiser && publicQuantiser(quantiser),
    metadata,
    bytes: sizes(length + 8 + payload, payload),
  };
}

function sizes(total: number, payload: number): FileInfo['bytes'] {
  return { header: total - payload, payload, total };
}

function publicQuantiser({ quality, steps }: CodedQuantiser): Quantiser {
  return { quality, steps: steps.map(stepOf) };
}
