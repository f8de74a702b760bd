/** Checks of everything that is written to a file, so that no file is written that cannot be read. */
import { InputError } from '../errors.ts';
import type { CheckpointReference } from '../loading/fingerprint.ts';
import { optionsCheck } from '../options.ts';
import { classNameOf } from '../brand.ts';
import { copyNumbers } from '../runtime/numbers.ts';
import type {
  CompressOptions,
  DecompressOptions,
  FileMetadataInput,
  LatentNumbers,
  ModelFingerprint,
  PackLatentOptions,
  PackOptions,
  UnpackOptions,
} from './types.ts';

/** The largest values of the sides of a latent, `[N, C, h, w]`. */
export const MAX_SIDES = [2 ** 16, 2 ** 12, 2 ** 20, 2 ** 20] as const;
/** The largest side of a picture in pixels. */
export const MAX_PICTURE_SIDE = 2 ** 30;
/** The most bytes of a checkpoint's id in UTF-8. */
export const MAX_ID_BYTES = 255;

const CALL = { signal: true, onProgress: true } as const;
const PACK = { ...CALL, quality: true, channels: true, exact: true, metadata: true, checkpointUrl: true } as const;
const UNPACK = { ...CALL, maxNumbers: true } as const;

const checkPackNames = /* @__PURE__ */ optionsCheck<PackLatentOptions>({ ...PACK, model: true });
const checkCompressNames = /* @__PURE__ */ optionsCheck<CompressOptions>({ ...PACK, run: true });
const checkUnpackNames = /* @__PURE__ */ optionsCheck<UnpackOptions>(UNPACK);
const checkDecompressNames = /* @__PURE__ */ optionsCheck<DecompressOptions>({
  ...UNPACK,
  as: true,
  anyModel: true,
  run: true,
});
const checkMetadataNames = /* @__PURE__ */ optionsCheck<FileMetadataInput>({
  title: true,
  colorSpace: true,
  icc: true,
  exif: true,
  orientationApplied: true,
});

/** @throws InputError if an option of `compress` is invalid */
export function checkCompressOptions(options: CompressOptions): void {
  checkCompressNames('compress', options);
  checkWritten('compress', options);
}

/** @throws InputError if an option of `packLatent` is invalid */
export function checkPackOptions(options: PackLatentOptions): void {
  checkPackNames('packLatent', options);
  checkWritten('packLatent', options);
}

/** @throws InputError if an option of `unpackLatent` is invalid */
export function checkUnpackOptions(options: UnpackOptions): void {
  checkUnpackNames('unpackLatent', options);
  checkMaxNumbers(options);
}

/** @throws InputError if an option of `decompress` is invalid */
export function checkDecompressOptions(options: DecompressOptions): void {
  checkDecompressNames('decompress', options);
  checkMaxNumbers(options);
}

function checkMaxNumbers({ maxNumbers }: UnpackOptions): void {
  if (maxNumbers === undefined || (typeof (maxNumbers as unknown) === 'number' && maxNumbers > 0)) return;
  throw new InputError(`options.maxNumbers must be a positive number; it was ${String(maxNumbers)}.`);
}

function checkWritten(method: string, { quality, channels, exact, metadata, checkpointUrl }: PackOptions): void {
  if (quality !== undefined && !(Number.isInteger(quality) && quality >= 1 && quality <= 100)) {
    throw new InputError(`options.quality must be a whole number from 1 to 100; it was ${String(quality)}.`);
  }
  if (channels !== undefined && !(Number.isInteger(channels) && channels >= 1)) {
    throw new InputError(`options.channels must be a whole number from 1; it was ${String(channels)}.`);
  }
  if (exact !== undefined && !['f32', 'f16'].includes(exact)) {
    throw new InputError(`options.exact must be "f32" or "f16", or be absent; it was ${JSON.stringify(exact)}.`);
  }
  if (metadata !== undefined) checkMetadataNames(`${method}'s \`metadata\``, metadata);
  if (checkpointUrl !== undefined && !isFetchable(checkpointUrl)) {
    throw new InputError(
      'options.checkpointUrl must be an https or http URL, or an id of the hub such as "owner/name"; it was ' +
        `${JSON.stringify(checkpointUrl)}.`,
    );
  }
}

/** Whether a text is an https or http URL, or an id of the hub. Nothing else is written to a file, or returned. */
export function isFetchable(address: unknown): address is string {
  if (typeof address !== 'string') return false;
  return isHubId(address) || (/^https?:\/\//i.test(address) && URL.canParse(address));
}

/** Whether a text has the form `owner/name` or `owner/name/folder`. */
export function isHubId(text: string): boolean {
  return /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9_][\w.-]*)+$/.test(text);
}

