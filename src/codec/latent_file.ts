/** Writes latents to files and reads them. Needs no network. */
import { FormatError } from '../errors.ts';
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
import { FIXED_BYTES, headerBytes, readHeader, VERSION, writeHeader, type Header } from './header.ts';
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
 * The most numbers that a byte can hold. Every number takes at least one decision, and a decision has a probability of
 * at most 65514/65536, which takes 1/2065 of a bit.
 */
const NUMBERS_PER_BYTE = 2 ** 15;
/** Numbers that any file may hold, however short it is. */
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
  const coding = exact ?? 'quantised';
  const { quantiser, levels } =
    exact === undefined
      ? quantise(latent, quality, model.config.scalingFactor)
      : { quantiser: undefined, levels: bitsOf(latent, exact) };
  const head = writeHeader({
    coding,
    checkpoint,
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
  const { coding, quantiser, image, latent: shape } = header;
  const [n, channels, height, width] = shape;
  const area = height * width;
  const count = n * channels * area;
  const most = Math.min(
    options.maxNumbers ?? MAX_NUMBERS,
    Math.max(MIN_NUMBER_LIMIT, payload.length * NUMBERS_PER_BYTE),
  );
  if (count > most) {
    throw new FormatError(
      'too-large',
      `The file's latent has ${count} numbers ([${shape.join(', ')}]); ${most} are allowed for a file of ${file.length} bytes. Raise maxNumbers if you trust the file.`,
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

/** Returns the bits of a latent's numbers as `[N, h, w, C]`. */
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

/** Turns bits, `[h, w, C]`, into numbers, `[C, h, w]`. */
function numbersOf(bits: Int32Array, coding: Header['coding'], channels: number, planes: Float32Array): void {
  const area = bits.length / channels;
  const numbers = coding === 'f32' ? new Float32Array(bits.buffer) : Float32Array.from(bits, fromF16);
  for (let c = 0; c < channels; c++) {
    for (let k = 0; k < area; k++) planes[c * area + k] = numbers[k * channels + c] ?? 0;
  }
}

function infoOf(header: Header & { readonly length: number }, payload: number): FileInfo {
  const { coding, checkpoint, url, image, latent, quantiser, metadata, length } = header;
  return {
    version: VERSION,
    coding,
    checkpoint: { ...checkpoint, url: addressOf(url, checkpoint.id) },
    image,
    latent,
    quantiser: quantiser && publicQuantiser(quantiser),
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

function publicQuantiser({ quality, steps }: CodedQuantiser): Quantiser {
  return { quality, steps: steps.map(stepOf) };
}
