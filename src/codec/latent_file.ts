/** Writes latents to files and reads them. Needs no network. */
import { FormatError, InputError } from '../errors.ts';
import {
  checkLatent,
  checkModelFingerprint,
  checkPackOptions,
  checkUnpackOptions,
  isFetchable,
  isHubId,
} from './check_options.ts';
import { crc32 } from './crc32.ts';
import { readFile, readFileStart, type FileInput } from './file_input.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { fromF16, toF16 } from './f16.ts';
import { FIXED_BYTES, headerBytes, readHeader, writeHeader, type Header, type ReadHeader } from './header.ts';
import { LevelModel } from './levels.ts';
import { pace } from './pace.ts';
import { dequantise, quantise, stepOf, type CodedQuantiser } from './quantiser.ts';
import { BitDecoder, BitEncoder } from './range_coder.ts';
import type { ModelLatent } from '../runtime/model_results.ts';
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

/** Bytes of the payload's length, which follows the header. */
const PAYLOAD_LENGTH_BYTES = 4;
/** The default of `quality`. */
const DEFAULT_QUALITY = 60;
/** The default of `maxNumbers`: 128 MiB of f32. */
const MAX_NUMBERS = 2 ** 25;
/**
 * The most coded numbers that a byte can hold. Every one takes at least one decision, and a decision has a probability
 * of at most 65514/65536, which takes 1/2065 of a bit.
 */
const NUMBERS_PER_BYTE = 2 ** 15;
/** Coded numbers that any file may hold, however short it is. */
const MIN_NUMBER_LIMIT = 2 ** 20;

/**
 * Writes a latent to a file.
 *
 * @param latent - the result of a model's `encode`, or its numbers
 * @returns the file and its statistics
 * @throws InputError if the latent or an option is invalid; the signal's reason if aborted
 */
export async function packLatent(
  latent: LatentNumbers | ModelLatent,
  options: PackLatentOptions,
): Promise<CompressedFile> {
  checkPackOptions(options);
  const { codec } = options.model;
  if (codec !== undefined) return await codec.packLatent(latent, options);
  const numbers =
    'data' in latent ? latent : { data: await latent.toArray(), shape: latent.shape, imageSize: latent.imageSize };
  return await encodeLatent(numbers, options);
}

async function encodeLatent(given: LatentNumbers, options: PackLatentOptions): Promise<CompressedFile> {
  const checkpoint = checkModelFingerprint(options.model);
  const latent = checkLatent(given, options);
  const { data, shape, imageSize } = latent;
  const { model, exact, quality = DEFAULT_QUALITY, metadata = {}, checkpointUrl: url } = options;
  const [n, channels, height, width] = shape;
  const kept = keptChannels(options.channels, channels);
  const coding = exact ?? 'quantised';
  const { quantiser, coded, levels } =
    exact === undefined
      ? quantise(latent, quality, model.config, kept)
      : { quantiser: undefined, ...bitsOf(latent, exact, kept) };
  const head = writeHeader({
    coding,
    checkpoint,
    url,
    image: imageSize,
    latent: shape,
    kept,
    coded,
    quantiser,
    metadata,
  });

  const area = height * width;
  const bitsPerPosition = new Float32Array(n * area);
  const bitsPerCoded = new Float64Array(coded.length);
  const coder = new BitEncoder();
  const symbols = modelOf(coding, coded.length);
  let zeros = data.length - levels.length;
  for (const level of levels) if (level === 0) zeros++;
  const step = pace('pack', options);
  for (let i = 0; i < n; i++) {
    const picture = levels.subarray(i * coded.length * area, (i + 1) * coded.length * area);
    const spent = { positions: bitsPerPosition.subarray(i * area, (i + 1) * area), channels: bitsPerCoded };
    const share = (fraction: number): Promise<void> | undefined => step((i + fraction) / n);
    await symbols.code(coder, { data: picture, channels: coded.length, height, width }, share, spent);
  }
  const bitsPerChannel = new Float64Array(channels);
  coded.forEach((c, j) => (bitsPerChannel[c] = bitsPerCoded[j] ?? 0));
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
      channels: { kept, coded: coded.length },
      quantiser: quantiser && publicQuantiser(quantiser, coded, channels),
    },
  };
}

/**
 * Reads a latent from a file.
 *
 * @param input - the whole file
 * @returns the latent, which `ae.decode` takes, and the contents of the file's header
 * @throws FormatError if the file is damaged, incomplete, of another version or too large; InputError if the input is
 * no file; the signal's reason if aborted
 */
export async function unpackLatent(
  input: FileInput,
  options: UnpackOptions = {},
): Promise<{ latent: PlainLatent; info: FileInfo }> {
  checkUnpackOptions(options);
  const file = await readFile(input, options.signal);
  const header = readHeader(file);
  const rest = new ByteReader(file.subarray(header.length), 'The file', 'truncated');
  const payload = rest.raw(rest.u32());
  const crc = rest.u32();
  if (rest.left > 0) {
    throw new FormatError(
      'trailing',
      `${rest.left} bytes follow the end of the file. Cut them off, or fetch the file again.`,
    );
  }
  if (crc !== crc32(payload)) {
    throw new FormatError('damaged', 'The file is damaged: its checksum is wrong. Fetch it again.');
  }
  const { coding, coded, quantiser, image, latent: shape } = header;
  const [n, channels, height, width] = shape;
  const area = height * width;
  checkCounts(header, payload.length, options.maxNumbers ?? MAX_NUMBERS);
  const data = new Float32Array(n * channels * area);
  const coder = new BitDecoder(payload);
  const symbols = modelOf(coding, coded.length);
  const step = pace('unpack', options);
  for (let i = 0; i < n; i++) {
    const levels = new Int32Array(coded.length * area);
    const share = (fraction: number): Promise<void> | undefined => step((i + fraction) / n);
    await symbols.code(coder, { data: levels, channels: coded.length, height, width }, share);
    const planes = data.subarray(i * channels * area, (i + 1) * channels * area);
    if (quantiser !== undefined) dequantise(levels, quantiser, coded, planes);
    else numbersOf(levels, coding, coded, planes);
  }
  options.onProgress?.({ phase: 'done', fraction: 1 });
  return { latent: { data, shape, imageSize: image }, info: infoOf(header, payload.length) };
}