/**
 * Checks the model that a file is written for.
 *
 * @throws InputError if a field of it cannot be written
 */
export function checkModelFingerprint({ config, checkpoint }: ModelFingerprint): CheckpointReference {
  const { latentChannels, scalingFactor, uniformQuantiserStep: step } = config;
  if (!(Number.isFinite(scalingFactor) && scalingFactor > 0)) {
    throw new InputError(`model.config.scalingFactor must be a positive number; it was ${String(scalingFactor)}.`);
  }
  if (step !== undefined && !(Number.isFinite(step) && step > 0)) {
    throw new InputError(
      `model.config.uniformQuantiserStep must be a positive number, or be absent; it was ${String(step)}.`,
    );
  }
  if (!Number.isSafeInteger(latentChannels) || latentChannels < 1) {
    throw new InputError(`model.config.latentChannels must be a positive integer; it was ${String(latentChannels)}.`);
  }
  for (const which of ['encoder', 'decoder'] as const) {
    const fingerprint: unknown = checkpoint[which];
    if (fingerprint === undefined || (typeof fingerprint === 'string' && /^[0-9a-f]{16}$/.test(fingerprint))) continue;
    throw new InputError(
      `model.checkpoint.${which} must be 16 hex digits in lower case, or be absent; it was ` +
        `${JSON.stringify(fingerprint)}.`,
    );
  }
  const id: unknown = checkpoint.id;
  if (id !== undefined && (typeof id !== 'string' || new TextEncoder().encode(id).length > MAX_ID_BYTES)) {
    throw new InputError(
      `model.checkpoint.id must be a text of at most ${MAX_ID_BYTES} bytes, or be absent; it was ` +
        `${JSON.stringify(id)}.`,
    );
  }
  return checkpoint;
}

/**
 * Checks a latent, and gives its numbers as f32.
 *
 * @throws InputError if the latent is invalid or does not fit the model
 */
export function checkLatent(latent: LatentNumbers, { model, exact }: PackLatentOptions): LatentNumbers {
  const { shape, imageSize } = latent;
  const shown = JSON.stringify(shape);
  const isShape = Array.isArray(shape) && shape.length === 4;
  if (!isShape || !shape.every((side, i) => Number.isSafeInteger(side) && side > 0 && side <= (MAX_SIDES[i] ?? 0))) {
    throw new InputError(
      `latent.shape must be [N, C, h, w] of positive integers, at most [${MAX_SIDES.join(', ')}]; it was ${shown}.`,
    );
  }
  if (shape[1] !== model.config.latentChannels) {
    throw new InputError(
      `latent.shape must have ${model.config.latentChannels} channels, as the model's config says; it was ${shown}.`,
    );
  }
  checkImageSize(imageSize, shape, model.spatialCompressionRatio);
  const count = shape.reduce((product, side) => product * side, 1);
  const data = classNameOf(latent.data) === 'Float32Array' ? latent.data : copyNumbers('latent', latent.data, shape);
  if (data.length !== count) {
    throw new InputError(`latent.data must hold ${count} numbers for its shape ${shown}; it holds ${data.length}.`);
  }
  const invalid = exact === undefined ? data.findIndex((value) => !Number.isFinite(value)) : -1;
  if (invalid >= 0) {
    throw new InputError(
      `latent.data holds ${String(data[invalid])} at index ${invalid}; all numbers must be finite unless ` +
        'options.exact is set.',
    );
  }
  return { data, shape, imageSize };
}

function checkImageSize(size: unknown, [, , rows, columns]: LatentNumbers['shape'], ratio: number | undefined): void {
  if (size === undefined) return;
  const [height, width]: unknown[] =
    typeof size === 'object' && size !== null && 'height' in size && 'width' in size ? [size.height, size.width] : [];
  const limits = ratio === undefined ? [MAX_PICTURE_SIDE, MAX_PICTURE_SIDE] : [rows * ratio, columns * ratio];
  const fits = (side: unknown, limit = 0): boolean =>
    typeof side === 'number' && Number.isSafeInteger(side) && side > 0 && side <= limit;
  if (fits(height, limits[0]) && fits(width, limits[1])) return;
  throw new InputError(
    'latent.imageSize must be { height, width } in pixels, positive integers of at most ' +
      `${limits.join(' x ')}, or be absent; ` +
      `it was ${JSON.stringify(size)}.`,
  );
}