/**
 * Reads a file's header. No model is needed, and the beginning of a file is enough.
 *
 * @param input - the file, or its beginning
 * @throws FormatError if it is not the beginning of a file of this version; InputError if it is no file at all
 */
export async function inspect(input: FileInput): Promise<FileInfo> {
  const start = await readFileStart(input, (bytes) =>
    bytes.length < FIXED_BYTES ? FIXED_BYTES : headerBytes(bytes) + PAYLOAD_LENGTH_BYTES,
  );
  const header = readHeader(start);
  const rest = new ByteReader(start.subarray(header.length), 'The file', 'truncated');
  return infoOf(header, rest.u32());
}

function modelOf(coding: Header['coding'], channels: number): LevelModel | WordModel {
  return coding === 'quantised' ? new LevelModel(channels) : new WordModel(channels, coding === 'f32' ? 32 : 16);
}

/** Returns the number of first channels to write. */
function keptChannels(asked: number | undefined, channels: number): number {
  if (asked === undefined || asked <= channels) return asked ?? channels;
  throw new InputError(`options.channels must be at most ${channels}, the latent's channels; it was ${asked}.`);
}

/** Refuses files that declare more numbers than the caller allows, or more coded ones than their bytes can hold. */
function checkCounts({ latent, coded }: Header, payload: number, maxNumbers: number): void {
  const [n, channels, height, width] = latent;
  const shown = `The file's latent, [${latent.join(', ')}], has`;
  const count = n * channels * height * width;
  if (count > maxNumbers) {
    throw new FormatError(
      'too-large',
      `${shown} ${count} numbers; ${maxNumbers} are allowed. Raise maxNumbers if you trust the file.`,
    );
  }
  const codedCount = n * coded.length * height * width;
  const limit = Math.max(MIN_NUMBER_LIMIT, payload * NUMBERS_PER_BYTE);
  if (codedCount <= limit) return;
  throw new FormatError(
    'too-large',
    `${shown} ${codedCount} coded numbers; ${payload} bytes can hold at most ${limit}. Fetch the file again.`,
  );
}

/** Returns the channels with a bit that is not zero, and the bits of their numbers as `[N, h, w, coded]`. */
function bitsOf(
  { data, shape }: LatentNumbers,
  coding: 'f32' | 'f16',
  kept: number,
): { coded: readonly number[]; levels: Int32Array } {
  const [n, channels, height, width] = shape;
  const area = height * width;
  const words = coding === 'f32' ? new Int32Array(data.slice().buffer) : Int32Array.from(data, toF16);
  const planes = Array.from({ length: kept }, (_, c) =>
    Array.from({ length: n }, (_, i) => words.subarray((i * channels + c) * area, (i * channels + c + 1) * area)),
  );
  const coded = [...planes.keys()].filter((c) => planes[c]?.some((plane) => plane.some((bits) => bits !== 0)));
  const levels = new Int32Array(n * area * coded.length);
  coded.forEach((c, j) => {
    planes[c]?.forEach((plane, i) => {
      for (let k = 0; k < area; k++) levels[(i * area + k) * coded.length + j] = plane[k] ?? 0;
    });
  });
  return { coded, levels };
}

/** Turns bits, `[h, w, coded]`, into numbers, `[C, h, w]`. */
function numbersOf(bits: Int32Array, coding: Header['coding'], coded: readonly number[], planes: Float32Array): void {
  const area = bits.length / coded.length;
  const numbers = coding === 'f32' ? new Float32Array(bits.buffer) : Float32Array.from(bits, fromF16);
  coded.forEach((c, j) => {
    for (let k = 0; k < area; k++) planes[c * area + k] = numbers[k * coded.length + j] ?? 0;
  });
}

function infoOf(header: ReadHeader, payload: number): FileInfo {
  const { version, coding, checkpoint, url, image, latent, kept, coded, quantiser, metadata, length } = header;
  return {
    version,
    coding,
    checkpoint: { ...checkpoint, url: addressOf(url, checkpoint.id) },
    image,
    latent,
    channels: { kept, coded: coded.length },
    quantiser: quantiser && publicQuantiser(quantiser, coded, latent[1]),
    metadata,
    bytes: sizes(length + 8 + payload, payload),
  };
}

/** The checkpoint's address, if it is one that is safe to open: a file can hold any text. */
function addressOf(url: string | undefined, id: string | undefined): string | undefined {
  if (isFetchable(url)) return url;
  return id !== undefined && isHubId(id) ? `https://huggingface.co/${id}` : undefined;
}

function sizes(total: number, payload: number): FileInfo['bytes'] {
  return { header: total - payload, payload, total };
}

function publicQuantiser({ quality, steps }: CodedQuantiser, coded: readonly number[], channels: number): Quantiser {
  const all = new Array<number>(channels).fill(0);
  coded.forEach((c, j) => (all[c] = stepOf(steps[j] ?? 0)));
  return { quality, steps: all };
}
